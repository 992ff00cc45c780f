"""The nearest colours of a palette."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BITS = 6
"""How many of each channel's eight bits the table of nearest colours uses."""
UNKNOWN = 0


class Palette:
    """The nearest colour of a palette for each pixel, by a table that fills as colours are met.

    The answer depends on the colour alone, not on those asked for before. Colours of the palette themselves are found
    exactly, unless two of them agree in the upper six bits of each channel: then the first is.

    >>> Palette(np.array([[0, 0, 0], [255, 255, 255]])).indices(np.array([[9, 9, 9], [200, 255, 190]])).tolist()
    [0, 1]
    """

    def __init__(self, colors: NDArray[Any]) -> None:
        """Take colours [colours, 3], at most 256 of them."""
        self.colors = np.asarray(colors, dtype=np.uint8)
        # A byte for each channel, so that a cell is found by one shift; what is never met takes no memory.
        self._table = np.zeros(1 << 24 - (8 - BITS), dtype=np.uint16)
        self._table[_cells(self.colors)[::-1]] = np.arange(len(self.colors), 0, -1)

    def indices(self, pixels: NDArray[Any]) -> NDArray[np.uint8]:
        """The index of the nearest colour of each pixel: [pixels, 3] to [pixels]."""
        cells = _cells(pixels)
        entries = self._table[cells]
        if entries.size and entries.min() == UNKNOWN:
            self._learn(np.unique(cells[entries == UNKNOWN]))
            entries = self._table[cells]
        return (entries - 1).astype(np.uint8)

    def _learn(self, cells: NDArray[np.uint32]) -> None:
        side = 1 << (8 - BITS)
        colors = self.colors.astype(np.float32)
        for start in range(0, len(cells), 4096):
            chunk = cells[start : start + 4096]
            parts = [(chunk >> shift) & 0xFF for shift in (0, 8, 16)]
            middles = (np.stack(parts, axis=-1) * side + (side - 1) / 2).astype(np.float32)
            far = (colors**2).sum(axis=1) - 2 * middles @ colors.T
            self._table[chunk] = far.argmin(axis=1) + 1


def _cells(pixels: NDArray[Any]) -> NDArray[np.uint32]:
    padded = np.zeros((len(pixels), 4), dtype=np.uint8)
    padded[:, :3] = pixels
    cells = padded.view("<u4")[:, 0]
    cells >>= 8 - BITS
    cells &= 0x3F3F3F
    return cells
