"""Writing down how a picture is made, or why it cannot be made again."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dynviz import plugins
from dynviz.animation.recipe import (
    FILE_NAME,
    LONGEST,
    PictureRequest,
    Recipe,
    RecordedFork,
    RecordedMeasurement,
    RecordedRun,
    TapeRequest,
    line_of,
)
from dynviz.animation.recipe_reader import MOST
from dynviz.animation.recipe_sums import PARTS, crc_of, measurement_arrays, sizes_of, sums
from dynviz.animation.wording import Wording
from dynviz.errors import DynvizError
from dynviz.plugins.fingerprints import CodeFile, module_source
from dynviz.plugins.spec import parse
from dynviz.recording import Recording, layout, projections
from dynviz.recording.changes import Change, effective
from dynviz.recording.metadata import Metadata, Origin
from dynviz.recording.notes import load_all
from dynviz.recording.run import is_sweep, split_source

THEMES = ("light", "dark")
MANY = 100
"""Of more recordings than these less is kept of each, so that the picture stays small."""
NOTES = "it shows notes"
OWN_THEME = "its theme is a file of your own, which a recipe does not carry"


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
    return _line(recordings, lambda _: _picture(request, wording), measured)


def line_for_tape(
    recordings: Sequence[Recording],
    sources: Sequence[str],
    measured: Sequence[tuple[Path, str]],
    *,
    text: str,
    theme: str,
    suffix: str,
    shot: int | None = None,
) -> str:
    """The same of a recording of the terminal.

    Args:
        recordings: The recordings that are played.
        sources: The same as the tape names them, `FOLDER` or `FOLDER@LANES`.
        measured: Measurements that it shows: the folder of each one's recording, and its name.
        text: The tape.
        theme: Its theme.
        suffix: The picture's format.
        shot: The picture's place among the screenshots of the tape, if it is one.
    """

    def picture(writer: "_RunWriter") -> TapeRequest:
        if theme not in THEMES:
            raise DynvizError(OWN_THEME)
        if load_all(recording.folder for recording in recordings):
            raise DynvizError(NOTES)
        played = tuple(map(writer.source, sources))
        return TapeRequest(suffix=suffix, text=text, sources=played, shot=shot)

    return _line(recordings, picture, measured)


def no_line(why: str) -> str:
    """The line of a picture that cannot be made again, for a reason."""
    return line_of({"none": why})


def _line(
    recordings: Sequence[Recording],
    picture: "Callable[[_RunWriter], PictureRequest | TapeRequest]",
    measured: Sequence[tuple[Path, str]],
) -> str:
    if len(recordings) > MOST:
        return no_line(f"it shows {len(recordings)} recordings, more than the {MOST} that can be listed")
    writer = _RunWriter(measured, parts=1 if len(recordings) > MANY else PARTS)
    try:
        runs = tuple(map(writer.run, recordings))
        others = tuple(writer.run(Recording(folder)) for folder in writer.goals)
        line = Recipe(recordings=runs, others=others, picture=picture(writer)).line()
    except DynvizError as error:
        return no_line(str(error))
    return line if len(line) <= LONGEST else no_line("it shows more lanes than can be listed")


class _RunWriter:
    """Writes down recordings, and what they need.

    Attributes:
        goals: The folders of recordings that directions lead to.
    """

    def __init__(self, measured: Sequence[tuple[Path, str]], parts: int) -> None:
        self.goals: list[Path] = []
        self._parts = parts
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
            sums=sums(whole_recording, self._parts),
            measured=tuple(self._measurement(recording.folder, name) for name in names),
            fork=self._fork(metadata, metadata.origin, changes) if metadata.origin else None,
        )

    def source(self, source: str) -> str:
        """A run or a recording, `FOLDER` or `FOLDER@LANES`, named from the folders of the recipe.

        Raises:
            DynvizError: It is a sweep.
        """
        folder, lanes = split_source(source)
        if is_sweep(folder):
            raise DynvizError("it shows a sweep")
        folder = folder.resolve()
        recording = (folder / layout.METADATA).exists()
        name = f"{self._name(folder.parent)}/{folder.name}" if recording else self._name(folder)
        return name if lanes is None else f"{name}@{','.join(map(str, lanes))}"

    def _name(self, folder: Path) -> str:
        """The name of a run's folder, with a number where another one is called the same."""
        if not FILE_NAME.fullmatch(folder.name):
            raise DynvizError(f"it shows a run in a folder with a name that recipes do not take, {folder.name!r:.60}")
        if folder not in self._folders:
            numbered = (folder.name if number == 1 else f"{folder.name}-{number}" for number in itertools.count(1))
            self._folders[folder] = next(name for name in numbered if name not in self._folders.values())
        return self._folders[folder]

    def _measurement(self, folder: Path, name: str) -> RecordedMeasurement:
        """A measurement; what it leads to is added to the goals."""
        about, _ = projections.read(folder, name)
        if not isinstance(about.get("asked"), dict) or not about["asked"]:
            raise DynvizError(f"it shows {name}, which does not say how it was measured; measure it again")
        arrays = measurement_arrays(folder, name)
        self.goals += (Path(goal) for goal in about.get("towards", ()) if Path(goal) not in self.goals)
        return RecordedMeasurement(
            kind="sharpness" if about.get("kind") else "projection",
            name=name,
            asked=about["asked"],
            goals=tuple(self.goals.index(Path(goal)) for goal in about.get("towards", ())),
            crc=crc_of(arrays),
            sizes=sizes_of(arrays),
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
        raise DynvizError(OWN_THEME)
    if request["notes"]:
        raise DynvizError(NOTES)
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
