"""Finding the runs below a folder."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dynviz.charts import caption
from dynviz.charts.trend import middle_of_all
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.recording import Recording, Run, layout
from dynviz.recording.lock import held
from dynviz.recording.run import is_sweep

DEEPEST = 3
"""Depth to which folders are searched."""
OUTLINE = 8
"""Samples of the loss that outline its course."""
TRASH = ".trash"
"""The folder, beside a run, that it is moved to; folders whose names begin with a point are not searched."""
UNREADABLE = "unreadable"
"""The status of a recording that cannot be read."""


@frozen
class RunSummary:
    """A summary of a run.

    Attributes:
        folder: The run's.
        created: When it began, ISO 8601.
        scenario: The scenario with the options that were given.
        optimizers: The labels of its recordings.
        steps: The newest recorded step and the last planned one, of the recording that has come least far.
        status: The distinct statuses of its recordings.
        losses: The loss of its first recording, the median over lanes, at some samples from the first to the last.
        problem: Why it cannot be read.
    """

    folder: Path
    created: str = ""
    scenario: str = ""
    optimizers: tuple[str, ...] = ()
    steps: tuple[int, int] = (0, 0)
    status: str = ""
    losses: tuple[float, ...] = ()
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
            caption.made(recordings),
            tuple(recording.label for recording in recordings),
            _steps(recordings),
            ", ".join(dict.fromkeys(words)),
            _losses(recordings[0]),
        )
    except DynvizError as error:
        return RunSummary(folder, problem=str(error))


def _steps(recordings: Sequence[Recording]) -> tuple[int, int]:
    """The newest step and the last planned one, of the recording that has come least far of those that are not done."""
    steps = [(recording.recorded, recording.total) for recording in recordings]
    return min([(done, total) for done, total in steps if done < total], default=max(steps))


def _losses(recording: Recording) -> tuple[float, ...]:
    if "loss" not in recording.channels:
        return ()
    samples = recording["loss"]
    chosen = np.unique(np.linspace(0, max(len(samples) - 1, 0), OUTLINE).astype(np.intp))
    return tuple(middle_of_all(np.asarray(samples[chosen], np.float64))[1].tolist()) if len(samples) else ()


def rename(folder: Path, name: str) -> Path:
    """Give a run's folder another name; returns its new path.

    Raises:
        DynvizError: The name is no name of a folder, is taken, or the run is being trained.
    """
    target = folder.parent / name
    if name in {"", ".", ".."} or Path(name).name != name or name.startswith("."):
        raise DynvizError(f"{name!r} cannot be the name of a run's folder")
    if os.path.lexists(target):
        raise DynvizError(f"{target} exists already")
    return _moved(folder, target)


def to_trash(folder: Path) -> Path:
    """Move a run to the trash beside it; returns its path there.

    Raises:
        DynvizError: It cannot be moved, or is being trained.
    """
    trash = folder.parent / TRASH
    try:
        trash.mkdir(exist_ok=True)
    except OSError as error:
        raise DynvizError(f"cannot make {trash}: {error.strerror}") from error
    names = itertools.chain([folder.name], (f"{folder.name}-{number}" for number in itertools.count(2)))
    return _moved(folder, next(trash / name for name in names if not os.path.lexists(trash / name)))


def _moved(folder: Path, target: Path) -> Path:
    if held(folder) or any(map(held, _below(folder))):
        raise DynvizError(f"{folder.name} is being trained: dynviz stop {folder} ends it")
    try:
        return folder.rename(target)
    except OSError as error:
        raise DynvizError(f"cannot move {folder}: {error.strerror}") from error
