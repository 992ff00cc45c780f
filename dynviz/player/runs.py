"""Finding the runs below a folder."""

from dataclasses import dataclass
from pathlib import Path

from dynviz.charts import caption
from dynviz.errors import DynvizError
from dynviz.recording import Run, layout
from dynviz.recording.run import is_sweep

DEEPEST = 3
"""Depth to which folders are searched."""
UNREADABLE = "unreadable"
"""The status of a recording that cannot be read."""


@dataclass(frozen=True)
class RunSummary:
    """A summary of a run.

    Attributes:
        folder: The run's.
        created: When it began, ISO 8601.
        scenario: The scenario with the options that were given.
        optimizers: The labels of its recordings.
        steps: The newest recorded step and the last planned one.
        status: The distinct statuses of its recordings.
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
    runs = [_read(folder) for folder in sorted(_folders(root, DEEPEST))]
    return tuple(sorted(runs, key=lambda run: run.created, reverse=True))


def holds_runs(folder: Path) -> bool:
    """Whether a folder contains runs, recordings or sweeps and is not one itself."""
    if is_sweep(folder) or _is_recording(folder) or any(map(_is_recording, _below(folder))):
        return False
    return bool(_folders(folder, DEEPEST))


def _folders(root: Path, depth: int) -> set[Path]:
    """The folders that contain recordings."""
    below = _below(root)
    if any(map(_is_recording, below)):
        return {root}
    return {run for folder in below for run in _folders(folder, depth - 1)} if depth > 0 else set()


def _below(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
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
            (max(recording.recorded for recording in recordings), max(recording.total for recording in recordings)),
            ", ".join(dict.fromkeys(words)),
        )
    except DynvizError as error:
        return RunSummary(folder, problem=str(error))
