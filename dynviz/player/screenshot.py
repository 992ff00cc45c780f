"""Reproducible screenshots of the player, for documentation."""

import asyncio
import sys
from collections.abc import Sequence

from dynviz.cells.cells import Cells
from dynviz.cells.svg import svg
from dynviz.player.stage import staged


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

    async def shown() -> Cells:
        at = sys.maxsize if step is None else step
        async with staged(sources, size=size, view=view, theme=theme, step=at) as stage:
            return stage.cells

    return svg(asyncio.run(shown()), "dynviz play")
