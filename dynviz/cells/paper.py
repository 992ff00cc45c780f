"""Paper: what a panel's plot is drawn on, layer by layer, before it becomes cells."""

import numpy as np
from numpy.typing import NDArray

from dynviz.cells.cells import UPPER_HALF
from dynviz.cells.characters import codes
from dynviz.cells.inks import Indices

BRAILLE = 0x2800
LOWER_EIGHTHS = 0x2580
"""After it come the lower eighths of a cell, one to eight of them."""
UPPER_HEAVY = np.array([(bits & 0x1B).bit_count() > (bits & 0xE4).bit_count() for bits in range(256)])
"""Whether more of a cell's dots are in its upper half."""
Ink = int | Indices
"""An index, or a table that gives one for each colour beneath."""


class Paper:
    """Half-block pixels, above them eighths of bars, above them dots, above them characters.

    Attributes:
        pixels: Indices [2 rows, columns].
        bits: Which dots of each cell are drawn [rows, columns].
        levels: Which layer drew them: those of one level and ink share a cell, else the later one takes it.
        dots: The ink of the dots.
        eighths: How much of a cell, from below, is `lower`, and the rest `upper`; 0 where it is pixels.
        glyphs: Characters, 0 where there is none.
        inks: The ink of the characters.
        low: Whether a character stands over its cell's lower pixel.
    """

    def __init__(self, width: int, height: int) -> None:
        """Take paper of so many cells."""
        shape = height, width
        self.pixels = np.zeros((2 * height, width), np.uint8)
        self.bits, self.levels, self.dots = (np.zeros(shape, np.uint8) for _ in range(3))
        self.eighths, self.lower, self.upper = (np.zeros(shape, np.uint8) for _ in range(3))
        self.glyphs, self.inks = np.zeros(shape, np.uint32), np.zeros(shape, np.uint8)
        self.low = np.zeros(shape, np.bool_)
        self._clean = True

    def clear(self) -> None:
        """Make it empty again."""
        for layer in (self.pixels, self.bits, self.eighths):
            layer.fill(0)
        self.glyphs.fill(0)
        self._clean = True

    def tile(self, rows: slice, columns: slice, indices: Indices) -> None:
        """Pixels, which hide what was there; rows are of pixels."""
        self.pixels[rows, columns] = indices
        if not self._clean:
            cells = slice((rows.start + 1) // 2, rows.stop // 2), columns
            self.bits[cells] = self.eighths[cells] = 0
            self.glyphs[cells] = 0

    def shade(self, mask: NDArray[np.bool_], table: Indices, first: int = 0) -> None:
        """A transparent colour over pixels, from a column on."""
        part = self.pixels[:, first : first + mask.shape[1]]
        np.copyto(part, table[part], where=mask)

    def stroke(self, bits: Indices, ink: Ink, level: int, first: int = 0) -> None:
        """Dots, from a column of cells on."""
        self._clean = False
        part = slice(None), slice(first, first + bits.shape[1])
        on = bits != 0
        wanted = np.uint8(ink) if isinstance(ink, int) else ink[self.pixels[::2][part]]
        before, levels, inks = self.bits[part], self.levels[part], self.dots[part]
        # A cell has one ink: dots of another one in it would look like this line's.
        shared = (levels == level) & (inks == wanted)
        np.copyto(before, np.where(shared, before | bits, bits), where=on)
        np.copyto(levels, np.uint8(level), where=on)
        np.copyto(inks, wanted, where=on)

    def blocks(self, eighths: Indices, ink: int, *, hanging: bool = False) -> None:
        """Bars: how many eighths of each cell they fill, from below or from above."""
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
        """Characters, cut at the edges."""
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
        """One character at many places; rows are of pixels."""
        self._clean = False
        at = rows // 2, columns
        self.glyphs[at] = ord(character)
        self.inks[at] = ink if isinstance(ink, int) else ink[self.pixels[rows, columns]]
        self.low[at] = rows % 2

    def compose(self, glyphs: NDArray[np.uint32], ink: Indices, ground: Indices) -> None:
        """Become cells: fill views of a picture's arrays."""
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
