"""Rows of columns as lines of text, which Rich's tables take milliseconds for."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from dynviz.text import clean

if TYPE_CHECKING:
    from rich.console import Console

GAP = 3
"""Terminal columns between two columns."""
NARROWEST = 8
"""Terminal columns that a column keeps where the lines are too long."""


def table_lines(rows: Sequence[Sequence[str]], first: int, width: int, console: "Console") -> list[str]:
    """The lines of rows whose cells are folded where they do not fit, those of the first column last of all.

    Args:
        rows: The cells of each, from the left.
        first: The width of the first column at least, where there are more.
        width: Of a line.
        console: What folds.
    """
    cells = [[clean(cell, lines=True) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip_longest(*cells, fillvalue="")]
    if len(widths) > 1:
        widths[0] = max(widths[0], first)
    lines: list[str] = []
    widths = _fitted(widths, width)
    for row in cells:
        folded = [_folded(cell, size, console) for cell, size in zip(row, widths, strict=False)]
        for parts in zip_longest(*folded, fillvalue=""):
            padded = (set_cell_size(part, size) for part, size in zip(parts, widths, strict=False))
            lines.append((" " * GAP).join(padded).rstrip())
    return lines


def _fitted(widths: Sequence[int], width: int) -> list[int]:
    """The widths of columns, the widest of them narrower until a line is no longer than it may be."""
    fitted, fixed = list(widths), int(len(widths) > 1)
    while (excess := sum(fitted) + GAP * (len(fitted) - 1) - width) > 0:
        *others, widest = sorted(fitted[fixed:])
        next_one = max([NARROWEST, *others[-1:]])
        if widest <= NARROWEST:
            fitted[0] = max(fitted[0] - excess, min(fitted[0], NARROWEST))
            break
        step = min(excess, max(widest - next_one, 1))
        fitted[fixed + fitted[fixed:].index(widest)] -= step
    return fitted


def _width(cell: str) -> int:
    return max(map(cell_len, cell.split("\n")))


def _folded(cell: str, width: int, console: "Console") -> list[str]:
    if "\n" not in cell and cell_len(cell) <= width:
        return [cell]
    return [line.plain.rstrip() for line in Text(cell).wrap(console, max(width, 1), overflow="fold")]
