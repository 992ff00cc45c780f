"""Screens as pixels: blocks, braille and the lines of boxes as shapes that fill their cells, words by letters."""

import functools
from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.cells.cells import UPPER_HALF, Cells
from dynviz.cells.glyphs import ARMS, HEAVY, SHADES, braille_dots, covered
from dynviz.cells.wide import NOTHING, is_wide, joined
from dynviz.encoding.palettes import thinned
from dynviz.frame import Pixels
from dynviz.pixels.monospace import letter
from dynviz.scene.palette import BITS
from dynviz.tapes.settings import cell_size

SHADES_OF_LETTERS = 6
"""Parts of the way from ground to ink that the edges of letters and dots are drawn in: GIF has few colours."""
MOST_COLORS = 255
DOT = 0.36
"""Diameter of a dot of braille, in widths of a cell."""
Color: TypeAlias = tuple[int, ...]
Look: TypeAlias = tuple[str, bool, Color, Color]
"""A character, whether it is bold, its ink and its ground."""
FINE = 8
"""Points along each side of a pixel by which it is decided how much of it a dot covers."""


class ScreenDrawing:
    """Draws screens of one size."""

    def __init__(self, columns: int, rows: int, font_size: int, padding: int) -> None:
        self._font_size, self._padding, self._cell = font_size, padding, cell_size(font_size)
        width, height = self._cell
        self.size = columns * width + 2 * padding, rows * height + 2 * padding

    def draw(self, cells: Cells) -> Pixels:
        """A screen as pixels [height, width, 3]."""
        width, height = self._cell
        glyphs = joined(cells.glyphs)
        keys = np.stack([glyphs, cells.bold.astype(np.uint32)], axis=-1).reshape(-1, 2)
        distinct, which = np.unique(keys, axis=0, return_inverse=True)
        pair = np.zeros((len(distinct), 2, height, width), np.uint8)
        for place, (point, bold) in enumerate(distinct.tolist()):
            drawn = shares(chr(point), self._font_size, bold=bool(bold))
            pair[place, 0] = drawn[:, :width]
            if drawn.shape[1] > width:
                pair[place, 1] = drawn[:, width:]
        parts = pair[which.ravel(), 0].reshape(*glyphs.shape, height, width)
        # The second cell of a wide character shows the right half of the first.
        rest = np.argwhere(glyphs == NOTHING)
        for row, column in rest[rest[:, 1] > 0].tolist():
            parts[row, column] = pair[which.ravel()[row * glyphs.shape[1] + column - 1], 1]
        table = _mixed(cells.palette[cells.ink], cells.palette[cells.ground])
        rows, columns = np.ogrid[: glyphs.shape[0], : glyphs.shape[1]]
        colored = table[rows[..., None, None], columns[..., None, None], parts]
        screen = colored.swapaxes(1, 2).reshape(glyphs.shape[0] * height, glyphs.shape[1] * width, 3)
        pixels = np.empty((self.size[1], self.size[0], 3), np.uint8)
        pixels[...] = cells.palette[0]
        edge = self._padding
        pixels[edge : edge + screen.shape[0], edge : edge + screen.shape[1]] = screen
        return pixels


