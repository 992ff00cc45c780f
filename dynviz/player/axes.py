"""Axes and colour maps that stay steady while a recording grows."""

import math
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from dynviz.scene.marks import Axis, Field, Mark, Panel
from dynviz.scene.norm import Norm

Key: TypeAlias = tuple[str, int]
"""A panel's title, and how many panels before it have the same title."""

SLACK = 0.045
"""Fraction of an axis by which a view may exceed it: no more than its margin."""
ROOM = 0.25
"""Fraction of its length by which an axis grows beyond what is needed, so that it does not grow again soon."""


class HeldAxes:
    """The axes and colour maps of a film that is reopened as its recordings grow.

    Limits only ever widen, in jumps. An axis whose scale changes starts afresh.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[Key, str], Axis] = {}
        self._norms: dict[tuple[Key, int], Norm] = {}

    def hold(self, panels: Sequence[Panel]) -> tuple[Panel, ...]:
        """The panels, with limits that include everything shown before."""
        # Identified by title, because a recording whose first sample comes later inserts a panel.
        before: Counter[str] = Counter()
        held = []
        for panel in panels:
            held.append(self._panel((panel.title, before[panel.title]), panel))
            before[panel.title] += 1
        return tuple(held)

    def _panel(self, panel_key: Key, panel: Panel) -> Panel:
        x, y = self._axis((panel_key, "x"), panel.x), self._axis((panel_key, "y"), panel.y)
        marks = tuple(self._mark((panel_key, place), mark) for place, mark in enumerate(panel.marks))
        same = x is panel.x and y is panel.y and all(map(operator.is_, marks, panel.marks))
        return panel if same else replace(panel, x=x, y=y, marks=marks)

    def _mark(self, key: tuple[Key, int], mark: Mark) -> Mark:
        """The map with the colour scale in which it was shown before."""
        if not isinstance(mark, Field):
            return mark
        norm, before = mark.norm, self._norms.get(key)
        if before is None or before.scale != norm.scale:
            before = norm
        elif norm != before:
            low, high = grown((before.low, before.high), (norm.low, norm.high), log=norm.scale == "log")
            if mark.ramp == "signed" and before.low == -before.high:
                # Keep zero in the neutral middle of the scale.
                high = max(-low, high)
                low = -high
            before = replace(norm, low=low, high=high)
        self._norms[key] = before
        return mark if norm == before else replace(mark, norm=before)

    def _axis(self, key: tuple[Key, str], axis: Axis) -> Axis:
        before = self._held.get(key)
        if before is None or before.scale != axis.scale or (before.label, before.whole) != (axis.label, axis.whole):
            self._held[key] = axis
            return axis
        if axis.limits == before.limits:
            return axis
        limits = grown(before.limits, axis.limits, log=axis.scale == "log")
        if limits != before.limits:
            before = self._held[key] = replace(axis, limits=limits)
        return before


def grown(before: tuple[float, float], now: tuple[float, float], *, log: bool) -> tuple[float, float]:
    """Limits that include both ranges, with some room on the sides that grow.

    >>> grown((0.0, 10.0), (2.0, 8.0), log=False)
    (0.0, 10.0)
    >>> grown((0.0, 10.0), (0.0, 12.0), log=False)
    (0.0, 15.0)
    """
    if log and min(*before, *now) > 0:
        low, high = grown(_logarithms(before), _logarithms(now), log=False)
        kept = _logarithms(before)
        return (before[0] if low == kept[0] else 10**low), (before[1] if high == kept[1] else 10**high)
    slack = SLACK * (now[1] - now[0])
    low = now[0] if now[0] < before[0] - slack else before[0]
    high = now[1] if now[1] > before[1] + slack else before[1]
    room = ROOM * (high - low)
    if low < before[0]:
        # An axis that ends at zero does not grow below it.
        low = 0.0 if now[0] == 0 else max(low - room, 0.0) if low > 0 else low - room
    if high > before[1]:
        whole = 1.0 if high <= 1 else math.inf
        high = min(high + room, whole)
    return low, high


def _logarithms(limits: tuple[float, float]) -> tuple[float, float]:
    return math.log10(limits[0]), math.log10(limits[1])
