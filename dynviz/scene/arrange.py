"""The arrangement of panels: a grid in reading order, chosen for its room and for what the panels show."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from dynviz.scene.marks import Panel

WIDE = 1.6
"""Width over height that suits curves."""
TALL_ROW = 1.2
"""How much higher a row of maps is than one of curves."""


@dataclass(frozen=True)
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


def arrange(panels: Sequence[Panel], width: int, height: int, *, aspect: float = 1.0) -> tuple[Rect, ...]:
    """A rectangle for each panel. They fill the area without overlapping, and depend on nothing but what is given.

    Args:
        panels: In reading order.
        width: Of the area, in pixels or cells.
        height: Of the area.
        aspect: Width of one pixel or cell over its height: 1 for pixels, about 0.5 for the cells of a terminal.
    """
    square = [panel.square for panel in panels]
    grids = [_grid(square, columns, width, height, aspect) for columns in range(1, len(panels) + 1)]
    if not grids:
        return ()
    return max(grids, key=lambda rects: _score(square, rects, aspect))


def _grid(square: list[bool], columns: int, width: int, height: int, aspect: float) -> tuple[Rect, ...]:
    rows = [list(range(start, min(start + columns, len(square)))) for start in range(0, len(square), columns)]
    weights = [TALL_ROW if all(square[index] for index in row) else 1.0 for row in rows]
    edges = _split(height, weights)
    shares = _column_shares(square, columns, width * aspect, height / len(rows))
    rects = []
    for row, top, bottom in zip(rows, edges, edges[1:], strict=False):
        # A last row with fewer panels is spread over the whole width.
        sides = _split(width, shares if len(row) == columns else [1.0] * len(row))
        rects += [Rect(a, top, b - a, bottom - top) for a, b in pairwise(sides)]
    return tuple(rects)


def _column_shares(square: list[bool], columns: int, width: float, row_height: float) -> list[float]:
    """Columns that hold only maps need no more width than their height; the others take the rest."""
    full = square[: len(square) // columns * columns]
    narrow = [all(full[column::columns]) for column in range(columns)]
    even = width / columns
    if all(narrow) or not any(narrow):
        return [even] * columns
    kept = min(even, row_height)
    rest = (width - kept * sum(narrow)) / (columns - sum(narrow))
    return [kept if slim else rest for slim in narrow]


def _split(length: int, weights: list[float]) -> list[int]:
    total = sum(weights)
    return [0, *(round(length * part / total) for part in accumulate(weights))]


def _score(square: list[bool], rects: tuple[Rect, ...], aspect: float) -> float:
    """How well the panels are shown: the smallest counts most, then all of them; a good shape is worth area."""
    areas = []
    for is_square, rect in zip(square, rects, strict=True):
        wide, tall = rect.width * aspect, float(rect.height)
        if min(wide, tall) <= 0:
            return 0.0
        wanted = 1.0 if is_square else WIDE
        areas.append(wide * tall * math.exp(-abs(math.log(wide / tall / wanted))))
    return min(areas) * len(areas) + sum(areas)
