"""Words in place of a picture, and the line at the mouse over one."""

import textwrap
from dataclasses import replace

import numpy as np
from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip

from dynviz.cells.cells import Cells
from dynviz.cells.depth import Depth
from dynviz.layout.arrange import Rect
from dynviz.player import styles
from dynviz.player.words import Word, cut, shortened
from dynviz.scene.theme import theme as find_theme

TEXT_COLUMNS = 72
"""Maximum width of a line of text."""


def words(text: str, size: Size, theme: str, depth: Depth) -> list[Strip]:
    """A text in the middle of an area, as a strip for each of its rows."""
    width, height = size
    room = min(TEXT_COLUMNS, max(width - 2, 1))
    lines = [line for part in text.splitlines() for line in textwrap.wrap(part, room)]
    lines = lines[: max(height, 1)]
    top = max((height - len(lines)) // 2, 0)
    style = styles.style(theme, "muted", depth)
    left = max((width - max(map(len, lines), default=0)) // 2, 0)
    strips = []
    for row in range(height):
        inside = 0 <= row - top < len(lines)
        row_words = [Word(" " * left), Word(shortened(lines[row - top], room))] if inside else []
        strips.append(Strip([Segment(word.text, style) for word in cut(row_words, width)], width))
    return strips


def crossed(cells: Cells, plot: Rect, column: int, theme: str) -> Cells:
    """Cells with a line in a column, through a plot, where nothing is drawn."""
    if column >= cells.columns:
        return cells
    glyphs, ink = cells.glyphs.copy(), cells.ink.copy()
    empty = np.s_[plot.top : min(plot.bottom, cells.rows), column]
    blank = glyphs[empty] == ord(" ")
    glyphs[empty] = np.where(blank, ord("│"), glyphs[empty])
    apart = np.abs(cells.palette.astype(np.int64) - find_theme(theme).color("muted")).sum(axis=1)
    ink[empty] = np.where(blank, apart.argmin(), ink[empty])
    return replace(cells, glyphs=glyphs, ink=ink)
