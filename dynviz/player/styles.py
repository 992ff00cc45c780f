"""The theme as Textual and rich styles."""

import functools

import numpy as np
from rich.style import Style
from textual.theme import Theme as TextualTheme

from dynviz.cells.cells import Cells
from dynviz.cells.depth import Depth
from dynviz.cells.encode import Encoder
from dynviz.scene.theme import RGB, theme

PLAIN = frozenset({"grid", "ground"})
"""Roles that are not text, and keep their colour even at low contrast."""


@functools.cache
def style(name: str, role: str, depth: Depth = "true", *, bold: bool = False) -> Style:
    """The style of a text role on the theme's background, in the same colours as pictures at this colour depth."""
    colors = theme(name)
    palette = np.array([colors.color("ground"), colors.color(role) if role in PLAIN else colors.ink(role)], np.uint8)
    cells = Cells.blank(1, 1, palette)
    cells.glyphs[:], cells.ink[:], cells.bold[:] = ord("x"), 1, bold
    return Encoder(palette, depth).segments(cells, 0)[0].style or Style()


def textual_theme(name: str) -> TextualTheme:
    """The theme for Textual's own widgets, in dialogs."""
    colors = theme(name)
    ground, text, muted, grid = (_hex(colors.color(role)) for role in ("ground", "text", "muted", "grid"))
    accent = _hex(colors.ink("lane0"))
    return TextualTheme(
        name=name,
        primary=accent,
        secondary=muted,
        accent=accent,
        foreground=text,
        background=ground,
        surface=_hex(_between(colors.color("ground"), colors.color("grid"), 0.45)),
        panel=grid,
        success=_hex(colors.ink("lane2")),
        warning=_hex(colors.ink("lane1")),
        error=_hex(colors.ink("lane3")),
        dark=name == "dark",
    )


def _between(one: RGB, other: RGB, share: float) -> RGB:
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _hex(rgb: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)
