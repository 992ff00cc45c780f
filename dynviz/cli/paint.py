"""Roles of the theme as styles of rich."""

from collections.abc import Callable

import numpy as np
from rich.color import Color
from rich.style import Style

from dynviz.cells.codes import nearest_16
from dynviz.cells.depth import Depth
from dynviz.scene.theme import theme as find_theme


def painter(theme: str, depth: Depth) -> Callable[[str], Style]:
    """What makes a style of a role: of words, on the terminal's own ground."""
    colors = find_theme(theme)

    def paint(role: str) -> Style:
        if role == "text" or depth == "none":
            # The terminal's own colour can be read on its ground, whichever theme it has.
            return Style()
        rgb = colors.ink(role)
        if depth == "16":
            code = nearest_16(np.array([colors.color("ground"), rgb], np.uint8))[1]
            return Style(color=Color.from_ansi(int(code)))
        return Style(color=Color.from_rgb(*rgb))

    return paint
