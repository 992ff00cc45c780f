"""A scene printed as a picture, in a terminal that shows pictures."""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dynviz import settings
from dynviz.cells.depth import Depth
from dynviz.graphics.support import GraphicsChoice, GraphicsSupport
from dynviz.player.terminal import graphics, query

if TYPE_CHECKING:
    from dynviz.scene.marks import Scene


class StillGraphics:
    """How a scene is printed: the terminal is asked at once, and its answer read when the scene is there.

    As a context, the answer is read in any case.
    """

    def __init__(self, choice: GraphicsChoice | None, depth: Depth, environ: Mapping[str, str] = os.environ) -> None:
        """Ask the terminal.

        Args:
            choice: What is written on the command line; None takes the user's setting, and pictures only go to a
                terminal.
            depth: How many colours it shows.
            environ: Its variables.

        Raises:
            DynvizError: The settings are not understood.
        """
        terminal = sys.stdout.isatty()
        chosen = choice or (settings.load(settings.location()).graphics if terminal and depth != "none" else "cells")
        self._choice: GraphicsChoice = "cells" if chosen == "auto" and not terminal else chosen
        self._environ = environ
        asked, beyond = graphics.questions(self._choice, environ) if terminal else (b"", None)
        self._query = query.send(asked, environ, sys.stdout.fileno(), beyond) if asked else None

    def __enter__(self) -> "StillGraphics":
        """Nothing more is done."""
        return self

    def __exit__(self, *_: object) -> None:
        """Read what nobody else may find."""
        self._read()

    def _read(self) -> bytes:
        asked, self._query = self._query, None
        return asked.read() if asked is not None else b""

    def support(self) -> GraphicsSupport | None:
        """How the terminal shows pictures; None for characters."""
        answers = self._read()
        size = graphics.TerminalSize.of(sys.stdout.fileno()) if sys.stdout.isatty() else graphics.TerminalSize(0, 0)
        return graphics.support_in(answers, self._choice, self._environ, size, still=True)


def picture(scene: "Scene", size: tuple[int, int], theme: str, support: GraphicsSupport) -> str:
    """The text that prints a scene in so many columns and rows of a terminal.

    Raises:
        DynvizError: They are too few or too many for a picture.
    """
    from dynviz.graphics.still import printed
    from dynviz.pixels import PixelCanvas
    from dynviz.pixels.sizes import Lettering

    cell = support.cell
    most = [pixels // unit if pixels else side for pixels, unit, side in zip(support.largest, cell, size, strict=True)]
    columns, rows = (max(min(side, limit), 1) for side, limit in zip(size, most, strict=True))
    width, height = columns * cell[0], rows * cell[1]
    canvas = PixelCanvas(width, height, theme, Lettering(row=cell[1]))
    return printed(canvas.draw(scene), canvas.theme.palette(), support, columns, rows)
