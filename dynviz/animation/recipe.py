"""How a picture was made, as one line of JSON that the picture carries: enough to train and draw it once more."""

import base64
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from dynviz.frozen import frozen
from dynviz.recording.changes import Change
from dynviz.recording.metadata import Metadata
from dynviz.recording.values import encode

KEY = "dynviz-recipe"
VERSION = 2
"""Since 2 a long line is packed; one that is not packed is still written as 1, which older versions read."""
PACKED = "packed"
PLAIN = 1 << 15
"""Characters up to which a line is kept as it is."""
LONGEST = 1 << 18
"""Characters of a line: that of a picture of very many lanes is longer, and is left out."""
UNPACKED = 1 << 22
"""Characters of a line before it is packed."""
FILE_NAME = re.compile(r"(?!\.)[^/\\\0-\x1f\x7f]{1,100}")
"""Names of folders and files in a recipe: they lead nowhere else."""
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


@frozen(kw_only=True)
class ChannelSum:
    """What a channel held.

    Attributes:
        samples: The number of samples.
        crc: Their CRC-32.
        sizes: The mean of all absolute values in each quarter of them, to compare with those of another processor,
            which rounds in other ways; of all together in a picture of very many recordings, and empty in older ones.
    """

    samples: int
    crc: int
    sizes: tuple[float, ...] = ()


@frozen(kw_only=True)
class RecordedMeasurement:
    """Losses around a recording's parameters that a picture shows.

    Attributes:
        kind: What measured them.
        name: The name of their file.
        asked: What was asked for, by the fields of `dynviz.projection.project.Wish` or `curvature.Look`.
        goals: The recordings that directions lead to, by their places among `Recipe.others`.
        crc: The CRC-32 of what was measured.
        sizes: The mean of the absolute values of each array that was measured; empty in older pictures.
    """

    kind: Literal["projection", "sharpness"]
    name: str
    asked: Mapping[str, Any]
    goals: tuple[int, ...] = ()
    crc: int
    sizes: tuple[float, ...] = ()


@frozen(kw_only=True)
class RecordedFork:
    """What a recording went on from, and how; see `dynviz.fork`.

    Attributes:
        parent: The recording that it went on from.
        step: The step after which it did.
        lanes: The lanes that it went on with.
        optimizer: Its optimizer, if it is another one.
        changes: What changed: hyperparameters as text, `state`, `schedule`, `steps`.
    """

    parent: "RecordedRun"
    step: int
    lanes: tuple[int, ...]
    optimizer: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)


@frozen(kw_only=True)
class RecordedRun:
    """A recording that a picture shows, or that another one of its recordings needs.

    Attributes:
        folder: The name of the folder that it stands in.
        chosen: The lanes that are shown; None for all.
        metadata: Its metadata, as far as training again needs it.
        changes: What was changed while it trained.
        files: The SHA-256 of each file of the user's that it depends on, by name.
        sums: What its channels held.
        measured: What was measured around its parameters.
        fork: What it went on from, if it is a fork.
    """

    folder: str
    chosen: tuple[int, ...] | None
    metadata: Metadata
    changes: tuple[Change, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    sums: Mapping[str, ChannelSum] = field(default_factory=dict)
    measured: tuple[RecordedMeasurement, ...] = ()
    fork: RecordedFork | None = None


@frozen(kw_only=True)
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


@frozen(kw_only=True)
class TapeRequest:
    """How recordings were played to record a terminal; see `dynviz.tapes`.

    Attributes:
        suffix: The format: `.gif`.
        text: The tape.
        sources: What it plays, as in its own line `Play`, but from the folders of the recipe: `rosenbrock/adamw@0`.
        shot: The place of the picture among the tape's screenshots; None if it is not one of them.
    """

    suffix: str
    text: str
    sources: tuple[str, ...]
    shot: int | None = None


@frozen(kw_only=True)
class Recipe:
    """How a picture was made.

    Attributes:
        recordings: What it shows.
        others: What directions lead to that it does not show itself.
        picture: How it was drawn.
    """

    recordings: tuple[RecordedRun, ...]
    others: tuple[RecordedRun, ...] = ()
    picture: PictureRequest | TapeRequest

    def line(self) -> str:
        """The line of JSON; only ASCII, which every format keeps."""
        tree = encode(self, "recipe")
        for entry in (*tree["recordings"], *tree["others"]):
            _trim(entry)
        return line_of(tree)


@frozen(kw_only=True)
class CommandRecipe:
    """The command that made a picture of results, such as a table of scores.

    Attributes:
        command: Its name.
        arguments: Its arguments, without those that say where it writes.
        suffix: The format of the picture: `.png`.
        crc: The CRC-32 of the results; None where times were measured, which never come out the same.
    """

    command: str
    arguments: tuple[str, ...]
    suffix: str
    crc: int | None

    def line(self) -> str:
        """The line of JSON; only ASCII, which every format keeps."""
        return line_of(encode(self, "recipe"))


@frozen(kw_only=True)
class ClaimRecipe:
    """The claim that a picture of a report shows the numbers of, and what they were.

    Attributes:
        claims: A claims file of this claim and its runs alone, as data; see `dynviz.reporting`.
        seeds: The seeds of runs that name none, as they were asked for.
        quick: Whether it was a quick look.
        verdict: The verdict.
        values: The number of each seed, with six digits.
        suffix: The format of the picture: `.svg`.
    """

    claims: Mapping[str, Any]
    seeds: str
    quick: bool
    verdict: str
    values: tuple[float, ...]
    suffix: str

    def line(self) -> str:
        """The line of JSON; only ASCII, which every format keeps."""
        return line_of(encode(self, "recipe"))


def _trim(entry: dict[str, Any]) -> None:
    """Leave out of a recording's tree what training again does not need."""
    entry["metadata"] = _trimmed(entry["metadata"])
    if entry["fork"] is not None:
        _trim(entry["fork"]["parent"])


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


def line_of(tree: Mapping[str, Any]) -> str:
    """The line of a recipe, or of why there is none; a long one is packed, which leaves a tenth of it."""
    line = _json({KEY: 1, **tree})
    if not PLAIN < len(line) <= UNPACKED:
        return line
    return _json({KEY: 2, PACKED: base64.b64encode(zlib.compress(line.encode(), 9)).decode()})


def _json(tree: Mapping[str, Any]) -> str:
    """JSON in one line; what is not markup stands in pages and vector graphics as it is."""
    line = json.dumps(tree, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return line.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")
