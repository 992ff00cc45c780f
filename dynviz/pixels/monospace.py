"""Letters of one width, as shares of the cells that they cover: DejaVu Sans Mono, which comes with matplotlib."""

import functools
import math
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.ft2font import FT2Font, LoadFlags
from numpy.typing import NDArray

FILES = {False: "DejaVuSansMono.ttf", True: "DejaVuSansMono-Bold.ttf"}
ADVANCE = 0.602
"""Width of each letter, in sizes of letters."""
MISSING = "□"
"""Stands for what the font does not have."""
BASELINE = 0.77
"""Of the height of a cell, from its top."""


@functools.lru_cache(maxsize=4096)
def letter(character: str, size: int, cell: tuple[int, int], *, bold: bool) -> NDArray[np.uint8]:
    """How much of each pixel of a cell a letter covers [rows, columns], 0 to 255; what leaves the cell is cut off.

    Args:
        character: The character; one that the font does not have is drawn as an empty box.
        size: Of the letters in pixels.
        cell: Width and height of the cell, of two cells for a wide character.
        bold: Whether the letter is bold.
    """
    font = _font(size, bold=bold)
    if not font.get_char_index(ord(character)):
        character = MISSING
    font.set_text(character, 0.0, flags=LoadFlags.FORCE_AUTOHINT)
    font.draw_glyphs_to_bitmap(antialiased=True)
    ink = np.asarray(font.get_image(), dtype=np.uint8)
    width, height = cell
    covered = np.zeros((height, width), np.uint8)
    # All letters stand alike in their cells, or the gaps between them would differ.
    left = round((width - ADVANCE * size) / 2) if width < 2 * ADVANCE * size else (width - ink.shape[1]) // 2
    left += math.floor(font.get_bitmap_offset()[0] / 64) if width < 2 * ADVANCE * size else 0
    # The image ends where the letter does, below the base of letters by its descent.
    top = round(BASELINE * height) + round(font.get_descent() / 64) - ink.shape[0]
    rows = slice(max(top, 0), min(top + ink.shape[0], height))
    columns = slice(max(left, 0), min(left + ink.shape[1], width))
    if rows.start < rows.stop and columns.start < columns.stop:
        covered[rows, columns] = ink[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return covered


@functools.lru_cache(maxsize=8)
def _font(size: int, *, bold: bool) -> FT2Font:
    font = FT2Font(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / FILES[bold]))
    font.set_size(size, 72)
    return font
