"""A picture made of a terminal's cells."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.cells.wide import as_text, joined
from dynviz.frozen import frozen

UPPER_HALF = "▀"
"""The upper half of a cell in its ink, the lower half in its ground: two pixels of a picture."""


@frozen
class Cells:
    """A rectangle of cells; each shows one character of one column's width, or half of a wide one.

    Attributes:
        glyphs: Code points [rows, columns] uint32; a space where there is nothing. For halves see `wide`.
        ink: What the character is drawn in: indices into the palette [rows, columns] uint8.
        ground: What is behind it, likewise.
        bold: Whether it is bold [rows, columns].
        palette: Red, green and blue [colours, 3] uint8; the first is the theme's ground.
    """

    glyphs: NDArray[np.uint32]
    ink: NDArray[np.uint8]
    ground: NDArray[np.uint8]
    bold: NDArray[np.bool_]
    palette: NDArray[np.uint8]

    @property
    def rows(self) -> int:
        """Its height."""
        return int(self.glyphs.shape[0])

    @property
    def columns(self) -> int:
        """Its width."""
        return int(self.glyphs.shape[1])

    def text(self) -> str:
        """The characters alone, a line for each row, without spaces at the ends of lines."""
        return "\n".join(as_text(row).rstrip() for row in joined(np.asarray(self.glyphs, dtype=np.uint32)))

    def fitted(self, columns: int, rows: int) -> "Cells":
        """The same, cut or with empty cells after it, so that it has this size."""
        if (columns, rows) == (self.columns, self.rows):
            return self
        fitted = self.blank(columns, rows, self.palette)
        area = np.s_[: min(rows, self.rows), : min(columns, self.columns)]
        for name in ("glyphs", "ink", "ground", "bold"):
            getattr(fitted, name)[area] = getattr(self, name)[area]
        return fitted

    @classmethod
    def blank(cls, columns: int, rows: int, palette: NDArray[Any]) -> "Cells":
        """Cells with nothing in them."""
        shape = (rows, columns)
        return cls(
            np.full(shape, ord(" "), np.uint32),
            np.zeros(shape, np.uint8),
            np.zeros(shape, np.uint8),
            np.zeros(shape, np.bool_),
            np.asarray(palette, dtype=np.uint8),
        )
