"""The hyperparameters of a recording as text: as written for a fork, and as numbers that can be changed."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from dynviz.plugins.schedules import Schedule
from dynviz.recording import Recording
from dynviz.recording.changes import Change, value_at


def as_text(value: object) -> str:
    """Format a value as it is written on the command line.

    >>> as_text(0.00300000001), as_text(True), as_text(None), as_text("cosine(0.1)")
    ('0.003', 'true', 'none', 'cosine(0.1)')
    """
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def written(recording: Recording, step: int) -> dict[str, str]:
    """Each hyperparameter at a step; empty if it differs between lanes."""
    return _texts(recording, range(len(recording.seeds)), step, as_text)


def numbers(recording: Recording, lane: int | None, step: int) -> dict[str, str]:
    """The numeric hyperparameters of one lane or all at a step; empty if they differ."""
    total = recording.total

    def number(value: Any) -> str | None:
        if isinstance(value, str) and Schedule.looks(value):
            return as_text(Schedule(value).over(total).at(min(step + 1, total)))
        return as_text(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    return _texts(recording, range(len(recording.seeds)) if lane is None else [lane], step, number)


def _texts(recording: Recording, lanes: Sequence[int], step: int, text: Callable[[Any], str | None]) -> dict[str, str]:
    changes, by_name = recording.changes(), {}
    for name in recording.metadata.hyperparameters:
        values = {repr(value): value for value in (_value(recording, changes, name, lane, step) for lane in lanes)}
        texts = {text(value) for value in values.values()}
        if None not in texts:
            by_name[name] = (texts.pop() or "") if len(texts) == 1 else ""
    return by_name


def _value(recording: Recording, changes: Sequence[Change], name: str, lane: int, step: int) -> Any:
    changed = value_at(changes, name, lane, step)
    shared = recording.metadata.hyperparameters[name].value
    return recording.metadata.lanes[lane].hyperparameters.get(name, shared) if changed is None else changed
