"""The runs below a folder, for choosing one."""

from dataclasses import dataclass
from pathlib import Path

from dynviz.charts import caption
from dynviz.errors import DynvizError
from dynviz.recording import Run, layout
from dynviz.recording.run import is_sweep

DEEPEST = 3
"""Folders are looked into so far down."""
UNREADABLE = "unreadable"
"""The status of a recording that is no recording any more."""


@dataclass(frozen=True)
class RunSummary:
    """A run in one line.

    Attributes:
        folder: The run's.
        created: When it began, ISO 8601.
        scenario: The task and the options that were written.
        optimizers: Labels of its recordings.
        steps: The furthest recorded one, and the last there is meant to be.
        status: How it stands, in a word; of several, each once.
        problem: Why it cannot be read.
    """

    folder: Path
    created: str = ""
    scenario: str = ""
    optimizers: tuple[str, ...] = ()
    steps: tuple[int, int] = (0, 0)
    status: str = ""
    problem: str = ""


def find(root: Path) -> tuple[RunSummary, ...]:
    """The runs below a folder, the newest first."""
    found = [_read(folder) for folder in sorted(_folders(root, DEEPEST))]
    return tuple(sorted(found, key=lambda run: run.created, reverse=True))


def holds_runs(folder: Path) -> bool:
    """Whether a folder is no run, recording or sweep, but has some below it."""
    if is_sweep(folder) or _is_recording(folder) or any(_is_recording(each) for each in _below(folder)):
        return False
    return bool(_folders(folder, DEEPEST))


def _folders(root: Path, depth: int) -> set[Path]:
    """Folders with recordings in them."""
    below = _below(root)
    if any(_is_recording(folder) for folder in below):
        return {root}
    return {run for folder in below for run in _folders(folder, depth - 1)} if depth > 0 else set()


def _below(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]
    except OSError:
        return []


def _is_recording(folder: Path) -> bool:
    return (folder / layout.METADATA).is_file()


def _read(folder: Path) -> RunSummary:
    try:
        run = Run(folder)
        recordings = run.recordings
        words = [*(recording.status for recording in recordings), *([UNREADABLE] if run.problems else [])]
        return RunSummary(
            folder,
            max(recording.metadata.created for recording in recordings),
            caption.title(recordings),
            tuple(recording.label for recording in recordings),
            (max(each.recorded for each in recordings), max(each.total for each in recordings)),
            ", ".join(dict.fromkeys(words)),
        )
    except DynvizError as error:
        return RunSummary(folder, problem=str(error))
