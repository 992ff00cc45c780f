"""Lines and bands in pixels: the past is drawn once, and at each step only what was added.

A past is two layers. The first ends at a multiple of so many pixels or vertices and stays the same object until the
next one is reached; the second, from there to now, is small. So is what any step costs, forwards or backwards, and
the picture depends on now alone and not on the way there.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynviz.layout.drawings import ADDED, DOT, FUTURE, PAST, Aged
from dynviz.pixels import markers
from dynviz.pixels.coverage import EMPTY, Coverage, crop, union
from dynviz.pixels.easel import PixelEasel
from dynviz.pixels.layers import Layer
from dynviz.scene.decimate import decimate
from dynviz.scene.hatching import known
from dynviz.scene.marks import Band, Line

COLUMNS = 32
"""A past that grows to the right is cached at multiples of so many pixels."""
VERTICES = 64
"""A path is cached in pieces of so many vertices."""

Floats = NDArray[np.float64]


class SweptCoverage:
    """A shape that is revealed from left to right: a line over x, or a band."""

    def __init__(self, shape: Coverage, width: int) -> None:
        columns = shape.places % width
        order = np.argsort(columns, kind="stable")
        self._shape = Coverage(shape.places[order], shape.shares[order])
        self._columns = columns[order]
        self._base = EMPTY, 0

    @property
    def whole(self) -> Coverage:
        """The whole shape."""
        return self._shape

    def until(self, column: float) -> tuple[Coverage, Coverage]:
        """The part left of a column of pixels: what is cached, and what is added to it."""
        # Step 0 has no place on a logarithmic axis: it is before all that there is.
        column = -1.0 if np.isnan(column) else column
        at = int(np.clip(column, 0, 1e6))
        first = int(np.searchsorted(self._columns, at // COLUMNS * COLUMNS))
        full, last = (int(index) for index in np.searchsorted(self._columns, [at, at + 1]))
        if self._base[1] != first:
            self._base = self._shape.part(0, first), first
        edge = self._shape.part(full, last).faded(float(np.clip(column - at, 0, 1)))
        added = self._shape.part(first, full)
        joined = Coverage(np.append(added.places, edge.places), np.append(added.shares, edge.shares))
        return self._base[0], joined


class TrailCoverage:
    """A line that is revealed along its own length."""

    def __init__(self, points: Floats, along: Floats, stroke: Callable[[Floats, float], Coverage]) -> None:
        self._points, self._along, self._stroke = points, along, stroke
        steps = np.nan_to_num(np.hypot(*np.diff(points, axis=0).T))
        self._lengths = np.concatenate([[0.0], np.cumsum(steps)])
        self._pieces: list[Coverage] = []
        self._base = EMPTY, 0

    def until(self, now: float, end: Floats | None) -> tuple[Coverage, Coverage]:
        """The part before now: what is cached, and what is added to it, up to `end`."""
        count = int(np.searchsorted(self._along, now, side="right"))
        pieces = max(count - 1, 0) // VERTICES
        while len(self._pieces) < pieces:
            self._pieces.append(self._piece(len(self._pieces)))
        if self._base[1] != pieces:
            self._base = union(self._pieces[:pieces]), pieces
        first = pieces * VERTICES
        rest = self._points[first:count]
        rest = rest if end is None else np.concatenate([rest, end[None]])
        added = self._stroke(rest, float(self._lengths[first])) if len(rest) > 1 else EMPTY
        return self._base[0], added

    def _piece(self, index: int) -> Coverage:
        first = index * VERTICES
        return self._stroke(self._points[first : first + VERTICES + 1], float(self._lengths[first]))


class PixelLine:
    """Gives the layers of a line at each moment."""

    def __init__(self, mark: Line, easel: PixelEasel) -> None:
        self._mark, self._easel = mark, easel
        self._points = easel.points(known(mark.x), known(mark.y))
        self._along = np.asarray(mark.x if mark.along is None else mark.along, dtype=np.float64)
        keep = decimate(*self._points.T)
        self._whole = self._stroke(self._points[keep])
        self._sweep = SweptCoverage(self._whole, easel.pen.width) if mark.along is None else None
        self._trail = None if self._sweep else TrailCoverage(self._points[keep], self._along[keep], self._stroke)
        self._future = easel.stain(self._whole, mark.color, easel.theme.future(mark.color))
        self._past = self._whole, easel.stain(self._whole, mark.color, mark.alpha)

    def at(self, now: float | None) -> list[Aged[Layer]]:
        """The future, the past and the dot at the present."""
        mark, easel = self._mark, self._easel
        if now is None:
            return [(PAST, self._laid(self._whole))]
        end = present(self._points, self._along, now, easel.columns if self._sweep else None)
        if self._sweep:
            base, added = self._sweep.until(float(easel.columns(now)))
        elif self._trail:
            base, added = self._trail.until(now, end)
        layers: list[Aged[Layer]] = [(FUTURE, self._future)] if mark.ghost else []
        layers += [(PAST, self._laid(base)), (ADDED, easel.stain(added, mark.color, mark.alpha))]
        return layers + [(DOT, layer) for layer in self._dot(end)]

    def _laid(self, base: Coverage) -> Layer:
        if self._past[0] is not base:
            self._past = base, self._easel.stain(base, self._mark.color, self._mark.alpha)
        return self._past[1]

    def _stroke(self, points: Floats, offset: float = 0.0) -> Coverage:
        width = self._mark.width * self._easel.sizes.line
        return self._easel.pen.stroke(points, width, self._easel.clip, self._mark.dash, offset)

    def _dot(self, end: Floats | None) -> list[Layer]:
        easel = self._easel
        if not self._mark.dot or end is None or not easel.inside(end[None])[0]:
            return []
        radius, (x, y) = easel.sizes.dot, end.tolist()
        rim = markers.one(x, y, radius + 0.6 * easel.sizes.line, easel.canvas)
        dot = markers.one(x, y, radius, easel.canvas)
        return [easel.stain(rim, "ground"), easel.stain(dot, self._mark.color)]


def present(
    points: Floats, along: Floats, now: float, columns: Callable[[ArrayLike], Floats] | None = None
) -> Floats | None:
    """Where a line is now, between two of its points or at one; None where it is nowhere.

    Args:
        points: [points, 2] in pixels.
        along: [points], ascending: when it is at each.
        now: The time.
        columns: For a line over x, where values of x stand: between points it is straight on the screen, whatever the
            scale of the axis.
    """
    index = int(np.searchsorted(along, now, side="right")) - 1
    if index < 0:
        return None
    here: Floats = points[index]
    if index + 1 < len(along) and np.isfinite(points[index + 1]).all():
        times = np.append(along[index : index + 2], now)
        before, after, at = columns(times) if columns else times
        share = (at - before) / (after - before) if after > before else 0.0
        here = here + share * (points[index + 1] - here)
    return here if np.isfinite(here).all() else None


class PixelBand:
    """Gives the layers of a band at each moment."""

    def __init__(self, mark: Band, easel: PixelEasel) -> None:
        self._mark, self._easel = mark, easel
        self._sweep = SweptCoverage(_between(mark, easel), easel.pen.width)
        self._future = easel.stain(self._sweep.whole, mark.color, easel.theme.shade_ghost)
        self._past = EMPTY, easel.stain(EMPTY, mark.color)

    def at(self, now: float | None) -> list[Aged[Layer]]:
        """The future and the past, drawn over it so that both together have the opacity of the past."""
        mark, easel = self._mark, self._easel
        shade, ghost = easel.theme.shade, easel.theme.shade_ghost
        share = (shade - ghost) / (1 - ghost)
        base, added = self._sweep.until(float(easel.columns(now)) if now is not None else 1e6)
        if self._past[0] is not base:
            self._past = base, easel.stain(base, mark.color, share)
        return [(FUTURE, self._future), (PAST, self._past[1]), (ADDED, easel.stain(added, mark.color, share))]


def _between(mark: Band, easel: PixelEasel) -> Coverage:
    """The area between two curves, column by column of pixels, with soft edges above and below."""
    plot = easel.plot
    x = easel.columns(mark.x)
    middles = np.arange(plot.left, plot.right) + 0.5
    good = np.isfinite(x)
    if not good.any():
        return EMPTY
    top, bottom = (np.interp(middles, x[good], easel.rows(y)[good], np.nan, np.nan) for y in (mark.high, mark.low))
    rows = np.arange(plot.top, plot.bottom)[:, None]
    share = np.clip(rows + 1 - top, 0, 1) - np.clip(rows + 1 - bottom, 0, 1)
    alpha = np.rint(np.nan_to_num(np.abs(share)) * 255).astype(np.uint8)
    return crop(alpha, plot.left, plot.top, easel.pen.width)
