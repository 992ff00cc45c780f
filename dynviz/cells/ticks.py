"""Ticks in cells: as many as stand beside or above each other without touching."""

import functools
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dynviz.cells.words import plain
from dynviz.layout.arrange import Rect
from dynviz.scene.marks import Axis, Panel
from dynviz.scene.scales import fractions
from dynviz.scene.ticks import Tick, ticks

MOST = 7
"""Ticks on a vertical axis."""
APART = 3
"""Columns between the words of ticks."""


def upright_ticks(panel: Panel, height: int) -> tuple[Tick, ...]:
    """Of the vertical axis of a plot of so many rows; of a map, both axes have about the same ticks."""
    return _upright(panel.y, height, 4 if panel.square else 2)


@functools.lru_cache(maxsize=256)
def _upright(axis: Axis, height: int, apart: int) -> tuple[Tick, ...]:
    wanted = min(max(height // apart, 2), MOST)
    # One tick alone says nothing of the scale.
    for most in (*range(wanted, wanted + 3), *range(wanted - 1, 0, -1)):
        found = ticks(axis, most)
        rows = sorted(_at(axis, found, height))
        close = any(after - before < min(apart, 2) for before, after in pairwise(rows))
        if len(found) >= min(most, 2) and not close:
            return found
    return ()


@functools.lru_cache(maxsize=256)
def level_ticks(axis: Axis, width: int) -> tuple[Tick, ...]:
    """Of the horizontal axis of a plot of so many columns."""
    for most in range(max(2, round(width / 6)), 1, -1):
        found = ticks(axis, most)
        ends = [(at - (wide - 1) // 2, at - (wide - 1) // 2 + wide) for at, wide in _widths(axis, found, width)]
        if all(after[0] - before[1] >= APART for before, after in pairwise(sorted(ends))):
            return found
    return ticks(axis, 1)


def _widths(axis: Axis, found: Sequence[Tick], width: int) -> list[tuple[int, int]]:
    return list(zip(_at(axis, found, width), (len(plain(tick.label)) for tick in found), strict=True))


def _at(axis: Axis, found: Sequence[Tick], length: int) -> list[int]:
    """The cells of an axis that ticks stand in."""
    places = np.nan_to_num(fractions(axis, [tick.value for tick in found])) * length
    return [int(place) for place in np.floor(places).clip(0, max(length - 1, 0))]


def tick_words(axis: Axis, plot: Rect, found: Sequence[Tick], *, upright: bool = False) -> tuple[tuple[Tick, int], ...]:
    """Ticks, and the column or row of each."""
    at = _at(axis, found, plot.height if upright else plot.width)
    places = (plot.bottom - 1 - index if upright else plot.left + index for index in at)
    return tuple(zip(found, places, strict=True))


def gap(wide: int, taken: Sequence[tuple[int, int]], right: int) -> int | None:
    """Where so many columns are free: after the last words, else in the middle of the last gap that is wide enough."""
    taken = sorted(taken)
    if taken[-1][1] + 2 + wide <= right:
        return taken[-1][1] + 2
    for (_, start), (end, _) in reversed(list(pairwise(taken))):
        if end - start >= wide + 4:
            return start + (end - start - wide) // 2
    return None
