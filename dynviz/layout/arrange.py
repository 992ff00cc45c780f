"""The arrangement of panels: maps lead and are large, curves fill the page beside and below them."""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from dynviz.frozen import frozen
from dynviz.scene.marks import Panel

WIDE = 1.8
"""The best width-to-height ratio for curves."""
LEAD = 2.5
"""How much more a map counts than a curve."""
MORE = 1.35
"""How much more room the words of a curve take than those of a map: readouts, names at the ends of lines."""
WIDEST = 8.0
"""The largest width-to-height ratio of a map that is taken into account."""
ROOMY = 1.7
"""How much wider than their maps cells are on a page without curves, if there is room."""
ROWS = 5
"""The largest number of rows of curves tried beside or below maps."""
BESIDE, CALM = 2.0, 0.7
"""The cost of each further row of maps, and of curves whose areas differ by a factor of e."""
SIDES = tuple(share / 14 for share in range(14, 4, -1))
"""Side lengths tried for maps, as shares of the largest that fits."""

Size = tuple[float, float]


@frozen
class Rect:
    """A rectangle of whole pixels or cells; `top` counts downwards."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column after it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row after it."""
        return self.top + self.height


def arrange(
    panels: Sequence[Panel],
    width: int,
    height: int,
    *,
    aspect: float = 1.0,
    words: Size = (0.0, 0.0),
    above: float = 0.0,
    side: float = 0.0,
    around: float = 0.0,
    steady: bool = False,
) -> tuple[Rect, ...]:
    """A rectangle for each panel; none overlap.

    Maps stand together in a block, on the side where the first panel is a map or is not. Curves fill what is left
    of the area; without curves, the block stands in its middle.

    Args:
        panels: In reading order.
        width: Of the area, in pixels or cells.
        height: Of the area.
        aspect: Width of one pixel or cell over its height: 1 for pixels, about 0.5 for the cells of a terminal.
        words: Columns and rows of a panel that its title and ticks take.
        above: How many more rows the words above a map take.
        side: Rows that the plot of a map has, where there is an arrangement in which it does; 0: what looks best.
        around: How many more rows are kept for it, and columns in proportion, as far as there are.
        steady: Whether the first panel is as large as panels of its kind alone can be, however they then stand. A
            larger area never makes it smaller.
    """
    shape = max(map(map_shape, panels), default=1.0)
    area = Area(width, height, aspect, words, above, shape, side, around, steady)
    return _arranged(tuple(panel.square for panel in panels), area)


