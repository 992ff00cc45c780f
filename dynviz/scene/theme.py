"""Themes: from names of roles to colours, the ramps of heat maps, and the palette of formats with few colours."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import unknown
from dynviz.scene.marks import Ramp
from dynviz.scene.norm import LEVELS

RGB = tuple[int, int, int]

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#8C939B"
LANES = (BLUE, ORANGE, GREEN, VERMILLION, SKY, PURPLE)
TERM_COLORS = {
    "gradient": BLUE,
    "momentum": GREEN,
    "preconditioning": SKY,
    "decay": VERMILLION,
    "noise": GREY,
}
OTHER_TERMS = (PURPLE, ORANGE, YELLOW)
"""For terms that a rule named itself."""

FADES = (1.0, 0.85, 0.7, 0.55)
"""Shares of a colour over the ground that every palette holds beside its theme's own, for the edges of letters."""
YELLOW_ON_LIGHT = "#B3A100"
"""As a line on white, yellow itself could not be seen."""
CONTRAST = {"light": 3.0, "dark": 4.5}
"""What contrast with the ground (WCAG's ratio) words have at least; colours of lanes are moved away from it for them.

Small letters look thinner on a dark ground.
"""

# Nuñez, Anderton, Renslow (2018), Optimizing colormaps with consideration for color vision deficiency: 64 levels of it.
CIVIDIS = (
    "00224e00255400285b002b62002e6a0030700533711235701a386f213b6e273e6e2d416d32436d36466c3b496c3f4c6c"
    "444f6c48526c4c556c50576c545a6d575d6d5b606e5e636f62656f656870696b716c6e727071737374757777767a7a78"
    "7e7d788280798683798a86788e8978928c78958f779992779d9576a19975a59c74a99f73ada272b1a570b6a96fbaac6d"
    "beb06bc2b369c7b767ccba64d0be62d4c15fd9c55cddc858e1cc55e6d051ead34cefd748f3db42f8df3cfde334fee838"
)


@dataclass(frozen=True)
class Theme:
    """Colours for one ground.

    Attributes:
        name: `light` or `dark`.
        colors: Red, green and blue of each role.
        ghost: How much of its colour the future of a line keeps.
        shade: How much of its colour the past of a band has.
        shade_ghost: How much of its colour the future of a band has.
    """

    name: str
    colors: Mapping[str, RGB]
    ghost: float
    shade: float
    shade_ghost: float
    _ramps: dict[str, NDArray[np.uint8]] = field(default_factory=dict, repr=False, compare=False)

    def color(self, role: str) -> RGB:
        """The colour of a role.

        >>> light.color("lane0"), dark.color("ground"), light.color("term.gradient") == light.color("lane0")
        ((0, 114, 178), (15, 20, 26), True)

        Raises:
            DynvizError: There is no such role.
        """
        if role in self.colors:
            return self.colors[role]
        if role.startswith("term."):
            return _rgb(OTHER_TERMS[sum(role.encode()) % len(OTHER_TERMS)])
        raise unknown("colour", role, [*self.colors, "term.<name>"])

    def ink(self, role: str) -> RGB:
        """The colour of words of a role: the same, moved away from the ground until it can be read."""
        return _readable(self.color(role), self.color("ground"), CONTRAST.get(self.name, 3.0))

    def ramp(self, name: Ramp) -> NDArray[np.uint8]:
        """The 64 colours [64, 3] of a ramp. Those of `classes` and `signed` are the ground in the middle."""
        if name not in self._ramps:
            both = self._diverging() if name != "ordered" else None
            self._ramps[name] = cividis() if both is None else both
        return self._ramps[name]

    def palette(self) -> NDArray[np.uint8]:
        """At most 255 colours [colours, 3] that draw every scene well: ramps, and each colour fading to the ground."""
        ground = np.array(self.color("ground"), dtype=np.float64)
        drawn = [role for role in self.colors if role != "ground"]
        words = [self.ink(role) for role in drawn if role != "grid"]
        roles = list(dict.fromkeys([*map(self.color, drawn), *words]))
        blends = [ground + share * (np.array(rgb) - ground) for share in self.blends for rgb in roles]
        colors = np.concatenate([ground[None], self.ramp("ordered"), self._diverging(), np.array(blends).round()])
        _, first = np.unique(colors.astype(np.uint8), axis=0, return_index=True)
        return colors[np.sort(first)[:255]].astype(np.uint8)

    @property
    def blends(self) -> tuple[float, ...]:
        """Shares of a colour over the ground that the palette holds, the largest first."""
        return (*FADES, *sorted({0.4, 0.175, self.ghost, self.shade, self.shade_ghost}, reverse=True))

    def _diverging(self) -> NDArray[np.uint8]:
        # Two levels are the ground itself: zero falls on either, and an even number of levels has no middle.
        half = np.linspace(1, 0, LEVELS // 2)[:, None]
        ground, low, high = (np.array(self.color(role)) for role in ("ground", "class0", "class1"))
        sides = [ground + half * (low - ground), (ground + half * (high - ground))[::-1]]
        return np.concatenate(sides).round().astype(np.uint8)


def cividis() -> NDArray[np.uint8]:
    """The ramp for ordered values [64, 3]."""
    return np.frombuffer(bytes.fromhex(CIVIDIS), dtype=np.uint8).reshape(LEVELS, 3)


def theme(name: str) -> Theme:
    """The theme of this name.

    Raises:
        DynvizError: There is none.
    """
    if name not in THEMES:
        raise unknown("theme", name, THEMES)
    return THEMES[name]


def _rgb(text: str) -> RGB:
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def _luminance(rgb: RGB) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: RGB, other: RGB) -> float:
    """The contrast ratio of two colours, 1 to 21, as WCAG 2 defines it."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@functools.cache
def _readable(rgb: RGB, ground: RGB, least: float) -> RGB:
    if rgb == ground:
        return rgb
    end = 0 if _luminance(ground) > 0.18 else 255
    for percent in range(0, 101, 5):
        moved = tuple(round(value + (end - value) * percent / 100) for value in rgb)
        if contrast(moved, ground) >= least:  # type: ignore[arg-type]
            return moved  # type: ignore[return-value]
    return rgb


def _build(
    name: str, ground: str, greys: tuple[str, str, str], lanes: tuple[str, ...], shares: tuple[float, float, float]
) -> Theme:
    roles = {"ground": ground} | dict(zip(("text", "muted", "grid"), greys, strict=True))
    roles |= {f"lane{index}": color for index, color in enumerate(lanes)}
    roles |= {"class0": BLUE, "class1": ORANGE}
    roles |= {f"term.{term}": color for term, color in TERM_COLORS.items()}
    return Theme(name, {role: _rgb(color) for role, color in roles.items()}, *shares)


light = _build(
    "light", "#ffffff", ("#1f262e", "#66707b", "#e4e7ea"), (*LANES, GREY, YELLOW_ON_LIGHT), (0.27, 0.28, 0.1)
)
dark = _build("dark", "#0f141a", ("#e8ebef", "#97a1ac", "#29313a"), (*LANES, YELLOW, GREY), (0.42, 0.34, 0.15))
THEMES = {look.name: look for look in (light, dark)}
