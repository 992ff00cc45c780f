"""How a picture was made, as one line of JSON that the picture carries: enough to train and draw it once more."""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dynviz import plugins
from dynviz.animation.wording import Wording
from dynviz.errors import DynvizError
from dynviz.plugins.fingerprints import CodeFile, module_source
from dynviz.plugins.spec import parse
from dynviz.recording import Recording, schema
from dynviz.recording.changes import Change, effective
from dynviz.recording.metadata import Metadata
from dynviz.recording.schema import Misfit, list_of, mapping_of, typed, whole
from dynviz.recording.values import encode

KEY = "dynviz-recipe"
VERSION = 1
LONGEST = 1 << 16
"""Characters of a recipe: that of a picture of thousands of lanes is longer, and is left out."""
SUMMED = 1 << 26
"""Bytes of a channel up to which its samples are summed."""
KEPT = (
    "scenario",
    "optimizer",
    "label",
    "order",
    "hyperparameters",
    "terms",
    "lanes",
    "steps",
    "device",
    "dtype",
    "compiled",
    "checkpoint_every",
    "versions",
    "format",
)
"""What training again needs of a recording's metadata; all else follows from it."""
THEMES = ("light", "dark")
FILE_NAME = re.compile(r"(?!\.)[^/\\\0-\x1f\x7f]{1,100}")
SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,16}|")


@dataclass(frozen=True, kw_only=True)
class ChannelSum:
    """What a channel held: the number of samples, and their CRC-32."""

    samples: int
    crc: int


@dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """A recording that a picture shows.

    Attributes:
        folder: The name of the folder that it stands in.
        chosen: The lanes that are shown; None for all.
        metadata: Its metadata, as far as training again needs it.
        changes: What was changed while it trained.
        files: The SHA-256 of each file of the user's that it depends on, by name.
        sums: What its channels held.
    """

    folder: str
    chosen: tuple[int, ...] | None
    metadata: Metadata
    changes: tuple[Change, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    sums: Mapping[str, ChannelSum] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PictureRequest:
    """How recordings were drawn; see `dynviz.animation.export.animate`.

    Attributes:
        suffix: The format: `.gif`.
        view_sha256: The fingerprint of a view of the user's own.
        exporter_sha256: The same of an exporter.
    """

    suffix: str
    view: str
    panel: str | None
    story: bool
    fps: float | None
    frames: int | None
    steps: tuple[int | None, ...] | None
    size: tuple[int, int]
    theme: Literal["light", "dark"]
    hold: float | None
    pace: Literal["motion", "steps"]
    title: str
    caption: str
    labels: tuple[tuple[str, str], ...]
    language: tuple[tuple[str, str], ...]
    publication: Literal["column", "page"] | None
    exporter: str | None
    options: Mapping[str, Any]
    view_sha256: str = ""
    exporter_sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a picture was made."""

    recordings: tuple[RecordedRun, ...]
    picture: PictureRequest

    def line(self) -> str:
        """The line of JSON; only ASCII, which every format keeps."""
        tree = encode(self, "recipe")
        for entry in tree["recordings"]:
            entry["metadata"] = _trimmed(entry["metadata"])
        return _line({KEY: VERSION, **tree})


def line_for(recordings: Sequence[Recording], request: Mapping[str, Any], wording: Wording) -> str:
    """The line that a picture of some recordings carries: its recipe, or why there is none.

    Args:
        recordings: The recordings, under their own names.
        request: The arguments of `animate` by which it is drawn.
        wording: Its words.
    """
    try:
        line = Recipe(recordings=tuple(map(_recorded, recordings)), picture=_picture(request, wording)).line()
    except DynvizError as error:
        return _line({KEY: VERSION, "none": str(error)})
    return line if len(line) <= LONGEST else _line({KEY: VERSION, "none": "it shows more lanes than can be listed"})


def read_line(tree: Any) -> Recipe:
    """The recipe in the JSON tree of a line.

    Raises:
        DynvizError: It is of a newer version, does not describe a picture, or says why there is no recipe.
    """
    version = tree.get(KEY) if isinstance(tree, dict) else None
    if type(version) is not int or version > VERSION:
        raise DynvizError(f"its recipe is of version {version!r:.20}; this dynviz reads {VERSION}: install a newer one")
    if isinstance(tree.get("none"), str):
        raise DynvizError(f"it cannot be made again: {tree['none']}")
    return schema.check(_RECIPE, {name: entry for name, entry in tree.items() if name != KEY}, "a picture")


def sums(recording: Recording) -> dict[str, ChannelSum]:
    """What the channels of a recording hold; those that are very large are left out."""
    held = {}
    for name in recording.metadata.channels:
        samples = recording[name]
        if samples.nbytes <= SUMMED:
            held[name] = ChannelSum(samples=len(samples), crc=zlib.crc32(np.ascontiguousarray(samples).tobytes()))
    return held


def _recorded(recording: Recording) -> RecordedRun:
    whole_recording = Recording(recording.folder)
    metadata = whole_recording.metadata
    if metadata.imported or metadata.own_loop:
        raise DynvizError("it shows a run that dynviz did not train")
    if metadata.origin is not None:
        raise DynvizError("it shows a fork")
    return RecordedRun(
        folder=recording.folder.absolute().parent.name,
        chosen=recording.chosen,
        metadata=metadata,
        changes=effective(whole_recording.changes()),
        files={Path(one.path).name: one.sha256 for one in metadata.inputs},
        sums=sums(whole_recording),
    )


def _trimmed(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A tree of metadata as far as training again needs it."""
    tree = {name: metadata[name] for name in KEPT}
    # Absolute paths are nobody's business; a user's file is found again by its name and its fingerprint.
    tree["scenario"] = {**tree["scenario"], "file": ""}
    optimizer = tree["optimizer"]
    modifiers = [{**modifier, "file": ""} for modifier in optimizer["modifiers"]]
    tree["optimizer"] = {**optimizer, "file": "", "modifiers": modifiers}
    tree["channels"] = {
        name: {"every": info["every"], "dtype": info["dtype"]} for name, info in metadata["channels"].items()
    }
    return tree


def _picture(request: Mapping[str, Any], wording: Wording) -> PictureRequest:
    if request["theme"] not in THEMES:
        raise DynvizError("its theme is a file")
    if request["notes"]:
        raise DynvizError("it shows notes")
    return PictureRequest(
        **{name: value for name, value in request.items() if name != "notes"},
        **{name: getattr(wording, name) for name in ("title", "caption", "labels", "language")},
        view_sha256=_fingerprint("views", request["view"]),
        exporter_sha256="" if request["exporter"] is None else _fingerprint("exporters", request["exporter"]),
    )


def _fingerprint(plural: str, text: str) -> str:
    """That of a plug-in of the user's own, which is not loaded again for it; empty for a bundled one."""
    name = parse(text).name
    if name in plugins.files(plural):
        return ""
    source = CodeFile(Path(name).expanduser()) if name.endswith(".py") else module_source(name)
    return "" if source is None else source.fingerprint()


def _line(tree: Mapping[str, Any]) -> str:
    line = json.dumps(tree, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    # What is not markup stands in pages and vector graphics as it is.
    return line.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


def _metadata(tree: Any) -> Metadata:
    """The metadata of a recording that is to be trained again."""
    if not isinstance(tree, dict):
        raise Misfit("is not a mapping")
    try:
        metadata = Metadata.from_json({name: entry for name, entry in tree.items() if name in (*KEPT, "channels")})
    except DynvizError as error:
        raise Misfit(str(error)) from error
    _file_name(metadata.label)
    return metadata


def _suffix(value: Any) -> str:
    """The suffix of a file's name."""
    suffix = schema.text(value)
    if not SUFFIX.fullmatch(suffix):
        raise schema.unlike(suffix, "a suffix like .gif")
    return suffix


def _file_name(value: Any) -> str:
    """A name that leads nowhere else."""
    name = schema.text(value)
    if not FILE_NAME.fullmatch(name):
        raise schema.unlike(name, "the name of a folder")
    return name


_PAIR = list_of(schema.text, 2, 2)
_RECIPE = typed(
    Recipe,
    recordings=list_of(
        typed(
            RecordedRun,
            folder=_file_name,
            chosen=schema.optional(list_of(whole(0, schema.LANES), most=schema.LANES)),
            metadata=_metadata,
            sums=mapping_of(typed(ChannelSum, samples=whole(0, schema.STEPS), crc=whole(0, 0xFFFFFFFF))),
        ),
        least=1,
        most=100,
    ),
    picture=typed(
        PictureRequest,
        suffix=_suffix,
        size=list_of(whole(1, 1 << 15), 2, 2),
        frames=schema.optional(whole(1)),
        steps=schema.optional(list_of(schema.optional(whole(0, schema.STEPS)), 2, 2)),
        labels=list_of(_PAIR),
        language=list_of(_PAIR),
    ),
)
