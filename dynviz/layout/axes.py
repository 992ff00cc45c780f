"""Ticks of a plot: as many as stand beside or above each other without touching, and where they stand."""

import functools
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dynviz.layout.arrange import Rect
from dynviz.layout.metrics import Metrics
from dynviz.scene import ticks as scene_ticks
from dynviz.scene.marks import Axis, Panel
from dynviz.scene.scales import fractions
from dynviz.scene.ticks import Tick

MOST = 7
"""Ticks on a vertical axis."""

PlacedTicks = tuple[tuple[Tick, int], ...]
"""Ticks, and the column or row of each."""

ticks = functools.lru_cache(maxsize=1024)(scene_ticks.ticks)
"""The ticks of an axis: the same few are asked for again and again while a page is laid out."""


def upright_ticks(panel: Panel, height: int, metrics: Metrics) -> tuple[Tick, ...]:
    """Of the vertical axis of a plot so high."""
    rules = metrics.axes
    wanted = min(max(int(height / (rules.upright_map if panel.square else rules.upright)), 2), MOST)
    # One tick alone says nothing of the scale.
    for most in (*range(wanted, wanted + 3), *range(wanted - 1, 0, -1)):
        chosen = ticks(panel.y, most)
        enough = len(chosen) >= min(most, rules.least_ticks)
        if enough and not _close(panel.y, chosen, height, rules.least_upright):
            return chosen
    return ()


def _close(axis: Axis, chosen: tuple[Tick, ...], height: int, least: float) -> bool:
    return least > 0 and any(b - a < least for a, b in pairwise(sorted(_units(axis, chosen, height))))


def level_ticks(axis: Axis, width: int, metrics: Metrics) -> tuple[Tick, ...]:
    """Of the horizontal axis of a plot so wide."""
    for most in range(max(2, round(width / metrics.axes.level)), 1, -1):
        chosen = ticks(axis, most)
        ends = []
        for middle, tick in zip(_middles(axis, chosen, width, metrics), chosen, strict=True):
            wide = metrics.measure(tick.label, metrics.fonts.ticks)
            left = metrics.centered(middle, wide)
            ends.append((left, left + wide))
        if all(after[0] - before[1] >= metrics.axes.space for before, after in pairwise(sorted(ends))):
            return chosen
    return ticks(axis, 1)


def _middles(axis: Axis, chosen: tuple[Tick, ...], length: int, metrics: Metrics) -> list[float]:
    """Where ticks stand along an axis so long."""
    if metrics.coarse:
        return [unit + 0.5 for unit in _units(axis, chosen, length)]
    return [float(place) for place in fractions(axis, [tick.value for tick in chosen]) * length]


@functools.lru_cache(maxsize=1024)
def _units(axis: Axis, chosen: tuple[Tick, ...], length: int) -> tuple[int, ...]:
    """The pixels or cells of an axis that ticks stand in."""
    places = np.nan_to_num(fractions(axis, [tick.value for tick in chosen])) * length
    return tuple(np.floor(places).clip(0, max(length - 1, 0)).astype(int).tolist())


def level_places(axis: Axis, plot: Rect, chosen: tuple[Tick, ...]) -> PlacedTicks:
    """Ticks, and the column of each."""
    return tuple(zip(chosen, [plot.left + unit for unit in _units(axis, chosen, plot.width)], strict=True))


def upright_places(axis: Axis, plot: Rect, chosen: tuple[Tick, ...]) -> PlacedTicks:
    """Ticks, and the row of each."""
    return tuple(zip(chosen, [plot.bottom - 1 - unit for unit in _units(axis, chosen, plot.height)], strict=True))


def free_columns(wide: int, taken: Sequence[tuple[float, float]], right: int) -> float | None:
    """Where so many columns are free: after the last words, else in the middle of the last gap that is wide enough."""
    taken = sorted(taken)
    if taken[-1][1] + 2 + wide <= right:
        return taken[-1][1] + 2
    for (_, start), (end, _) in reversed(list(pairwise(taken))):
        if end - start >= wide + 4:
            return start + (end - start - wide) // 2
    return None
