"""The player's screen as a picture, for documents: the same text each time."""

import asyncio
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from textual.app import App

from dynviz.cells.cells import Cells
from dynviz.cells.svg import svg
from dynviz.player._textual import screen_rows
from dynviz.player.app import Player
from dynviz.scene.theme import theme as find_theme

RGB: TypeAlias = tuple[int, int, int]


def portrait(
    sources: Sequence[str],
    *,
    view: str | None,
    theme: str,
    step: int | None,
    size: tuple[int, int],
) -> str:
    """The screen as an SVG.

    Args:
        sources: As for `play`.
        view: Likewise.
        theme: `dark` or `light`.
        step: Likewise; None for the last.
        size: Columns and rows.

    Raises:
        DynvizError: A source cannot be opened.
    """
    return asyncio.run(_portrait(Player(sources, view=view, theme=theme, step=step, timed=False), size, theme))


async def _portrait(app: Player, size: tuple[int, int], theme: str) -> str:
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        return svg(screen(app, find_theme(theme).color("ground")), "dynviz play")


def screen(app: App[int], ground: RGB) -> Cells:
    """What an application shows now.

    Args:
        app: The application, running.
        ground: What stands where no colour is given.
    """
    width, height = app.size
    palette: dict[RGB, int] = {ground: 0}
    cells = Cells.blank(width, height, np.zeros((256, 3), np.uint8))
    glyphs, ink, behind, bold = (cells.glyphs, cells.ink, cells.ground, cells.bold)
    for row, strip in enumerate(screen_rows(app)):
        column = 0
        for text, style, _ in Segment.simplify(strip):
            front, back = (_rgb(each, ground) for each in ((style.color, style.bgcolor) if style else (None, None)))
            for sign in text[: width - column]:
                glyphs[row, column] = ord(sign)
                ink[row, column] = _index(palette, front)
                behind[row, column] = _index(palette, back)
                bold[row, column] = bool(style and style.bold)
                column += 1
    return Cells(glyphs, ink, behind, bold, _colors(palette))


def _rgb(color: object, ground: RGB) -> RGB:
    triplet = getattr(color, "triplet", None)
    return ground if triplet is None else (triplet.red, triplet.green, triplet.blue)


def _index(palette: dict[RGB, int], color: RGB) -> int:
    if color not in palette and len(palette) < 256:
        palette[color] = len(palette)
    return palette.get(color, 0)


def _colors(palette: dict[RGB, int]) -> NDArray[np.uint8]:
    return np.array(list(palette), dtype=np.uint8)
