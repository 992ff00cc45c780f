"""Rows of cells as Textual takes them: encoded for the terminal, and Segments only for those who ask for them."""

from collections.abc import Iterable, Sequence

import numpy as np
from rich.segment import Segment
from textual.strip import Strip

from dynviz.cells.cells import Cells
from dynviz.cells.encode import Encoder
from dynviz.player._textual import LazyStrip


class _Picture:
    """Cells, and their columns encoded as they are asked for: of all rows at once, which is how it is fast."""

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
    """A strip that is written to the terminal as the encoder has it; its parts are of the same kind."""

    __slots__ = ("_end", "_picture", "_row", "_start")

    def __init__(self, picture: _Picture, row: int, start: int, end: int) -> None:
        """Take the columns from `start` to `end` of a row."""
        super().__init__(end - start)
        self._picture = picture
        self._row, self._start, self._end = row, start, end

    def make_segments(self) -> list[Segment]:
        """The row as Segments."""
        return self._picture.segments(self._row, self._start, self._end)

    def make_text(self) -> str:
        """The row as the encoder has it."""
        return self._picture.encoded(self._start, self._end)[self._row]

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return self._end > self._start

    def crop(self, start: int, end: int | None = None) -> Strip:
        """The part between two columns."""
        length = self._end - self._start
        start, end = max(0, start), length if end is None else min(length, end)
        if (start, end) == (0, length):
            return self
        if end <= start:
            return Strip([], 0)
        return CellStrip(self._picture, self._row, self._start + start, self._start + end)

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """The parts before each of the cuts, which ascend."""
        ends = [cut for cut in cuts if cut <= self._end - self._start]
        return [self.crop(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def strips(cells: Cells, encoder: Encoder) -> list[CellStrip]:
    """A strip for each row of cells, which must not change any more."""
    picture = _Picture(cells, encoder)
    return [CellStrip(picture, row, 0, cells.columns) for row in range(cells.rows)]
