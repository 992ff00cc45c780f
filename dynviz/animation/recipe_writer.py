"""Writing down how a picture is made, or why it cannot be made again."""

import itertools
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynviz import plugins
from dynviz.animation.recipe import (
    KEY,
    LONGEST,
    VERSION,
    ChannelSum,
    PictureRequest,
    Recipe,
    RecordedFork,
    RecordedMeasurement,
    RecordedRun,
    line_of,
)
from dynviz.animation.wording import Wording
from dynviz.errors import DynvizError
from dynviz.plugins.fingerprints import CodeFile, module_source
from dynviz.plugins.spec import parse
from dynviz.recording import Recording, projections
from dynviz.recording.changes import Change, effective
from dynviz.recording.metadata import Metadata, Origin

SUMMED = 1 << 26
"""Bytes of a channel up to which its samples are summed."""
THEMES = ("light", "dark")


def line_for(
    recordings: Sequence[Recording],
    request: Mapping[str, Any],
    wording: Wording,
    measured: Sequence[tuple[Path, str]] = (),
) -> str:
    """The line that a picture of some recordings carries: its recipe, or why there is none.

    Args:
        recordings: The recordings, under their own names.
        request: The arguments of `animate` by which it is drawn.
        wording: Its words.
        measured: Measurements that it shows: the folder of each one's recording, and its name.
    """
    writer = _RunWriter(measured)
    try:
        runs = tuple(map(writer.run, recordings))
        others = tuple(writer.run(Recording(folder)) for folder in writer.goals)
        line = Recipe(recordings=runs, others=others, picture=_picture(request, wording)).line()
    except DynvizError as error:
        return line_of({KEY: VERSION, "none": str(error)})
    return line if len(line) <= LONGEST else line_of({KEY: VERSION, "none": "it shows more lanes than can be listed"})


def sums(recording: Recording) -> dict[str, ChannelSum]:
    """What the channels of a recording hold; those that are very large are left out."""
    held = {}
    for name in recording.metadata.channels:
        samples = recording[name]
        if samples.nbytes <= SUMMED:
            held[name] = ChannelSum(samples=len(samples), crc=zlib.crc32(np.ascontiguousarray(samples).tobytes()))
    return held


def measurement_sum(folder: Path, name: str) -> int:
    """The CRC-32 of what was measured around a recording's parameters."""
    crc = 0
    for array in projections.read(folder, name)[1].values():
        crc = zlib.crc32(np.ascontiguousarray(array).tobytes(), crc)
    return crc


class _RunWriter:
    """Writes down recordings, and what they need.

    Attributes:
        goals: The folders of recordings that directions lead to.
    """

    def __init__(self, measured: Sequence[tuple[Path, str]]) -> None:
        self.goals: list[Path] = []
        self._measured = measured
        self._folders: dict[Path, str] = {}

    def run(self, recording: Recording) -> RecordedRun:
        """A recording.

        Raises:
            DynvizError: It cannot be made again.
        """
        whole_recording = Recording(recording.folder)
        metadata = whole_recording.metadata
        if metadata.imported or metadata.own_loop:
            raise DynvizError("it shows a run that dynviz did not train")
        if metadata.status != "finished":
            raise DynvizError(f"it shows a run that had not finished, {metadata.label}")
        changes = effective(whole_recording.changes())
        names = dict.fromkeys(name for folder, name in self._measured if folder == recording.folder)
        return RecordedRun(
            folder=self._name(recording.folder.resolve().parent),
            chosen=recording.chosen,
            metadata=metadata,
            changes=() if metadata.origin else changes,
            files={Path(one.path).name: one.sha256 for one in metadata.inputs},
            sums=sums(whole_recording),
            measured=tuple(self._measurement(recording.folder, name) for name in names),
            fork=self._fork(metadata, metadata.origin, changes) if metadata.origin else None,
        )

    def _name(self, folder: Path) -> str:
        """The name of a run's folder, with a number where another one is called the same."""
        if folder not in self._folders:
            numbered = (folder.name if number == 1 else f"{folder.name}-{number}" for number in itertools.count(1))
            self._folders[folder] = next(name for name in numbered if name not in self._folders.values())
        return self._folders[folder]

    def _measurement(self, folder: Path, name: str) -> RecordedMeasurement:
        """A measurement; what it leads to is added to the goals."""
        about, _ = projections.read(folder, name)
        if not isinstance(about.get("asked"), dict) or not about["asked"]:
            raise DynvizError(f"it shows {name}, which does not say how it was measured; measure it again")
        self.goals += (Path(goal) for goal in about.get("towards", ()) if Path(goal) not in self.goals)
        return RecordedMeasurement(
            kind="sharpness" if about.get("kind") else "projection",
            name=name,
            asked=about["asked"],
            goals=tuple(self.goals.index(Path(goal)) for goal in about.get("towards", ())),
            crc=measurement_sum(folder, name),
        )

    def _fork(self, metadata: Metadata, origin: Origin, changes: Sequence[Change]) -> RecordedFork:
        if origin.inexact:
            raise DynvizError("it shows a fork whose parent could not be repeated exactly")
        if any(change.step > origin.step for change in changes):
            raise DynvizError("it shows a fork that was changed while it trained")
        rule = metadata.optimizer
        if "optimizer" in origin.changes and any(part.file for part in (rule, *rule.modifiers)):
            raise DynvizError("it shows a fork to an optimizer of the user's own")
        try:
            parent = self.run(Recording(Path(origin.folder)))
        except DynvizError as error:
            raise DynvizError(f"it shows a fork whose parent cannot be read: {error}") from error
        return RecordedFork(
            parent=parent,
            step=origin.step,
            lanes=tuple(dict.fromkeys(origin.lanes)),
            optimizer=str(rule.spec) if "optimizer" in origin.changes else "",
            changes={name: change for name, change in origin.changes.items() if name != "optimizer"},
        )


def _picture(request: Mapping[str, Any], wording: Wording) -> PictureRequest:
    if request["theme"] not in THEMES:
        raise DynvizError("its theme is a file of your own, which a recipe does not carry")
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
