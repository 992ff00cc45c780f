"""The screen that an application shows, as cells."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from rich.segment import Segment
from textual.app import App
from textual.strip import Strip

from dynviz.cells.cells import Cells
from dynviz.cells.wide import in_cells
from dynviz.player._textual import rows_of

RGB: TypeAlias = tuple[int, int, int]


def screen(app: App[int], ground: RGB) -> Cells:
    """The current screen of a running application as cells; cells without a background have this one."""
    return cells_of(rows_of(app.screen, 0, app.size.height), app.size.width, ground)


def cells_of(rows: Sequence[Iterable[Strip]], width: int, ground: RGB) -> Cells:
    """Rows of a screen as cells, in any thread.

    Args:
        rows: The strips of each row.
        width: The number of columns.
        ground: The background of cells without one.
    """
    palette: dict[RGB, int] = {ground: 0}
    cells = Cells.blank(width, len(rows), np.zeros((256, 3), np.uint8))
    for row, strips in enumerate(rows):
        column = 0
        for text, style, _ in Segment.simplify(segment for strip in strips for segment in strip):
            front, back = (_rgb(color, ground) for color in ((style.color, style.bgcolor) if style else (None, None)))
            glyphs = in_cells(text)[: width - column]
            place = np.s_[row, column : column + len(glyphs)]
            cells.glyphs[place] = glyphs
            cells.ink[place], cells.ground[place] = _index(palette, front), _index(palette, back)
            cells.bold[place] = bool(style and style.bold)
            column += len(glyphs)
    return replace(cells, palette=np.array(list(palette), dtype=np.uint8))


def _rgb(color: object, ground: RGB) -> RGB:
    triplet = getattr(color, "triplet", None)
    return ground if triplet is None else (triplet.red, triplet.green, triplet.blue)


def _index(palette: dict[RGB, int], color: RGB) -> int:
    if color not in palette and len(palette) < 256:
        palette[color] = len(palette)
    return palette.get(color, 0)
