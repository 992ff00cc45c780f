"""Strokes: the braille dots that lines pass through, in the order of the line."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dynviz.cells.easel import ACROSS, DOWN, Floats
from dynviz.frozen import frozen
from dynviz.scene.marks import Dash

BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.uint8)
"""The bit of each dot of a braille character, by row and column."""
DASHES: dict[Dash, tuple[int, int] | None] = {"solid": None, "dashed": (5, 3), "dotted": (1, 2)}
"""Dots drawn, and the length of the whole pattern."""
AT_ONCE = 200_000
"""About how many dots are computed at a time; this bounds the memory."""


@frozen
class Dots:
    """The dots of a line, each once, in the order in which the line first comes to them.

    Attributes:
        columns: From the left [dots].
        rows: Downwards [dots].
        at: Where along the line: the number of the vertex before, and the share of the way to the next one [dots].
    """

    columns: NDArray[np.intp]
    rows: NDArray[np.intp]
    at: Floats


NONE = Dots(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0))


@frozen
class Segments:
    """Straight pieces of a line inside an area.

    Attributes:
        begin: [segments, 2] whole dots, as floats.
        end: Likewise.
        first: Where each begins along the line, as `Dots.at`.
        last: Where it ends.
    """

    begin: Floats
    end: Floats
    first: Floats
    last: Floats

    def part(self, keep: NDArray[np.bool_]) -> "Segments":
        """The selected segments."""
        return Segments(self.begin[keep], self.end[keep], self.first[keep], self.last[keep])


Grid = NDArray[np.bool_]
"""Which dots of an area are drawn [rows, columns]."""


def stroke(points: Floats, size: tuple[int, int], dash: Dash = "solid") -> Grid:
    """The dots of a line through points [points, 2]; NaN breaks the line.

    Args:
        points: In dots.
        size: Width and height of the area in dots; what is outside is left out.
        dash: Which dots along the line are left out.
    """
    segments = _segments(points, size)
    if dash != "solid":
        grid = np.zeros(size[::-1], dtype=np.bool_)
    else:
        upright = segments.begin[:, 0] == segments.end[:, 0]
        grid = _uprights(segments.part(upright), size)
        segments = segments.part(~upright)
    for part in _dashed(segments, dash):
        grid[part.rows, part.columns] = True
    return grid


def _uprights(segments: Segments, size: tuple[int, int]) -> Grid:
    """The dots of vertical segments, the most frequent ones of a noisy line, found from where they begin and end."""
    width, height = size
    columns, rows = segments.begin.astype(np.intp).T
    ends = segments.end[:, 1].astype(np.intp)
    first = np.minimum(rows, ends) * width + columns
    after = (np.maximum(rows, ends) + 1) * width + columns
    size_ = (height + 1) * width
    changes = (np.bincount(first, minlength=size_) - np.bincount(after, minlength=size_)).astype(np.int32)
    return np.asarray(changes.reshape(height + 1, width).cumsum(axis=0, dtype=np.int32)[:height] > 0)


def trail(points: Floats, size: tuple[int, int], dash: Dash = "solid") -> Dots:
    """Sort dots into the order of the line."""
    width, height = size
    seen = np.zeros(width * height, dtype=np.bool_)
    pieces = [NONE]
    for part in _dashed(_segments(points, size), dash):
        flat = part.rows * width + part.columns
        _, first = np.unique(flat, return_index=True)
        first = np.sort(first[~seen[flat[first]]])
        seen[flat[first]] = True
        pieces.append(Dots(part.columns[first], part.rows[first], part.at[first]))
    return Dots(*(np.concatenate([getattr(part, name) for part in pieces]) for name in ("columns", "rows", "at")))


def _dashed(segments: Segments, dash: Dash) -> Iterator[Dots]:
    """All dots of all segments but those between dashes."""
    pattern, passed = DASHES[dash], 0
    for part in _pieces(segments):
        if pattern is None:
            yield part
            continue
        keep = (passed + np.arange(len(part.at))) % sum(pattern) < pattern[0]
        passed += len(part.at)
        yield Dots(part.columns[keep], part.rows[keep], part.at[keep])


def _pieces(segments: Segments) -> Iterator[Dots]:
    """All dots of all segments, a bounded number of them at a time."""
    step = segments.end - segments.begin
    lengths = np.abs(step).max(axis=1, initial=0).astype(np.intp)
    totals = np.cumsum(lengths + 1)
    start = 0
    while start < len(lengths):
        before = totals[start - 1] if start else 0
        stop = max(int(np.searchsorted(totals, before + AT_ONCE)), start + 1)
        counts = lengths[start:stop] + 1
        segment = np.repeat(np.arange(start, start + len(counts)), counts)
        index = np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts)
        share = index / np.maximum(lengths[segment], 1)
        columns, rows = (
            np.floor(begin[segment] + share * way[segment] + 0.5).astype(np.intp)
            for begin, way in zip(segments.begin.T, step.T, strict=True)
        )
        yield Dots(columns, rows, segments.first[segment] + share * (segments.last - segments.first)[segment])
        start = stop


def _segments(points: Floats, size: tuple[int, int]) -> Segments:
    """A line's segments, cut at the edges of the area. A point without neighbours is a segment of no length."""
    good = np.isfinite(points[:, 0]) & np.isfinite(points[:, 1])
    both = good[:-1] & good[1:]
    alone = good.copy()
    alone[1:] &= ~both
    alone[:-1] &= ~both
    index = np.flatnonzero(both)
    begin, end = points[index], points[index + 1]
    if alone.any():
        order = np.argsort(np.append(index, np.flatnonzero(alone)), kind="stable")
        index = np.append(index, np.flatnonzero(alone))[order]
        begin, end = (np.concatenate([part, points[alone]])[order] for part in (begin, end))
    way = end - begin
    low, high = np.zeros(len(begin)), np.ones(len(begin))
    with np.errstate(divide="ignore", invalid="ignore"):
        for axis in (0, 1):
            # Liang and Barsky: the shares of the way at which the segment enters and leaves between two edges.
            a, b = -begin[:, axis] / way[:, axis], (size[axis] - begin[:, axis]) / way[:, axis]
            still = way[:, axis] == 0
            out = still & ((begin[:, axis] < 0) | (begin[:, axis] > size[axis]))
            low = np.where(still, low, np.maximum(low, np.minimum(a, b)))
            high = np.where(still, high, np.minimum(high, np.maximum(a, b)))
            high = np.where(out, -1.0, high)
    keep = low <= high
    begin, way, index, low, high = begin[keep], way[keep], index[keep], low[keep], high[keep]
    edge = np.array(size) - 1
    ends = [np.clip(np.floor(begin + share[:, None] * way), 0, edge) for share in (low, high)]
    return Segments(ends[0], ends[1], index + low, index + high)


def halves(grid: Grid) -> NDArray[np.uint8]:
    """The bits of the left and of the right dots of each cell [2, rows, columns of cells]."""
    height, width = grid.shape
    dots = grid.view(np.uint8).reshape(height // DOWN, DOWN, width // ACROSS, ACROSS)
    sides = np.zeros((ACROSS, height // DOWN, width // ACROSS), dtype=np.uint8)
    for row, column in np.ndindex(BITS.shape):
        sides[column] |= dots[:, row, :, column] * BITS[row, column]
    return sides


def bits(grid: Grid) -> NDArray[np.uint8]:
    """The bits of each cell [rows, columns]."""
    left, right = halves(grid)
    return np.asarray(left | right)
