"""The table of outcomes: a row for each lane, as comma-separated values."""

import csv
import io
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from dynviz.errors import DynvizError
from dynviz.recording import Recording, Run, disk, files
from dynviz.sweeps.jobs import Job

Row: TypeAlias = dict[str, Any]

FILE = "outcomes.csv"
CHECKSUMS = "outcomes.crc32"
"""CRC-32 of the table that was written last, and of the one before it."""
MOST_BYTES = 1 << 29
"""Of the table: a million rows, half of each its error."""
LAST = 0.05
"""The share of a loss's samples, the last ones, that `loss_mean` is the mean of: batches are noisy."""
UNSEEN = ("val_loss", "test_loss")
"""Channels of the loss on data that nothing is trained on; the first that a scenario has is its validation."""
OPENING = ("job", "lane", "status", "scenario")
CLOSING = ("seed", "steps", "loss", "loss_mean", "validation", "diverged_at", "recording", "error")


def finished(folder: Path, job: Job) -> list[Row]:
    """The rows of a job whose run is finished."""
    (recording,) = Run(folder / job.name).recordings
    diverged: dict[int, int] = {}
    for event in recording.events():
        if event.kind == "diverged":
            diverged.setdefault(event.lane, event.step)
    ends, means = _ends(recording, "loss")
    validation, _ = _ends(recording, next((name for name in UNSEEN if name in recording), UNSEEN[0]))
    metadata = recording.metadata
    rules = {name: own.value for name, own in metadata.hyperparameters.items()}
    return [
        {
            **_opening(job, lane, "finished", metadata.scenario.name),
            **_options(metadata.scenario.options, rules),
            "optimizer": metadata.optimizer.title,
            **rules,
            **own.hyperparameters,
            "seed": own.seed,
            "steps": metadata.steps,
            "loss": ends[lane],
            "loss_mean": means[lane],
            "validation": validation[lane],
            "diverged_at": diverged.get(lane, ""),
            "recording": f"{job.name}/{recording.folder.name}@{lane}",
        }
        for lane, own in enumerate(metadata.lanes)
    ]


def failed(job: Job, why: str) -> list[Row]:
    """The rows of a job that failed, with its given options."""
    rules = {name: value for part in job.optimizer.parts for name, value in part.options.items()}
    return [
        {
            **_opening(job, number, "failed", job.scenario.name),
            **_options(job.scenario.options, rules),
            "optimizer": job.optimizer.title,
            **rules,
            **lane.hyperparameters,
            "seed": lane.seed,
            "error": why,
        }
        for number, lane in enumerate(job.lanes)
    ]


def save(folder: Path, rows: Iterable[Row]) -> None:
    """Write the table atomically.

    Raises:
        DynvizError: The disk is full, or gone.
    """
    text = io.StringIO()
    rows = list(rows)
    writer = csv.DictWriter(text, columns(rows), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    data = text.getvalue().encode()
    known, before = _checksums(folder), _current(folder)
    with disk.replacing(folder / CHECKSUMS) as file:
        # Of both, because a process may be killed before the table follows.
        file.write(" ".join([before] * (before in known) + [_checksum(data)]).encode() + b"\n")
    with disk.replacing(folder / FILE) as file:
        file.write(data)


def is_intact(folder: Path) -> bool:
    """Whether the table is one that was written; one of an older version, without a checksum, counts as intact."""
    known = _checksums(folder)
    return not known or _current(folder) in known


def _checksums(folder: Path) -> list[str]:
    try:
        return files.read(folder / CHECKSUMS, 1000).decode("ascii", "replace").split()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise disk.unreadable(folder / CHECKSUMS, error) from error


def _current(folder: Path) -> str:
    try:
        return _checksum(files.read(folder / FILE, MOST_BYTES))
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise disk.unreadable(folder / FILE, error) from error


def _checksum(data: bytes) -> str:
    return f"{zlib.crc32(data):08x}"


def load(folder: Path) -> list[dict[str, str]]:
    """Read the table.

    Raises:
        DynvizError: It cannot be read.
    """
    try:
        text = files.read(folder / FILE, MOST_BYTES).decode("utf-8", "replace")
        return list(csv.DictReader(io.StringIO(text, newline="")))
    except OSError as error:
        raise disk.unreadable(folder / FILE, error) from error
    except csv.Error as error:
        raise DynvizError(f"cannot read {folder / FILE}: it is not a table: {error}") from error


def columns(rows: Sequence[Row]) -> list[str]:
    """The names of all columns: scenario options, the optimizer and its hyperparameters, then the results."""
    known = dict.fromkeys(OPENING)
    before: dict[str, None] = {}
    after: dict[str, None] = {}
    for row in rows:
        names = [name for name in row if name not in OPENING and name not in CLOSING]
        cut = names.index("optimizer")
        before.update(dict.fromkeys(names[:cut]))
        after.update(dict.fromkeys(names[cut + 1 :]))
    return [*known, *before, "optimizer", *after, *CLOSING]


def _opening(job: Job, lane: int, status: str, scenario: str) -> Row:
    return dict(zip(OPENING, (job.name, lane, status, scenario), strict=True))


def _options(options: Mapping[str, Any], rules: Mapping[str, Any]) -> Row:
    """Of the scenario; one that is called like a hyperparameter, or a column of ours, says whose it is."""
    taken = {*rules, *OPENING, *CLOSING, "optimizer"}
    return {f"scenario.{name}" if name in taken else name: value for name, value in options.items()}


def _ends(recording: Recording, channel: str) -> tuple[list[Any], list[Any]]:
    """Of each lane, a channel's last sample and the mean of its last ones; nothing where it is not recorded."""
    if channel not in recording or not len(recording[channel]):
        return ([""] * len(recording.seeds),) * 2
    samples = recording[channel]
    with np.errstate(invalid="ignore", over="ignore"):
        means = np.asarray(samples[-max(1, math.ceil(LAST * len(samples))) :]).mean(axis=0, dtype=np.float64)
    if samples.ndim > 2:
        raise DynvizError(f"channel {channel!r} of {recording.folder} does not hold one number per lane")
    return samples[-1].tolist(), means.tolist()
