"""Paper: what a panel's plot is drawn on, layer by layer, before it becomes cells."""

import numpy as np
from numpy.typing import NDArray

from dynviz.cells.cells import UPPER_HALF
from dynviz.cells.characters import codes
from dynviz.cells.easel import ACROSS, DOWN
from dynviz.cells.inks import Indices
from dynviz.cells.strokes import BITS

BRAILLE = 0x2800
LOWER_EIGHTHS = 0x2580
"""The code point before the eight block characters that fill one to eight eighths of a cell from below."""
UPPER_HEAVY = np.array([(bits & 0x1B).bit_count() > (bits & 0xE4).bit_count() for bits in range(256)])
"""For each braille character, whether most of its dots are in the upper half of the cell."""
DITHER = (np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) + 0.5) / 16
"""Bayer's matrix: which of several inks a cell takes, so that each has its share of many cells."""
TAKEN = 3
"""Cells in a row that belong to one of two lines that run through them both."""
Ink = int | Indices
"""A palette index, or a table that maps the index beneath to the one drawn over it."""


class Paper:
    """Half-block pixels, above them eighths of bars, above them dots, above them characters.

    Attributes:
        pixels: Indices [2 rows, columns].
        bits: Which dots of each cell are drawn [rows, columns].
        levels: Which layer drew them: those of one level and ink share a cell, else the later one takes it.
        dots: The ink of the dots.
        eighths: How much of a cell, from below, is `lower`, and the rest `upper`; 0 where it is pixels.
        glyphs: Characters, 0 where there is none.
        speckles: The inks of points that no other layer stands over yet, dot by dot; 0 where there is none.
        inks: The ink of the characters.
        low: Whether a character stands over its cell's lower pixel.
    """

    def __init__(self, width: int, height: int) -> None:
        """Create an empty sheet of so many cells."""
        shape = height, width
        self.pixels = np.zeros((2 * height, width), np.uint8)
        self.bits, self.levels, self.dots = (np.zeros(shape, np.uint8) for _ in range(3))
        self.speckles = np.zeros((DOWN * height, ACROSS * width), np.uint8)
        self._speckled = False
        self.eighths, self.lower, self.upper = (np.zeros(shape, np.uint8) for _ in range(3))
        self.glyphs, self.inks = np.zeros(shape, np.uint32), np.zeros(shape, np.uint8)
        self.low = np.zeros(shape, np.bool_)
        self._clean = True

    def clear(self) -> None:
        """Remove everything drawn."""
        for layer in (self.pixels, self.bits, self.eighths):
            layer.fill(0)
        self.glyphs.fill(0)
        if self._speckled:
            self.speckles.fill(0)
        self._clean, self._speckled = True, False

    def tile(self, rows: slice, columns: slice, indices: Indices) -> None:
        """Draw pixels over everything beneath; `rows` counts pixels, two per cell."""
        self._settle()
        self.pixels[rows, columns] = indices
        if not self._clean:
            cells = slice((rows.start + 1) // 2, rows.stop // 2), columns
            self.bits[cells] = self.eighths[cells] = 0
            self.glyphs[cells] = 0

    def shade(self, mask: NDArray[np.bool_], table: Indices, first: int = 0) -> None:
        """Draw a transparent colour over pixels, starting at column `first`."""
        part = self.pixels[:, first : first + mask.shape[1]]
        np.copyto(part, table[part], where=mask)

    def stroke(self, bits: Indices, ink: Ink, level: int, first: int = 0) -> None:
        """Draw braille dots, starting at column `first` of the cells."""
        self._settle()
        self._clean = False
        part = slice(None), slice(first, first + bits.shape[1])
        on = bits != 0
        wanted = np.uint8(ink) if isinstance(ink, int) else ink[self.pixels[::2][part]]
        before, levels, inks = self.bits[part], self.levels[part], self.dots[part]
        # A cell has one ink: dots of another one in it would look like this line's.
        same = (levels == level) & (before != 0)
        shared = same & (inks == wanted)
        # Where two lines run through the same cells, each has some of them, or the later would be all that is seen.
        rows, columns = np.ogrid[: bits.shape[0], first : first + bits.shape[1]]
        on &= ~(same & (inks != wanted) & ((columns // TAKEN + rows) % 2 == 0))
        np.copyto(before, np.where(shared, before | bits, bits), where=on)
        np.copyto(levels, np.uint8(level), where=on)
        np.copyto(inks, wanted, where=on)

    def speckle(self, columns: NDArray[np.intp], rows: NDArray[np.intp], ink: Ink) -> None:
        """Draw points as single dots of braille; where those of several colours share a cell, see `_settle`."""
        self._clean, self._speckled = False, True
        self.speckles[rows, columns] = ink if isinstance(ink, int) else ink[self.pixels[rows // 2, columns // ACROSS]]

    def _settle(self) -> None:
        """Give each cell of points one ink, dithered so that over many cells all inks have the shares of their dots."""
        if not self._speckled:
            return
        height, width = self.bits.shape
        dots = self.speckles.reshape(height, DOWN, width, ACROSS).swapaxes(1, 2).reshape(height, width, DOWN * ACROSS)
        counts = (dots > 0).sum(axis=2)
        rows, columns = np.nonzero(counts)
        ordered, count = np.sort(dots[rows, columns], axis=1), counts[rows, columns]
        chosen = (DITHER[rows % len(DITHER), columns % len(DITHER)] * count).astype(np.intp)
        self.bits[rows, columns] = (dots[rows, columns] > 0) @ BITS.ravel()
        self.dots[rows, columns] = ordered[np.arange(len(count)), DOWN * ACROSS - count + chosen]
        self.levels[rows, columns] = 0
        self.speckles.fill(0)
        self._speckled = False

    def blocks(self, eighths: Indices, ink: int, *, hanging: bool = False) -> None:
        """Draw bars that fill so many eighths of each cell, from below or, when hanging, from above."""
        self._settle()
        self._clean = False
        there, full = eighths > 0, eighths == 8
        own, beneath = (self.upper, self.lower) if hanging else (self.lower, self.upper)
        np.copyto(beneath, self.pixels[1::2] if hanging else self.pixels[::2], where=there)
        np.copyto(own, np.uint8(ink), where=there)
        np.copyto(self.lower, np.uint8(ink), where=full)
        np.copyto(self.eighths, np.where(full, 8, 8 - eighths) if hanging else eighths, where=there)
        if not ink:
            # All of a cell in the ground's own colour is nothing, also where there are no colours.
            np.copyto(self.upper, np.uint8(ink), where=full)
            np.copyto(self.eighths, 0, where=full)
        # What stands in front of a bar has its nearest pixels behind it.
        most = there & (eighths >= 4)
        np.copyto(self.pixels[::2], np.uint8(ink), where=most if hanging else full)
        np.copyto(self.pixels[1::2], np.uint8(ink), where=full if hanging else most)
        self.bits[there] = 0
        self.glyphs[there] = 0

    def write(self, text: str, row: int, column: int, ink: int) -> None:
        """Write a text, clipped at the edges."""
        characters = codes(text)
        if not 0 <= row < self.glyphs.shape[0]:
            return
        start, stop = max(column, 0), min(column + len(characters), self.glyphs.shape[1])
        if start < stop:
            self._clean = False
            self.glyphs[row, start:stop] = characters[start - column : stop - column]
            self.inks[row, start:stop] = ink
            self.low[row, start:stop] = False

    def put(self, character: str, rows: NDArray[np.intp], columns: NDArray[np.intp], ink: Ink) -> None:
        """Draw one character at many places; `rows` counts pixels, two per cell."""
        self._clean = False
        at = rows // 2, columns
        self.glyphs[at] = ord(character)
        self.inks[at] = ink if isinstance(ink, int) else ink[self.pixels[rows, columns]]
        self.low[at] = rows % 2

    def compose(self, glyphs: NDArray[np.uint32], ink: Indices, ground: Indices) -> None:
        """Merge all layers into cells, written into views of a picture's arrays."""
        self._settle()
        top, bottom = self.pixels[::2], self.pixels[1::2]
        halved = top != bottom
        np.copyto(glyphs, np.where(halved, np.uint32(ord(UPPER_HALF)), np.uint32(ord(" "))))
        np.copyto(ink, top)
        np.copyto(ground, bottom)
        if self._clean:
            return
        part = self.eighths > 0
        np.copyto(glyphs, LOWER_EIGHTHS + self.eighths.astype(np.uint32), where=part)
        np.copyto(ink, self.lower, where=part)
        np.copyto(ground, self.upper, where=part)
        # A cell with something in front has one ground: that of the half with less in front of it.
        np.copyto(ground, np.where(UPPER_HEAVY[self.bits], bottom, top), where=self.bits > 0)
        dotted = self.bits > 0
        np.copyto(glyphs, BRAILLE + self.bits.astype(np.uint32), where=dotted)
        np.copyto(ink, self.dots, where=dotted)
        written = self.glyphs > 0
        np.copyto(ground, np.where(self.low, bottom, top), where=written)
        np.copyto(glyphs, self.glyphs, where=written)
        np.copyto(ink, self.inks, where=written)