def _mixed(ink: NDArray[np.uint8], ground: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """All parts of the way from grounds [..., 3] to inks: [..., parts, 3]."""
    share = np.linspace(0, 1, SHADES_OF_LETTERS + 1)[:, None]
    behind = ground[..., None, :].astype(np.float64)
    return np.asarray(np.rint(behind + share * (ink[..., None, :] - behind)), dtype=np.uint8)


@functools.lru_cache(maxsize=4096)
def shares(glyph: str, font_size: int, *, bold: bool) -> NDArray[np.uint8]:
    """Which part of the way from ground to ink each pixel of a character is [height, width], 0 to SHADES_OF_LETTERS."""
    width, height = cell_size(font_size)
    if glyph in {" ", chr(NOTHING), "\u2800"}:
        return np.zeros((height, width), np.uint8)
    if "\u2801" <= glyph <= "\u28ff":
        drawn = _dots(glyph, width, height)
    elif glyph in ARMS:
        drawn = _lines(glyph, width, height)
    elif UPPER_HALF <= glyph <= "\u259f":
        drawn = _blocks(glyph, width, height)
    else:
        cell = (2 * width if is_wide(glyph) else width), height
        drawn = letter(glyph, font_size, cell, bold=bold) / 255.0
    return np.asarray(np.rint(drawn * SHADES_OF_LETTERS), dtype=np.uint8)


def _dots(glyph: str, width: int, height: int) -> NDArray[np.float64]:
    """Braille: dots as far apart in both directions, over cells too."""
    y, x = (np.mgrid[: height * FINE, : width * FINE] + 0.5) / FINE
    inside = np.zeros(x.shape, np.bool_)
    for column, row in braille_dots(glyph):
        across, down = x - (column + 0.5) * width / 2, y - (row + 0.5) * height / 4
        inside |= np.hypot(across, down) <= DOT * width / 2
    return np.asarray(inside.reshape(height, FINE, width, FINE).mean(axis=(1, 3)))


def _lines(glyph: str, width: int, height: int) -> NDArray[np.float64]:
    """Lines from the middle of the cell to its edges, of whole pixels."""
    thick = max(round(width / (4 if glyph in HEAVY else 10)), 1)
    left, top = (width - thick) // 2, (height - thick) // 2
    right, bottom = left + thick, top + thick
    drawn = np.zeros((height, width))
    drawn[top:bottom, left:right] = 1.0
    for arm in ARMS[glyph]:
        rows = {"u": slice(0, bottom), "d": slice(top, height)}.get(arm, slice(top, bottom))
        columns = {"l": slice(0, right), "r": slice(left, width)}.get(arm, slice(left, right))
        drawn[rows, columns] = 1.0
    return drawn


def _blocks(glyph: str, width: int, height: int) -> NDArray[np.float64]:
    """Parts of the cell up to whole pixels, or all of it in a lighter shade."""
    drawn = np.zeros((height, width))
    for left, top, right, bottom in covered(glyph):
        rows = slice(round(top * height), round(bottom * height))
        drawn[rows, round(left * width) : round(right * width)] = SHADES.get(glyph, 1.0)
    return drawn


def colors(screens: Iterable[Cells], font_size: int) -> NDArray[np.uint8]:
    """The colours that screens are drawn in [colours, 3], the ground first; of too many those furthest apart.

    Colours that `Palette` does not tell apart are one.
    """
    looks: Counter[Look] = Counter()
    first: Color = ()
    for cells in screens:
        first = first or tuple(cells.palette[0].tolist())
        drawn = np.stack([joined(cells.glyphs), cells.bold, cells.ink, cells.ground], axis=-1).reshape(-1, 4)
        kinds, counts = np.unique(drawn.astype(np.uint32), axis=0, return_counts=True)
        palette = [tuple(color) for color in cells.palette.tolist()]
        for (glyph, bold, ink, ground), count in zip(kinds.tolist(), counts.tolist(), strict=True):
            looks[chr(glyph), bool(bold), palette[ink], palette[ground]] += count
    weights: Counter[Color] = Counter()
    for (glyph, bold, ink, ground), count in looks.items():
        parts = np.bincount(shares(glyph, font_size, bold=bold).ravel(), minlength=SHADES_OF_LETTERS + 1)
        table = _mixed(np.array(ink, np.uint8), np.array(ground, np.uint8)).tolist()
        for part in np.flatnonzero(parts).tolist():
            weights[tuple(table[part])] += count * int(parts[part])
    apart: dict[Color, Color] = {}
    for color in sorted(weights, key=lambda color: (color != first, -weights[color], color)):
        apart.setdefault(tuple(channel >> 8 - BITS for channel in color), color)
    every = np.array(list(apart.values()), np.uint8)
    # Those of most pixels are kept, and of the others those that are furthest from them.
    kept = {(red, green, blue) for red, green, blue in every[: MOST_COLORS // 2].tolist()}
    return every if len(every) <= MOST_COLORS else thinned(every, MOST_COLORS, kept)
