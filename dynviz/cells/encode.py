"""Cells as the rows of text, with colours, that a terminal reads.

A colour is written only where it changes along a row; what colour a blank would have been drawn in is never written.
What sets a colour is taken from a table of ready strings, for all cells at once, and a row is one copy of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.color import Color, ColorType
from rich.segment import Segment
from rich.style import Style

from dynviz.cells import codes
from dynviz.cells.cells import UPPER_HALF, Cells
from dynviz.cells.codes import DEFAULT
from dynviz.cells.depth import Depth, detect
from dynviz.cells.utf8 import COUNT, utf_8
from dynviz.cells.wide import POINT, as_text, joined

__all__ = ["Depth", "Encoder", "detect"]

RESET = "\x1b[0m"
BLANK, UPPER, LOWER = ord(" "), ord(UPPER_HALF), ord("▄")
BLOCKS = (0x2580, 0x259F)
"""Characters that are areas of colour rather than signs."""
EIGHTHS = (0x2581, 0x2588)
FULL = EIGHTHS[1]
SHADES = np.array([*map(ord, " ░▒▓█")], np.uint32)
BRAILLE = (0x2800, 0x28FF)
EVERY_SECOND = 0x2895
"""The braille character with every second dot, as on a chessboard."""
FAINT = {True: 0.25, False: 0.45}
"""On a light ground and on a dark one: colours nearer to it than this are those of ghosts."""
REPLACEMENT = 0xFFFD


class Encoder:
    r"""From cells to rows for a terminal.

    >>> palette = np.array([[0, 0, 0], [255, 0, 0]], np.uint8)
    >>> cells = Cells.blank(3, 1, palette)
    >>> cells.glyphs[0, 1], cells.ink[0, 1] = ord("x"), 1
    >>> Encoder(palette, "true").rows(cells)
    ['\x1b[48;2;0;0;0m \x1b[38;2;255;0;0mx \x1b[0m']

    Attributes:
        depth: How many colours the terminal shows.
    """

    def __init__(
        self,
        palette: NDArray[np.uint8],
        depth: Depth,
        *,
        bold: bool = True,
        instead: NDArray[np.uint8] | None = None,
    ) -> None:
        """Make the tables.

        Args:
            palette: Of the cells [colours, 3].
            depth: Of the terminal.
            bold: Whether the terminal knows bold; without it and without colours, rows are characters alone.
            instead: For each colour of the palette, the one that is drawn; by default itself.
        """
        self.depth = depth
        self._palette, self._instead = palette, instead
        self._dimmed: dict[float, Encoder] = {}
        # The picture before, of which a curve changes few rows.
        self._last: tuple[NDArray[np.uint64] | None, list[str]] = (None, [])
        self._bold = bold
        self._light = codes.is_light(palette)
        # Numbers of a table's colours; in true colour and in none the table is the palette.
        self._codes = np.arange(len(palette), dtype=np.uint8)
        self._apart = self._codes
        if depth == "256":
            self._codes, self._apart = codes.nearest_256(palette), codes.apart_256()
        elif depth == "16":
            self._codes, self._apart = codes.nearest_16(palette), codes.apart_16(light=self._light)
        if instead is not None:
            self._codes = self._codes[instead]
        far = np.abs(codes.lightness(palette) - codes.lightness(palette[:1]))
        self._shares = far / max(far.max(), 1e-9)
        self._colors = self._table_of_colors(palette)
        self._inks, self._grounds = (
            _table(_strings(colors, ground=place == 1)) for place, colors in enumerate(self._colors)
        )

    def dimmed(self, share: float) -> "Encoder":
        """One that draws all colours nearer to the ground, by this share of their distance from it."""
        if share not in self._dimmed:
            nearer = self._palette + share * (self._palette[:1].astype(np.float64) - self._palette)
            palette = nearer.round().astype(np.uint8)
            self._dimmed[share] = Encoder(palette, self.depth, bold=self._bold, instead=self._instead)
        return self._dimmed[share]

    def rows(self, cells: Cells) -> list[str]:
        """Each row as a string that fills exactly as many columns as there are, and ends with everything reset.

        Rows that are as in the picture before are not encoded again.
        """
        if not cells.glyphs.size:
            return [RESET if self.depth != "none" else ""] * cells.rows
        packed, (before, rows) = _packed(cells), self._last
        if before is None or before.shape != packed.shape:
            rows = self._encoded(cells)
        else:
            new = (packed != before).any(axis=1)
            texts = iter(self._encoded(cells if new.all() else _rows_of(cells, new)))
            rows = [next(texts) if is_new else row for is_new, row in zip(new.tolist(), rows, strict=True)]
        self._last = packed, rows
        return list(rows)

    def _encoded(self, cells: Cells) -> list[str]:
        look = self._look(cells)
        bold = self._bold and bool(look.bold.any())
        drawn = look.glyphs != BLANK
        parts = []
        if bold:
            turned = _changed(look.bold, drawn, before=False)
            parts.append(BOLD[np.where(turned, 1 + ~look.bold, 0)])
        if self.depth != "none":
            ink, ground = self._changes(look, drawn)
            parts += [self._inks[ink], self._grounds[ground]]
        return _joined_rows([*parts, utf_8(look.glyphs)])

    def segments(self, cells: Cells, row: int) -> list[Segment]:
        """A row in the plain way, for rich and for Textual: a style for each run of cells that look the same."""
        look = self._look(_rows_of(cells, np.s_[row : row + 1]))
        keys = zip(look.ink[0].tolist(), look.ground[0].tolist(), look.bold[0].tolist(), strict=True)
        runs = groupby(zip(keys, look.glyphs[0].tolist(), strict=True), key=lambda cell: cell[0])
        return [Segment(as_text(np.array([glyph for _, glyph in run])), self._style(*key)) for key, run in runs]

    def _look(self, cells: Cells) -> Cells:
        """The cells as this terminal shows them; ink and ground are numbers of its colours instead of the palette's."""
        glyphs = _shown(cells.glyphs)
        if self.depth == "none":
            glyphs, colors = self._shaded(glyphs, cells), np.zeros_like(cells.ink)
            return replace(cells, glyphs=glyphs, ink=colors, ground=colors)
        ink, ground = self._codes[cells.ink], self._codes[cells.ground]
        if self.depth != "16":
            # Fonts leave gaps between full blocks, one above the other; grounds meet. Of 16, some are no grounds.
            full = glyphs == FULL
            if full.any():
                glyphs, ground = np.where(full, np.uint32(BLANK), glyphs), np.where(full, ink, ground)
        if self.depth != "true":
            # Two colours that have become one would hide a sign; areas of one colour may be.
            hidden = (ink == ground) & (cells.ink != cells.ground) & ~_in(glyphs, BLOCKS)
            ink = np.where(hidden, self._apart[ground], ink)
        if self.depth == "16":
            glyphs, ink, ground = _turned(glyphs, ink, ground)
        return replace(cells, glyphs=glyphs, ink=ink, ground=ground)

    def _shaded(self, glyphs: NDArray[np.uint32], cells: Cells) -> NDArray[np.uint32]:
        """Pictures as shades, the denser the further from the ground; ghosts of lines have every second dot."""
        ink, ground = self._shares[cells.ink], self._shares[cells.ground]
        share = np.where(glyphs == UPPER, (ink + ground) / 2, ground)
        # A part of a cell that is covered in the ground's own colour is empty.
        covered = (cells.ink == 0) & _in(glyphs, EIGHTHS)
        share = np.where(covered, share * (EIGHTHS[1] + 1.0 - glyphs) / 8, share)
        shades = SHADES[(share * (len(SHADES) - 1)).round().astype(np.int64)]
        ghost = _in(glyphs, BRAILLE) & (ink < FAINT[self._light]) & (glyphs & EVERY_SECOND != BRAILLE[0])
        glyphs = np.where(ghost, glyphs & EVERY_SECOND, glyphs)
        return np.where((glyphs == UPPER) | (glyphs == BLANK) | covered, shades, glyphs)

    def _changes(self, look: Cells, drawn: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
        """Places in the tables of what sets the ink [rows, columns] and of what sets the ground after it."""
        new_ground = np.ones(drawn.shape, dtype=bool)
        np.not_equal(look.ground[:, 1:], look.ground[:, :-1], out=new_ground[:, 1:])
        new_ink = _changed(look.ink, drawn)
        # Where both change they share one sequence: the ink's is left open and the ground's goes on.
        shared = len(self._colors[0]) * (new_ink & new_ground)
        ink = np.where(new_ink, look.ink + (shared + 1), 0)
        ground = np.where(new_ground, look.ground + (shared + 1), 0)
        return [ink, ground]

    def _table_of_colors(self, palette: NDArray[np.uint8]) -> tuple[list[Color], list[Color]]:
        """The colour of each number, as an ink and as a ground."""
        if self.depth in {"true", "none"}:
            colors = [Color.from_rgb(*rgb) for rgb in palette.tolist()]
            return colors, colors
        colors = [Color.from_ansi(code) for code in range(256)]
        if self.depth == "256":
            return colors, colors
        text, ground = (0, 15) if self._light else (15, 0)
        inks, grounds = colors[: DEFAULT + 1], colors[: DEFAULT + 1]
        # The ground is whatever the terminal has, and words are in the colour that goes with it.
        grounds[DEFAULT] = inks[text] = Color.default()
        inks[DEFAULT] = Color.from_ansi(ground)
        return inks, grounds

    def _style(self, ink: int, ground: int, bold: bool) -> Style:  # noqa: FBT001 - as it stands in the cells
        strong = True if bold and self._bold else None
        if self.depth == "none":
            return Style(bold=strong)
        inks, grounds = self._colors
        return Style(color=inks[ink], bgcolor=grounds[ground], bold=strong)


def _packed(cells: Cells) -> NDArray[np.uint64]:
    """All that is known of each cell as one number."""
    packed = cells.bold.astype(np.uint64)
    for array, bits in ((cells.ground, 8), (cells.ink, 8), (cells.glyphs, 32)):
        packed = packed << np.uint64(bits) | array
    return packed


def _rows_of(cells: Cells, rows: Any) -> Cells:
    """Those rows of cells that an index chooses."""
    return Cells(cells.glyphs[rows], cells.ink[rows], cells.ground[rows], cells.bold[rows], cells.palette)


def _changed(values: NDArray[Any], drawn: NDArray[np.bool_], *, before: bool | None = None) -> NDArray[np.bool_]:
    """Where what is drawn differs from what is drawn to the left of it, or from what was before its row."""
    places = np.flatnonzero(drawn)
    rows, seen = places // max(drawn.shape[1], 1), values.ravel()[places]
    first = np.ones(len(places), dtype=bool)
    np.not_equal(rows[1:], rows[:-1], out=first[1:])
    new = np.ones(len(places), dtype=bool)
    np.not_equal(seen[1:], seen[:-1], out=new[1:])
    changed = np.zeros(drawn.size, dtype=bool)
    changed[places] = np.where(first, True if before is None else seen != before, new)
    return changed.reshape(drawn.shape)


def _turned(glyphs: NDArray[np.uint32], ink: NDArray[np.uint8], ground: NDArray[np.uint8]) -> tuple[Any, Any, Any]:
    """Half blocks upside down where their ink is the terminal's own ground, which nothing can be drawn in."""
    own = ink == DEFAULT
    upper, lower = own & (glyphs == UPPER), own & (glyphs == LOWER)
    either = upper | lower
    glyphs = np.where(upper, LOWER, np.where(lower, UPPER, glyphs))
    glyphs = np.where(either & (ground == DEFAULT), BLANK, glyphs)
    return glyphs, np.where(either, ground, ink), np.where(either, DEFAULT, ground).astype(np.uint8)


def _shown(glyphs: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Whole characters; those that control a terminal, which names in a recording may hold, are replaced."""
    if not glyphs.size or glyphs.max() < len(OFTEN):
        return OFTEN[glyphs]
    return joined(_printable(glyphs))


def _printable(glyphs: NDArray[np.uint32]) -> NDArray[np.uint32]:
    points = glyphs & np.uint32(POINT)
    control = (points < 0x20) | _in(points, (0x7F, 0x9F)) | _in(points, (0xD800, 0xDFFF)) | (points > 0x10FFFF)
    return np.where(control, np.uint32(REPLACEMENT), glyphs)


def _in(glyphs: NDArray[np.uint32], range_: tuple[int, int]) -> NDArray[np.bool_]:
    return (glyphs >= range_[0]) & (glyphs <= range_[1])


OFTEN = _printable(np.arange(COUNT, dtype=np.uint32))
"""What is shown of each of the first code points: most pictures have no others."""


def _strings(colors: list[Color], *, ground: bool) -> list[str]:
    """For each colour what sets it alone; for each the first half, or the second, of what sets both."""
    setters = [_setter(color, ground=ground) for color in colors]
    both = [f";{code}m" if ground else f"\x1b[{code}" for code in setters]
    return [*(f"\x1b[{code}m" for code in setters), *both]


def _setter(color: Color, *, ground: bool) -> str:
    if color.type == ColorType.TRUECOLOR and color.triplet is not None:
        # rich takes ten times as long, which the first picture would wait for.
        return "{};2;{};{};{}".format(48 if ground else 38, *color.triplet)
    return ";".join(color.get_ansi_codes(foreground=not ground))


def _table(strings: Sequence[str]) -> NDArray[np.void]:
    """An empty string and those given, as records of bytes that zeros fill up."""
    data = np.array(["", *strings], dtype="S")
    return data.view(f"V{data.itemsize}")


BOLD = _table(["\x1b[1m", "\x1b[22m"])


def _joined_rows(parts: Sequence[NDArray[Any]]) -> list[str]:
    """The text of each row of cells, of parts [rows, columns] that follow one another in a cell; zeros are left out.

    What a row sets, it resets at its end.
    """
    cells = np.empty(parts[0].shape, [(f"part{number}", part.dtype) for number, part in enumerate(parts)])
    for name, part in zip(cells.dtype.names or (), parts, strict=True):
        cells[name] = part
    rows = [row.tobytes().translate(None, b"\0").decode() for row in cells]
    return [row + RESET if "\x1b" in row else row for row in rows]
