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
    """The value of a hyperparameter of one lane at a step; None if the rule does not have it.

    For a schedule, it is the value recorded for the next step.
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
    given, origin = recording.metadata.hyperparameters, recording.metadata.origin
    scheduled = {name for name, one in given.items() if isinstance(one.value, str)}
    forked = {} if origin is None else given if "optimizer" in origin.changes else origin.changes
    return scheduled | {change.name for change in recording.changes()} | set(forked)


def settings(recording: Recording) -> list[tuple[int, ...]]:
    """The lanes of each setting of hyperparameters; lanes that differ only in seeds share a setting."""
    groups: dict[str, list[int]] = {}
    for index, lane in enumerate(recording.metadata.lanes):
        groups.setdefault(repr(sorted(lane.hyperparameters.items())), []).append(index)
    return [tuple(lanes) for lanes in groups.values()]


def parted(recordings: Sequence[Recording]) -> list[Recording]:
    """The recordings, split by setting if lanes differ in hyperparameters.

    Each setting then has its own name and colour, and medians are over its seeds only. If there are more settings than
    colours, nothing is split.
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
