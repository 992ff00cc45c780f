"""How a picture was made, as one line of JSON that the picture carries: enough to train and draw it once more."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dynviz.recording.changes import Change
from dynviz.recording.metadata import Metadata
from dynviz.recording.values import encode

KEY = "dynviz-recipe"
VERSION = 1
LONGEST = 1 << 17
"""Characters of a recipe: that of a picture of thousands of lanes is longer, and is left out."""
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


@dataclass(frozen=True, kw_only=True)
class ChannelSum:
    """What a channel held: the number of samples, and their CRC-32."""

    samples: int
    crc: int


@dataclass(frozen=True, kw_only=True)
class RecordedMeasurement:
    """Losses around a recording's parameters that a picture shows.

    Attributes:
        kind: What measured them.
        name: The name of their file.
        asked: What was asked for, by the fields of `dynviz.projection.project.Wish` or `curvature.Look`.
        goals: The recordings that directions lead to, by their places among `Recipe.others`.
        crc: The CRC-32 of what was measured.
    """

    kind: Literal["projection", "sharpness"]
    name: str
    asked: Mapping[str, Any]
    goals: tuple[int, ...] = ()
    crc: int


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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
    """How a picture was made.

    Attributes:
        recordings: What it shows.
        others: What directions lead to that it does not show itself.
        picture: How it was drawn.
    """

    recordings: tuple[RecordedRun, ...]
    others: tuple[RecordedRun, ...] = ()
    picture: PictureRequest

    def line(self) -> str:
        """The line of JSON; only ASCII, which every format keeps."""
        tree = encode(self, "recipe")
        for entry in (*tree["recordings"], *tree["others"]):
            _trim(entry)
        return line_of({KEY: VERSION, **tree})


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
    """The line of JSON; what is not markup stands in pages and vector graphics as it is."""
    line = json.dumps(tree, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return line.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")