def arrange_rows(count: int, columns: int, width: int, height: int) -> tuple[Rect, ...]:
    """A rectangle of one size for each panel, row after row.

    >>> [rect.left for rect in arrange_rows(4, 3, 90, 40)]
    [0, 30, 60, 0]
    """
    rows = -(-count // columns)
    upright, level = _split(0, height, rows), _split(0, width, columns)
    places = (divmod(index, columns) for index in range(count))
    return tuple(
        Rect(level[column], upright[row], level[column + 1] - level[column], upright[row + 1] - upright[row])
        for row, column in places
    )


def map_shape(panel: Panel) -> float:
    """The width-to-height ratio of a map, from 1 to WIDEST."""
    wide, tall = (abs(axis.limits[1] - axis.limits[0]) for axis in (panel.x, panel.y))
    ratio = wide / tall if panel.square and tall > 0 else 1.0
    return min(max(ratio, 1.0), WIDEST) if math.isfinite(ratio) else 1.0


@frozen
class Area:
    """The area to fill.

    Attributes:
        width, height: Size in pixels or cells.
        aspect: Width of a unit over its height.
        words: Columns and rows of a panel that its title and ticks take.
        above: How many more rows the words above a map take.
        shape: The width-to-height ratio of maps.
        side: Rows that the plot of a map has; 0: what looks best.
        around: How many more rows are kept for it, and columns in proportion.
        steady: Keep the first panel at least as large as on any smaller page.
    """

    width: int
    height: int
    aspect: float
    words: Size
    above: float = 0.0
    shape: float = 1.0
    side: float = 0.0
    around: float = 0.0
    steady: bool = False

    @property
    def whole(self) -> Rect:
        """The whole area."""
        return Rect(0, 0, self.width, self.height)

    def block(self, columns: int, rows: int, side: float) -> Rect:
        """A block in the upper left corner, as large as a grid of maps with this side length."""
        kept = side + self.around
        wide = round(columns * (kept / self.aspect + self.words[0]))
        tall = round(rows * (kept + self.words[1] + self.above))
        return Rect(0, 0, min(max(wide, columns), self.width), min(max(tall, rows), self.height))

    def map_plot(self, rect: Rect) -> Size:
        """Width and height, in one unit, of what a map's words leave of its rectangle."""
        return self._left_of(rect, self.words[0], self.words[1] + self.above)

    def curve_plot(self, rect: Rect) -> Size:
        """The same for curves."""
        return self._left_of(rect, MORE * self.words[0], MORE * self.words[1])

    def _left_of(self, rect: Rect, columns: float, rows: float) -> Size:
        return max((rect.width - columns) * self.aspect, 0.01), max(rect.height - rows, 0.01)


@functools.lru_cache(maxsize=64)
def _arranged(square: tuple[bool, ...], area: Area) -> tuple[Rect, ...]:
    maps, curves = square.count(True), square.count(False)
    if not maps:
        grids = [_grid(area.whole, curves, rows) for rows in _calm_rows(curves, steady=area.steady)]
        best = max(grids, key=lambda grid: _worth((), grid, area), default=[])
        return tuple(best)
    free = replace(area, side=0.0)
    both = max(
        list(_pages(maps, curves, area)) or _pages(maps, curves, free), key=lambda page: _worth(page[0], page[1], area)
    )
    if not square[0]:
        both = _turned(both[0], area), _turned(both[1], area)
    places = {True: iter(both[0]), False: iter(both[1])}
    return tuple(next(places[is_map]) for is_map in square)


def _pages(maps: int, curves: int, area: Area) -> Iterator[tuple[list[Rect], list[Rect]]]:
    """Candidate pages: rectangles of maps and of curves, for each number of rows, side length and split of curves."""
    for rows in range(1, maps + 1):
        columns = -(-maps // rows)
        if maps < 5 and maps % rows:
            continue
        largest = min(area.map_plot(Rect(0, 0, area.width // columns, area.height // rows)))
        sides = [share * largest for share in SIDES]
        if area.side:
            sides = [area.side] if area.side <= largest else []
        for side in sides:
            block = area.block(columns, rows, side)
            if not curves:
                # Titles and readouts are often wider than a map.
                wider = ROOMY if columns > 1 else area.shape
                block = replace(block, width=min(round(wider * block.width), area.width))
                left, top = (area.width - block.width) // 2, (area.height - block.height) // 2
                yield _grid(replace(block, left=left, top=top), maps, rows), []
                break
            for beside in range(curves + 1):
                for placed, others in _around(block, (beside, curves - beside), area):
                    yield _grid(placed, maps, rows), others


def _around(block: Rect, curves: tuple[int, int], area: Area) -> Iterator[tuple[Rect, list[Rect]]]:
    """Candidates for a block of maps with so many curves beside and below it."""
    beside, below = curves
    if not below:
        # All beside: what is left of the height stands above and below alike.
        block = replace(block, top=(area.height - block.height) // 2)
    elif block.bottom + below > area.height:
        return
    if not beside:
        block = replace(block, width=area.width)
    elif block.right + beside > area.width:
        return
    right = Rect(block.right, block.top, area.width - block.right, block.height)
    under = Rect(0, block.bottom, area.width, area.height - block.bottom)
    for upper in _grids(right, beside):
        for lower in _grids(under, below):
            yield block, upper + lower


def _calm_rows(count: int, *, steady: bool) -> list[int]:
    """Numbers of rows that so many curves may stand in; to be steady, only those in which the first one has most room.

    >>> _calm_rows(4, steady=True), _calm_rows(3, steady=True), _calm_rows(7, steady=True)
    ([1, 2, 4], [2], [2, 3])
    """
    if not steady:
        return list(range(1, count + 1))
    # The number of rows, and of panels in the first and in the last one.
    grids = [(rows, count // rows, -(-count // rows)) for rows in range(1, count + 1)]
    calm = [(rows, first) for rows, first, last in grids if count == 3 or last <= 1.5 * first]
    fewest = min((rows * first for rows, first in calm), default=0)
    return [rows for rows, first in calm if rows * first == fewest]


def _grids(area: Rect, count: int) -> list[list[Rect]]:
    return [_grid(area, count, rows) for rows in range(1, min(count, ROWS) + 1)] or [[]]


def _grid(area: Rect, count: int, rows: int) -> list[Rect]:
    """A grid that fills the area; if the count is no multiple of the rows, the first rows have one rectangle fewer."""
    base, more = divmod(count, rows)
    rects = []
    edges = _split(area.top, area.height, rows)
    for row, (top, bottom) in enumerate(pairwise(edges)):
        columns = base + (row >= rows - more)
        rects += [Rect(a, top, b - a, bottom - top) for a, b in pairwise(_split(area.left, area.width, columns))]
    return rects


def _split(start: int, length: int, parts: int) -> list[int]:
    return [start + round(length * part / parts) for part in range(parts + 1)]


def _turned(rects: list[Rect], area: Area) -> list[Rect]:
    """Turned upside down, in reading order."""
    turned = [replace(rect, left=area.width - rect.right, top=area.height - rect.bottom) for rect in rects]
    return sorted(turned, key=lambda rect: (rect.top, rect.left))


def _worth(maps: Sequence[Rect], curves: Sequence[Rect], area: Area) -> float:
    """How good a page is. A sum of logarithms, so that no panel grows at the cost of a small one."""
    if area.steady and not curves:
        return min(min(area.map_plot(rect)) for rect in maps)
    total = sum(2 * LEAD * math.log(min(area.map_plot(rect))) for rect in maps)
    for rect in curves:
        wide, tall = area.curve_plot(rect)
        shape = math.log(wide / tall / WIDE)
        total += math.log(wide * tall) - (shape if shape > 0 else -1.5 * shape)
        # A plot that is hardly higher than the words around it shows little.
        total -= 2 * max(0.0, math.log((2 * area.words[1] + 0.01) / tall))
    # Maps are compared side by side, and curves of one size look calm.
    total -= BESIDE * max(len({rect.top for rect in maps}) - 1, 0)
    sizes = [math.log(max(rect.width * rect.height, 0.01)) for rect in curves]
    return total - CALM * sum(abs(size - sum(sizes) / len(sizes)) for size in sizes)
