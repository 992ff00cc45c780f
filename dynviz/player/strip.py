"""Rows of cells for Textual: encoded for the terminal, and as Segments only on request."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip

from dynviz.cells.cells import Cells
from dynviz.cells.encode import Encoder
from dynviz.player._textual import LazyStrip


class _EncodedCells:
    """Cells that are encoded on request, for all rows at once, which is fast."""

    def __init__(self, cells: Cells, encoder: Encoder) -> None:
        self._cells = cells
        self._encoder = encoder
        self._encoded: dict[tuple[int, int], list[str]] = {}
        self._dimmed: dict[float, _EncodedCells] = {}

    def between(self, start: int, end: int) -> Cells:
        part = np.s_[:, start:end]
        whole = self._cells
        return Cells(whole.glyphs[part], whole.ink[part], whole.ground[part], whole.bold[part], whole.palette)

    def encoded(self, start: int, end: int) -> list[str]:
        if (start, end) not in self._encoded:
            self._encoded[start, end] = self._encoder.rows(self.between(start, end))
        return self._encoded[start, end]

    def dimmed(self, share: float) -> "_EncodedCells":
        if share not in self._dimmed:
            self._dimmed[share] = _EncodedCells(self._cells, self._encoder.dimmed(share))
        return self._dimmed[share]

    def segments(self, row: int, start: int, end: int) -> list[Segment]:
        return self._encoder.segments(self.between(start, end), row)


class PartStrip(LazyStrip):
    """A strip whose parts are written to the terminal as they would be alone."""

    __slots__ = ()

    def crop(self, start: int, end: int | None = None) -> Strip:
        """The part between two columns."""
        length = self.cell_length
        start, end = max(0, start), length if end is None else min(length, end)
        if (start, end) == (0, length):
            return self
        return self.part(start, end) if end > start else Strip([], 0)

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """The parts that end at the cuts, given in ascending order."""
        ends = [cut for cut in cuts if cut <= self.cell_length]
        return [self.crop(start, end) for start, end in zip([0, *ends], ends, strict=False)]

    @abstractmethod
    def part(self, start: int, end: int) -> Strip:
        """The part between two different columns."""

    @abstractmethod
    def dimmed(self, tint: Color) -> Strip:
        """The same under a tint, whose alpha is how much nearer to the ground all colours are."""


class CellStrip(PartStrip):
    """A strip that is written to the terminal in encoded form, as are its parts."""

    __slots__ = ("_encoded_cells", "_end", "_row", "_start")

    def __init__(self, encoded_cells: _EncodedCells, row: int, start: int, end: int) -> None:
        super().__init__(end - start)
        self._encoded_cells = encoded_cells
        self._row, self._start, self._end = row, start, end

    def make_segments(self) -> list[Segment]:
        return self._encoded_cells.segments(self._row, self._start, self._end)

    def make_text(self, console: Console) -> str:  # noqa: ARG002 - the encoder knows the terminal's colours
        return self._encoded_cells.encoded(self._start, self._end)[self._row]

    def __bool__(self) -> bool:
        """Whether it has any columns."""
        return self._end > self._start

    def part(self, start: int, end: int) -> Strip:
        return CellStrip(self._encoded_cells, self._row, self._start + start, self._start + end)

    def dimmed(self, tint: Color) -> Strip:
        return CellStrip(self._encoded_cells.dimmed(tint.a), self._row, self._start, self._end)


class JoinedStrip(PartStrip):
    """Strips side by side."""

    __slots__ = ("_strips",)

    def __init__(self, joined: Iterable[Strip]) -> None:
        self._strips = [strip for strip in joined if strip.cell_length]
        super().__init__(sum(strip.cell_length for strip in self._strips))

    def make_segments(self) -> list[Segment]:
        return [segment for strip in self._strips for segment in strip]

    def make_text(self, console: Console) -> str:
        return "".join(strip.render(console) for strip in self._strips)

    def part(self, start: int, end: int) -> Strip:
        parts, left = [], 0
        for strip in self._strips:
            parts.append(strip.crop(max(start - left, 0), max(min(end - left, strip.cell_length), 0)))
            left += strip.cell_length
        return JoinedStrip(parts)

    def dimmed(self, tint: Color) -> Strip:
        return JoinedStrip(dimmed(strip, tint) for strip in self._strips)


def dimmed(strip: Strip, tint: Color) -> Strip:
    """A row behind a dialog: all colours nearer to that of the ground, by the alpha of the tint."""
    if isinstance(strip, PartStrip):
        return strip.dimmed(tint)
    return Strip([Segment(text, _dimmed(style or Style(), tint)) for text, style, _ in strip], strip.cell_length)


@lru_cache(512)
def _dimmed(style: Style, tint: Color) -> Style:
    ink, ground = (
        None if color is None else (Color.from_rich_color(color) + tint).rich_color
        for color in (style.color, style.bgcolor)
    )
    return style.clear_meta_and_links() + Style(color=ink, bgcolor=ground)


def strips(cells: Cells, encoder: Encoder) -> list[CellStrip]:
    """The rows of cells, which must not be modified afterwards."""
    encoded_cells = _EncodedCells(cells, encoder)
    return [CellStrip(encoded_cells, row, 0, cells.columns) for row in range(cells.rows)]
