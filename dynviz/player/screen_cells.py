"""The screen that an application shows, as cells."""

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from rich.segment import Segment
from textual.app import App

from dynviz.cells.cells import Cells
from dynviz.cells.wide import in_cells
from dynviz.player._textual import screen_rows

RGB: TypeAlias = tuple[int, int, int]


def screen(app: App[int], ground: RGB) -> Cells:
    """The current screen of a running application as cells.

    Args:
        app: The application.
        ground: The background of cells without one.
    """
    width, height = app.size
    palette: dict[RGB, int] = {ground: 0}
    cells = Cells.blank(width, height, np.zeros((256, 3), np.uint8))
    for row, strip in enumerate(screen_rows(app)):
        column = 0
        for text, style, _ in Segment.simplify(strip):
            front, back = (_rgb(color, ground) for color in ((style.color, style.bgcolor) if style else (None, None)))
            for glyph in in_cells(text)[: width - column].tolist():
                cells.glyphs[row, column] = glyph
                cells.ink[row, column] = _index(palette, front)
                cells.ground[row, column] = _index(palette, back)
                cells.bold[row, column] = bool(style and style.bold)
                column += 1
    return replace(cells, palette=np.array(list(palette), dtype=np.uint8))


def _rgb(color: object, ground: RGB) -> RGB:
    triplet = getattr(color, "triplet", None)
    return ground if triplet is None else (triplet.red, triplet.green, triplet.blue)


def _index(palette: dict[RGB, int], color: RGB) -> int:
    if color not in palette and len(palette) < 256:
        palette[color] = len(palette)
    return palette.get(color, 0)
