"""The theme as Textual and rich take it."""

import functools

from rich.style import Style
from textual.theme import Theme as TextualTheme

from dynviz.scene.theme import RGB, theme

PLAIN = frozenset({"grid", "ground"})
"""Roles that are no words, and keep their colour however faint it is."""


@functools.cache
def style(name: str, role: str, *, bold: bool = False, marked: bool = False) -> Style:
    """Words of a role on the theme's ground; `marked` ones stand on a bar."""
    colors = theme(name)
    ink = colors.color(role) if role in PLAIN else colors.ink(role)
    ground = colors.color("grid" if marked else "ground")
    return Style(color=_hex(ink), bgcolor=_hex(ground), bold=bold or None)


def textual_theme(name: str) -> TextualTheme:
    """The theme for Textual's own widgets, in dialogs."""
    colors = theme(name)
    ground, text, muted, grid = (_hex(colors.color(role)) for role in ("ground", "text", "muted", "grid"))
    accent = _hex(colors.ink("lane0"))
    return TextualTheme(
        name=f"dynviz-{name}",
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
