"""Reproducible screenshots of the player, for documentation: what a tape without a key would show."""

import asyncio
import sys
from collections.abc import Sequence

from dynviz.animation.recipe_writer import line_for_tape, no_line
from dynviz.cells.cells import Cells
from dynviz.cells.svg import svg
from dynviz.errors import DynvizError
from dynviz.player.stage import staged
from dynviz.recording import open_all
from dynviz.recording.noted_reads import noted_reads
from dynviz.tapes.outputs import STILL
from dynviz.tapes.reading import parse
from dynviz.tapes.tokens import quotation


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

    with noted_reads() as measured:
        cells = asyncio.run(shown())
    try:
        settings = {"Columns": size[0], "Rows": size[1], "Theme": quotation(theme)}
        settings |= {"View": quotation(view)} if view else {}
        recordings = open_all(sources)
        settings["Step"] = max(one.metadata.steps for one in recordings) if step is None else step
        lines = [" ".join(["Play", *map(quotation, sources)]), *(f"Set {name} {to}" for name, to in settings.items())]
        text = "".join(f"{line}\n" for line in lines)
        parse(text, "the player's screen")
        recipe = line_for_tape(recordings, sources, measured, text=text, theme=theme, suffix=STILL)
    except DynvizError as error:
        recipe = no_line(str(error))
    return svg(cells, "dynviz play", recipe)
