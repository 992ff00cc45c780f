"""Rows of cells for Textual: encoded for the terminal, and as Segments only on request."""

from collections.abc import Iterable, Sequence

import numpy as np
from rich.segment import Segment
from textual.filter import ANSIToTruecolor, LineFilter
from textual.strip import Strip
from textual.widget import Widget

from dynviz.cells.cells import Cells
from dynviz.cells.encode import Encoder
from dynviz.player._textual import LazyStrip


def line_filters(widget: Widget) -> Sequence[LineFilter]:
    """The filters to apply to a widget's rows: only those that dim or remove colours.

    By default Textual would also replace the 16 colours of the terminal by those of its theme.
    """
    filters = widget.app.get_line_filters()
    return filters if any(not isinstance(line_filter, ANSIToTruecolor) for line_filter in filters) else ()


class _EncodedCells:
    """Cells that are encoded on request, for all rows at once, which is fast."""

    def __init__(self, cells: Cells, encoder: Encoder) -> None:
        self._cells = cells
        self._encoder = encoder
        self._encoded: dict[tuple[int, int], list[str]] = {}

    def between(self, start: int, end: int) -> Cells:
        part = np.s_[:, start:end]
        whole = self._cells
        return Cells(whole.glyphs[part], whole.ink[part], whole.ground[part], whole.bold[part], whole.palette)

    def encoded(self, start: int, end: int) -> list[str]:
        if (start, end) not in self._encoded:
            self._encoded[start, end] = self._encoder.rows(self.between(start, end))
        return self._encoded[start, end]

    def segments(self, row: int, start: int, end: int) -> list[Segment]:
        return self._encoder.segments(self.between(start, end), row)


class CellStrip(LazyStrip):
    """A strip that is written to the terminal in encoded form, as are its parts."""

    __slots__ = ("_encoded_cells", "_end", "_row", "_start")

    def __init__(self, encoded_cells: _EncodedCells, row: int, start: int, end: int) -> None:
        super().__init__(end - start)
        self._encoded_cells = encoded_cells
        self._row, self._start, self._end = row, start, end

    def make_segments(self) -> list[Segment]:
        return self._encoded_cells.segments(self._row, self._start, self._end)

    def make_text(self) -> str:
        return self._encoded_cells.encoded(self._start, self._end)[self._row]

    def __bool__(self) -> bool:
        """Whether it has any columns."""
        return self._end > self._start

    def crop(self, start: int, end: int | None = None) -> Strip:
        """The part between two columns."""
        length = self._end - self._start
        start, end = max(0, start), length if end is None else min(length, end)
        if (start, end) == (0, length):
            return self
        if end <= start:
            return Strip([], 0)
        return CellStrip(self._encoded_cells, self._row, self._start + start, self._start + end)

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """The parts that end at the cuts, given in ascending order."""
        ends = [cut for cut in cuts if cut <= self._end - self._start]
        return [self.crop(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def strips(cells: Cells, encoder: Encoder) -> list[CellStrip]:
    """The rows of cells, which must not be modified afterwards."""
    encoded_cells = _EncodedCells(cells, encoder)
    return [CellStrip(encoded_cells, row, 0, cells.columns) for row in range(cells.rows)]
