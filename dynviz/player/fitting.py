"""Axes of steps that end soon after what is recorded, rather than at the end of the plan."""

from collections.abc import Sequence
from dataclasses import replace

from dynviz.charts.moving import STEP
from dynviz.scene.marks import Axis, Field, Panel

SHORTEST = 100
"""Steps that are always shown."""


def end_of(recorded: int, total: int) -> int:
    """The last step of an axis: the plan's, halved as often as what is recorded allows, so that it rarely moves.

    >>> [end_of(recorded, 10_000) for recorded in (0, 700, 2_600, 9_000)]
    [157, 1250, 5000, 10000]
    """
    end = total
    while end >= 2 * SHORTEST and -(-end // 2) > recorded:
        end = -(-end // 2)
    return end


def fitted(panels: Sequence[Panel], end: int) -> tuple[Panel, ...]:
    """The panels, with axes of steps that end at this one if they would end later; maps keep theirs."""
    return tuple(_ending(panel, float(end)) if _long(panel.x, end) and _curves(panel) else panel for panel in panels)


def _ending(panel: Panel, end: float) -> Panel:
    return replace(panel, x=replace(panel.x, limits=(0.0, end)))


def _long(axis: Axis, end: int) -> bool:
    return axis.label == STEP and axis.scale == "linear" and axis.limits[0] == 0 and axis.limits[1] > end


def _curves(panel: Panel) -> bool:
    return not panel.square and not any(isinstance(mark, Field) for mark in panel.marks)
