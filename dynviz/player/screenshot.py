"""Reproducible screenshots of the player, for documentation."""

import asyncio
import sys
from collections.abc import Sequence

from dynviz.cells.svg import svg
from dynviz.player.app import Player
from dynviz.player.screen_cells import screen
from dynviz.scene.theme import theme as find_theme


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
    player = Player(sources, view=view, theme=theme, step=sys.maxsize if step is None else step, timed=False)
    return asyncio.run(_svg(player, size, theme))


async def _svg(app: Player, size: tuple[int, int], theme: str) -> str:
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        while app.run_screen is not None and app.run_screen.work.groups:
            await asyncio.sleep(0.001)
            await pilot.pause()
        return svg(screen(app, find_theme(theme).color("ground")), "dynviz play")
