"""The hyperparameters of a recording's lanes: one lane's at a step, and which lanes share a setting."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import trend
from dynviz.charts.samples import has, index_at
from dynviz.recording import Recording
from dynviz.recording.changes import value_at
from dynviz.recording.metadata import Better

Array: TypeAlias = NDArray[Any]

COLORS = 8
"""How many recordings can be told apart by colour."""


def hyperparameter(recording: Recording, name: str, lane: int, step: int = 0) -> Any:
    """The value of a hyperparameter that one lane has at a step; None for a rule without it.

    Of a schedule it is the value that was recorded for the step that follows.
    """
    changed = value_at(recording.changes(), name, lane, step)
    if changed is not None:
        return changed
    shared = recording.metadata.hyperparameters.get(name)
    value = recording.metadata.lanes[lane].hyperparameters.get(name, shared.value if shared else None)
    if isinstance(value, str) and has(recording, name):
        return float(recording[name][index_at(recording.steps(name), step), lane])
    return value


def moving(recording: Recording) -> set[str]:
    """The names of the hyperparameters that change with the step."""
    scheduled = {name for name, given in recording.metadata.hyperparameters.items() if isinstance(given.value, str)}
    return scheduled | {change.name for change in recording.changes()}


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
        parts += map(recording.of_lanes, groups)
    return parts if len(parts) <= COLORS else list(recordings)


def medians(values: Array, groups: Sequence[Sequence[int]], better: Better = "neither") -> Array:
    """The median over each group of lanes: [samples, lanes] to [samples, groups]."""
    return np.stack([trend.middle(values[:, list(group)], better)[1] for group in groups], axis=1)
