"""Reproducible screenshots of the player, for documentation."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from rich.segment import Segment
from textual.app import App

from dynviz.cells.cells import Cells
from dynviz.cells.svg import svg
from dynviz.player._textual import screen_rows
from dynviz.player.app import Player
from dynviz.scene.theme import theme as find_theme

RGB: TypeAlias = tuple[int, int, int]


def screen_svg(
    sources: Sequence[str],
    *,
    view: str | None,
    theme: str,
    step: int | None,
    size: tuple[int, int],
) -> str:
    """The player's screen at a step as an SVG; by default at the end.

    Raises:
        DynvizError: A source cannot be opened.
    """
    return asyncio.run(_svg(Player(sources, view=view, theme=theme, step=step, timed=False), size, theme))


async def _svg(app: Player, size: tuple[int, int], theme: str) -> str:
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        return svg(screen(app, find_theme(theme).color("ground")), "dynviz play")


def screen(app: App[int], ground: RGB) -> Cells:
    """The current screen of a running application as an SVG.

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
            for sign in text[: width - column]:
                cells.glyphs[row, column] = ord(sign)
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
