"""The theme as Textual and rich styles."""

import functools
from collections.abc import Mapping

import numpy as np
from rich.style import Style
from textual.theme import Theme as TextualTheme

from dynviz.cells.cells import Cells
from dynviz.cells.codes import fixed_256
from dynviz.cells.depth import Depth
from dynviz.cells.encode import Encoder
from dynviz.scene.theme import RGB, theme

PLAIN = frozenset({"grid", "ground"})
"""Roles that are not text, and keep their colour even at low contrast."""

GREYS: Mapping[str, tuple[RGB, RGB]] = {
    "dark": ((48, 48, 48), (68, 68, 68)),
    "light": ((238, 238, 238), (218, 218, 218)),
}
"""Of 256 colours, the ground of dialogs, and that of what is chosen in them: greys apart from the theme's ground."""


@functools.cache
def style(name: str, role: str, depth: Depth = "true", *, bold: bool = False) -> Style:
    """The style of a text role on the theme's background, in the same colours as pictures at this colour depth."""
    colors = theme(name)
    palette = np.array([colors.color("ground"), colors.color(role) if role in PLAIN else colors.ink(role)], np.uint8)
    cells = Cells.blank(1, 1, palette)
    cells.glyphs[:], cells.ink[:], cells.bold[:] = ord("x"), 1, bold
    return Encoder(palette, depth).segments(cells, 0)[0].style or Style()


def textual_theme(name: str, depth: Depth = "true") -> TextualTheme:
    """The theme for Textual's own widgets, in dialogs; below true colour, of colours that the terminal has.

    Rich would make most dark colours black: a dialog would look like the picture behind it.
    """
    colors = theme(name)
    shown = _hex if depth == "true" else _fixed_hex
    ground, text, muted, grid = (shown(colors.color(role)) for role in ("ground", "text", "muted", "grid"))
    surface = shown(_between(colors.color("ground"), colors.color("grid"), 0.45))
    if depth != "true":
        surface, grid = (_hex(grey) for grey in GREYS[name])
    accent = shown(colors.ink("lane0"))
    return TextualTheme(
        name=name,
        primary=accent,
        secondary=muted,
        accent=accent,
        foreground=text,
        background=ground,
        surface=surface,
        panel=grid,
        success=shown(colors.ink("lane2")),
        warning=shown(colors.ink("lane1")),
        error=shown(colors.ink("lane3")),
        dark=name == "dark",
    )


def _between(one: RGB, other: RGB, share: float) -> RGB:
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _fixed_hex(rgb: RGB) -> str:
    """The nearest of the colours that all terminals of 256 colours share."""
    return _hex(fixed_256(rgb))


def _hex(rgb: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)
