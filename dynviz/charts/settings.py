"""Lanes of one recording that differ in hyperparameters: which of them are of one setting."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import trend
from dynviz.recording import Recording

Array: TypeAlias = NDArray[Any]

COLORS = 8
"""How many recordings can be told apart by colour."""


def settings(recording: Recording) -> list[tuple[int, ...]]:
    """The lanes of each setting of hyperparameters; seeds alone make no setting."""
    groups: dict[str, list[int]] = {}
    for index, lane in enumerate(recording.metadata.lanes):
        groups.setdefault(repr(sorted(lane.hyperparameters.items())), []).append(index)
    return [tuple(lanes) for lanes in groups.values()]


def parted(recordings: Sequence[Recording]) -> list[Recording]:
    """The recordings, one for each setting where lanes differ in hyperparameters.

    So each setting has its own name and colour, and a median is over its seeds alone. Where there are more of them
    than colours, all stay as they are.
    """
    parts: list[Recording] = []
    for recording in recordings:
        groups = settings(recording)
        if len(groups) == 1:
            parts.append(recording)
            continue
        lanes = range(len(recording.seeds)) if recording.chosen is None else recording.chosen
        parts += [Recording(recording.folder, [lanes[lane] for lane in group]) for group in groups]
    return parts if len(parts) <= COLORS else list(recordings)


def medians(values: Array, groups: Sequence[Sequence[int]]) -> Array:
    """The median over each group of lanes: [samples, lanes] to [samples, groups]."""
    return np.stack([trend.middle(values[:, list(group)])[1] for group in groups], axis=1)
