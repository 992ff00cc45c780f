"""Characters of two columns: the cells of their halves, marked beyond all code points, and how halves become whole."""

import unicodedata

import numpy as np
from numpy.typing import NDArray

LEFT, RIGHT = 1 << 24, 2 << 24
"""What is added to the code point of a wide character in the cell of its left half, and of its right half."""
LOST = ord(" ")
"""What stands in the place of a half without the other one."""
NOTHING = 0
POINT = LEFT - 1
"""The bits of the code point."""


def is_wide(character: str) -> bool:
    """Whether a terminal gives a character two columns."""
    return unicodedata.east_asian_width(character) in "WF"


def in_cells(text: str) -> NDArray[np.uint32]:
    """The characters of a text, cell by cell; one of two columns takes two.

    >>> [hex(code) for code in in_cells("a中")]
    ['0x61', '0x1004e2d', '0x2004e2d']
    """
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if text.isascii():
        return points
    wide = np.array([is_wide(character) for character in text], dtype=np.bool_)
    cells = np.repeat(points, 1 + wide)
    left = np.flatnonzero(np.repeat(wide, 1 + wide))
    cells[left[::2]] |= LEFT
    cells[left[1::2]] |= RIGHT
    return cells


def joined(glyphs: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Cells [rows, columns] as they are written: a wide character in the first of its two, and NOTHING in the second.

    A half without the other one, which something else has covered, is LOST.
    """
    marked = glyphs >= LEFT
    if not marked.any():
        return glyphs
    points, sides = glyphs & POINT, glyphs >> 24
    whole = np.zeros_like(marked)
    whole[:, :-1] = (sides[:, :-1] == 1) & (sides[:, 1:] == 2) & (points[:, :-1] == points[:, 1:])
    rest = np.zeros_like(marked)
    rest[:, 1:] = whole[:, :-1]
    written = np.where(marked, np.uint32(LOST), glyphs)
    written[whole] = points[whole]
    written[rest] = NOTHING
    return written


def as_text(row: NDArray[np.uint32]) -> str:
    """The text of cells of one row that are joined."""
    return "".join(map(chr, row[row != NOTHING].tolist()))
