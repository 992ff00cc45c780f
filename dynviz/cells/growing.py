"""Lines and bands in cells: their dots are computed once and split into past and future at each step."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from dynviz.cells.characters import MARKERS
from dynviz.cells.easel import ACROSS, DOWN, CellEasel, Floats
from dynviz.cells.inks import Indices
from dynviz.cells.paper import Ink
from dynviz.cells.still import Draw
from dynviz.cells.strokes import BITS, Dots, Grid, halves, stroke, trail
from dynviz.layout.drawings import DOT, FUTURE, PAST, Aged
from dynviz.scene.decimate import decimate
from dynviz.scene.hatching import known
from dynviz.scene.marks import Band, Line

THIN = 0.55
"""Opacity of thin lines: no line can be thinner than a dot, so thin ones are fainter."""
BOLD = 2.0
"""From this width on, a line is two dots wide."""


class SweptBits:
    """A line that is revealed from left to right, as braille bits."""

    def __init__(self, grid: Grid) -> None:
        self._left, right = halves(grid)
        self.whole = self._left | right

    def until(self, now: float) -> list[tuple[Indices, int]]:
        """Bits, and the column of cells that they begin at, of so many columns of dots."""
        full, half = divmod(int(now), ACROSS)
        edge = self._left[:, full : full + 1] if half else self._left[:, :0]
        return [(self.whole[:, :full], 0), (edge, full)]


class TrailBits:
    """A line that is revealed along its own length, as braille bits."""

    def __init__(self, dots: Dots, size: tuple[int, int]) -> None:
        self._at = dots.at
        self._shape = size[1] // DOWN, size[0] // ACROSS
        self._cells = dots.rows // DOWN * self._shape[1] + dots.columns // ACROSS
        self._bits = BITS[dots.rows % DOWN, dots.columns % ACROSS].astype(np.float64)
        self.whole = self._first(len(self._at))

    def until(self, now: float) -> list[tuple[Indices, int]]:
        """Bits of what lies before a place along the line."""
        return [(self._first(int(np.searchsorted(self._at, now, side="right"))), 0)]

    def _first(self, count: int) -> Indices:
        # Each dot is there once, so that bits add up.
        sums = np.bincount(self._cells[:count], self._bits[:count], self._shape[0] * self._shape[1])
        return sums.astype(np.uint8).reshape(self._shape)


class CellLine:
    """Gives the layers of a line at each moment."""

    def __init__(self, mark: Line, easel: CellEasel) -> None:
        self._easel, self._dot = easel, mark.dot
        self._points = easel.points(known(mark.x), known(mark.y))
        self._along = np.asarray(mark.x if mark.along is None else mark.along, dtype=np.float64)
        self._sweeps = mark.along is None
        keep = decimate(*self._points.T)
        self._bits: SweptBits | TrailBits = (
            _sweep(mark, easel, self._points[keep]) if self._sweeps else _trail(mark, easel, self._points, keep)
        )
        share = min(mark.alpha, THIN if mark.width < 1 else 1.0)
        self._ink: Ink = easel.inks.over(mark.color, share) if share < 1 else easel.inks.color(mark.color)
        self._marker = easel.inks.color(mark.color)
        ghost = easel.inks.theme.future(mark.color)
        self._ghost = easel.inks.over(mark.color, ghost if mark.width >= 1 else THIN * ghost) if mark.ghost else None

    def at(self, now: float | None) -> list[Aged[Draw]]:
        """The future, the past and the dot at the present."""
        if now is None:
            return [(PAST, self._layer(self._bits.whole, self._ink, 0))]
        index = int(np.searchsorted(self._along, now, side="right")) - 1
        layers: list[Aged[Draw]] = []
        if self._ghost is not None:
            layers.append((FUTURE, self._layer(self._bits.whole, self._ghost, 0)))
        if index < 0:
            return layers
        share, end = self._end(index, now)
        if self._sweeps:
            here = float(self._easel.columns(now))
            reached = np.clip(np.floor(here) + 1, 0, self._easel.dots[0]) if np.isfinite(here) else 0.0
        else:
            reached = index + share
        layers += [(PAST, self._layer(bits, self._ink, first)) for bits, first in self._bits.until(float(reached))]
        if self._dot and end is not None and self._easel.inside(end[None])[0]:
            rows, columns = self._easel.pixels(end[None])
            layers.append((DOT, lambda paper, _: paper.put(MARKERS["dot"], rows, columns, self._marker)))
        return layers

    @staticmethod
    def _layer(bits: Indices, ink: Ink, first: int) -> Draw:
        return lambda paper, level: paper.stroke(bits, ink, level, first)

    def _end(self, index: int, now: float) -> tuple[float, Floats | None]:
        """The fraction of the way from a vertex to the next one that is done, and the place there."""
        here, share = self._points[index], 0.0
        if index + 1 < len(self._along) and np.isfinite(self._points[index + 1]).all():
            times = np.append(self._along[index : index + 2], now)
            # Between vertices a line is straight on the screen, whatever the scale of the axis.
            before, after, at = self._easel.columns(times) if self._sweeps else times
            share = float((at - before) / (after - before)) if after > before else 0.0
            here = here + share * (self._points[index + 1] - here)
        return share, here if np.isfinite(here).all() else None


def _sweep(mark: Line, easel: CellEasel, points: Floats) -> SweptBits:
    grid = stroke(points, easel.dots, mark.dash)
    if mark.width >= BOLD:
        grid[1:] |= grid[:-1].copy()
    return SweptBits(grid)


def _trail(mark: Line, easel: CellEasel, points: Floats, keep: NDArray[np.intp]) -> TrailBits:
    dots = trail(points[keep], easel.dots, mark.dash)
    if len(dots.at):
        # Places along the line, from those along the vertices of it that were kept.
        before = dots.at.astype(np.intp)
        after = np.minimum(before + 1, len(keep) - 1)
        at = keep[before] + (dots.at - before) * (keep[after] - keep[before])
        dots = Dots(dots.columns, dots.rows, np.asarray(at, dtype=np.float64))
    return TrailBits(_bold(dots, easel.dots) if mark.width >= BOLD else dots, easel.dots)


def _bold(dots: Dots, size: tuple[int, int]) -> Dots:
    """Two dots for each: itself and the one below."""
    rows = np.stack([dots.rows, np.minimum(dots.rows + 1, size[1] - 1)], axis=1).ravel()
    columns, at = np.repeat(dots.columns, 2), np.repeat(dots.at, 2)
    _, first = np.unique(rows * size[0] + columns, return_index=True)
    first.sort()
    return Dots(columns[first], rows[first], at[first])


class CellBand:
    """Gives the layers of a band at each moment."""

    def __init__(self, mark: Band, easel: CellEasel) -> None:
        self._easel = easel
        self._mask = _between(mark, easel)
        theme, over = easel.inks.theme, partial(easel.inks.over, mark.color)
        self._past, self._future = over(theme.shade), over(theme.shade_ghost)

    def at(self, now: float | None) -> list[Aged[Draw]]:
        """The future and the past."""
        column = self._easel.columns(np.inf if now is None else now) / ACROSS
        count = int(np.clip(np.floor(column + 0.5), 0, self._easel.width)) if np.isfinite(column) else 0
        count = self._easel.width if now is None else count
        past, future = self._mask[:, :count], self._mask[:, count:]
        return [
            (FUTURE, lambda paper, _: paper.shade(future, self._future, count)),
            (FUTURE, lambda paper, _: paper.shade(past, self._past)),
        ]


def _between(mark: Band, easel: CellEasel) -> NDArray[np.bool_]:
    """The pixels [2 rows, columns] whose middle lies between two curves."""
    x = easel.columns(mark.x) / ACROSS
    good = np.isfinite(x)
    if not good.any():
        return np.zeros((2 * easel.height, easel.width), dtype=np.bool_)
    middles = np.arange(easel.width) + 0.5
    curves = (easel.rows(y) / 2 for y in (mark.high, mark.low))
    one, other = (np.interp(middles, x[good], rows[good], np.nan, np.nan) for rows in curves)
    rows = np.arange(2 * easel.height)[:, None] + 0.5
    return np.asarray((rows >= np.minimum(one, other)) & (rows < np.maximum(one, other)))
