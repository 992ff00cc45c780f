"""Themes: from names of roles to colours, the ramps of heat maps, and the palette of formats with few colours."""

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import unknown
from dynviz.frozen import frozen
from dynviz.scene.marks import Ramp
from dynviz.scene.norm import LEVELS

RGB = tuple[int, int, int]

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#8C939B"
LANES = (BLUE, ORANGE, GREEN, VERMILLION, SKY, PURPLE)
LANES_ON_DARK = ("#4FA8E8", ORANGE, GREEN, VERMILLION, "#A6DCF7", PURPLE)
"""Blue itself is too dark there, and sky would look like the lighter blue."""
TERMS = {
    "light": {"gradient": "#C2185B", "momentum": "#7A7A1F", "preconditioning": "#4527A0", "decay": "#5D2E0C"},
    "dark": {"gradient": "#FF8FA3", "momentum": "#B8D070", "preconditioning": "#8F72FF", "decay": "#E8DCC0"},
}
"""Pink, olive, indigo and brown, which no lane has: lanes stand beside them. Further classes have them, too."""
OTHER_TERMS = ("class0", "class1", "text")
"""The same for terms that a rule named itself."""
SIGNED = ("lane0", "lane1")
"""What is below zero and above it."""

STEPS = 8
"""Of so many levels of a ramp, each palette holds one."""
ORDERED = 8
"""Colours `ordered0` to `ordered7`, of lines that stand for rising values of one number."""
ORDERED_LEVELS = ((0, 50), (20, 63))
"""The levels of cividis that they are of, on a light and on a dark ground, which hides the others."""
FADES = (1.0, 0.85, 0.7, 0.55)
"""Shares of a colour over the ground that every palette holds, for the edges of letters and lines."""
GREYS = (0.4, 0.175)
"""The same for thin lines, which nowhere cover a whole pixel."""
VALLEY = {"light": ("#9FBCD6", "#FAFBFD"), "dark": ("#3B6485", "#121820")}
"""The lowest places of a landscape and its highest, under trajectories that must stand out from both."""
VALLEY_STRIDE = 5
"""Of its levels each palette holds every fifth: there are about a dozen bands."""
TERRAIN = ("#183454", "#3E7C7C", "#C4BE96", "#ECE0C8")
"""Heights of a landscape in perspective, from the lowest to the highest."""
CLASSES = {"light": ("#7B3F98", "#0B8A8A"), "dark": ("#B988D6", "#2FB5B0")}
"""Purple and teal, which no lane in front has; both are as far from the ground."""
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


@frozen
class Theme:
    """Colours for one ground.

    Attributes:
        name: `light` or `dark`; of a user's theme, the one that it is based on.
        colors: Red, green and blue of each role.
        ghost: How much of its colour the future of a line keeps at least, see `future`.
        shade: How much of its colour the past of a band has.
        shade_ghost: How much of its colour the future of a band has.
    """

    name: str
    colors: Mapping[str, RGB]
    ghost: float
    shade: float
    shade_ghost: float
    # Not in `__init__`: a theme that is made from another one has ramps and palettes of its own.
    _ramps: dict[str, NDArray[np.uint8]] = field(init=False, default_factory=dict, repr=False, compare=False)
    _palettes: dict[tuple[Ramp, ...], NDArray[np.uint8]] = field(
        init=False, default_factory=dict, repr=False, compare=False
    )

    def color(self, role: str) -> RGB:
        """The colour of a role.

        >>> light.color("lane0"), dark.color("ground"), light.color("term.gradient")
        ((0, 114, 178), (15, 20, 26), (194, 24, 91))

        Raises:
            DynvizError: There is no such role.
        """
        if role in self.colors:
            return self.colors[role]
        if role.startswith("ordered") and role[7:].isdecimal() and int(role[7:]) < ORDERED:
            low, high = ORDERED_LEVELS[_luminance(self.colors["ground"]) < 0.18]
            return _rgb(cividis()[round(low + int(role[7:]) * (high - low) / (ORDERED - 1))].tobytes().hex())
        if role.startswith("term."):
            return self.colors[OTHER_TERMS[sum(role.encode()) % len(OTHER_TERMS)]]
        raise unknown("colour", role, [*self.colors, "ordered0 to ordered7", "term.<name>"])

    def ink(self, role: str) -> RGB:
        """The colour of words of a role: the same, moved away from the ground until it can be read."""
        return _readable(self.color(role), self.color("ground"), CONTRAST.get(self.name, 3.0))

    def future(self, role: str) -> float:
        """How much of its colour the future of a line keeps: on a dark ground so much that it has a contrast of 3."""
        if self.name == "light":
            return self.ghost
        return _seen(self.color(role), self.color("ground"), self.ghost)

    def ramp(self, name: Ramp) -> NDArray[np.uint8]:
        """The 64 colours [64, 3] of a ramp. Those of `classes` and `signed` are the ground in the middle."""
        if name not in self._ramps:
            self._ramps[name] = self._ramp(name)
        return self._ramps[name]

    def _ramp(self, name: Ramp) -> NDArray[np.uint8]:
        if name == "ordered":
            return cividis()
        ground = np.array(self.color("ground"))
        if name.startswith("terrain"):
            # Of an odd name as `terrain.75` the colours in so many hundredths of the light.
            share = int(name.partition(".")[2] or 100) / 100
            knots = np.array([_rgb(color) for color in TERRAIN])
            heights = np.linspace(0, len(TERRAIN) - 1, LEVELS)
            smooth = [np.interp(heights, np.arange(len(TERRAIN)), knots[:, channel]) for channel in range(3)]
            return _rounded((share * np.stack(smooth, axis=1)).clip(0, 255))
        if name == "valley":
            low, high = (np.array(_rgb(color)) for color in VALLEY[self.name])
            return _rounded(low + np.linspace(0, 1, LEVELS)[:, None] * (high - low))
        if name not in ("classes", "signed"):
            shares = np.linspace(0, 1, LEVELS)[:, None]
            return _rounded(ground + shares * (np.array(self.color(name)) - ground))
        # Two levels are the ground itself: zero falls on either, and an even number of levels has no middle.
        half = np.linspace(1, 0, LEVELS // 2)[:, None]
        low, high = (np.array(self.color(role)) for role in (("class0", "class1") if name == "classes" else SIGNED))
        sides = [ground + half * (low - ground), (ground + half * (high - ground))[::-1]]
        return _rounded(np.concatenate(sides))

    def palette(self, ramps: Sequence[Ramp] = ("ordered", "signed", "classes")) -> NDArray[np.uint8]:
        """At most 255 colours [colours, 3] that draw scenes well: each role's fading to the ground, and ramps.

        Args:
            ramps: Those that the scenes have: of few of them there is room for every level.

        Returns:
            An array that cannot be written to.
        """
        key = tuple(ramps)
        if key not in self._palettes:
            colors = self._palette(ramps)
            colors.setflags(write=False)
            self._palettes[key] = colors
        return self._palettes[key]

    def _palette(self, ramps: Sequence[Ramp]) -> NDArray[np.uint8]:
        fixed = np.array([self.color("ground"), *self.drawn()], dtype=np.uint8)
        for strides in ((1, 1), (1, 2), (2, 2), (2, 4), (4, 8)):
            levels = [
                self._levels(name, VALLEY_STRIDE if name == "valley" else strides[name != "ordered"]) for name in ramps
            ]
            colors = np.concatenate([fixed, *levels])
            _, first = np.unique(colors, axis=0, return_index=True)
            if len(first) <= 255:
                break
        return colors[np.sort(first)[:255]]

    def _levels(self, name: Ramp, stride: int) -> NDArray[np.uint8]:
        """Every so many levels of a ramp, from its ends towards its middle, and both ends."""
        half = LEVELS // 2
        chosen = [*range(0, half, stride), *range(half - 1 + stride, LEVELS, stride)]
        return self.ramp(name).take(chosen, axis=0)

    def drawn(self) -> list[RGB]:
        """The colours of all roles, of their words, and what they are as edges, futures and bands."""
        ground, colors = self.color("ground"), []
        for role in self.colors:
            if role != "ground":
                color, ink = self.color(role), self.ink(role)
                colors += [_mixed(color, ground, share) for share in self.blends(role)]
                colors += [_mixed(ink, ground, share) for share in FADES if role != "grid"]
        return list(dict.fromkeys(colors))

    def pinned(self, roles: Collection[str] = ()) -> set[RGB]:
        """What no file does without: colours of roles and words, of lanes' futures and bands, steps of ramps.

        Args:
            roles: Those whose edges it keeps, too, because these would be near to another one's colour.
        """
        ground = self.color("ground")
        kept = {color for role in self.colors for color in (self.color(role), self.ink(role))}
        for role in self.colors:
            if role.startswith("lane"):
                shares = self.future(role), self.shade, self.shade_ghost
                kept |= {_mixed(self.color(role), ground, share) for share in shares}
        kept |= {_mixed(self.color(role), ground, share) for role in roles for share in self.blends(role)}
        strides = {"ordered": STEPS, "signed": STEPS, "classes": STEPS, "valley": VALLEY_STRIDE}
        for ramp, stride in strides.items():
            kept |= {(red, green, blue) for red, green, blue in self._levels(ramp, stride).tolist()}
        return kept

    def blends(self, role: str) -> tuple[float, ...]:
        """Shares of a role's colour over the ground that the palette holds, the largest first."""
        if not role.startswith("lane"):
            return (*FADES, *GREYS) if role in ("text", "muted") else FADES
        lines = {*FADES, *GREYS, self.future(role), self.shade, self.shade_ghost}
        return tuple(sorted(lines, reverse=True))


def cividis() -> NDArray[np.uint8]:
    """The ramp for ordered values [64, 3]."""
    return np.frombuffer(bytes.fromhex(CIVIDIS), dtype=np.uint8).reshape(LEVELS, 3)


@functools.cache
def theme(name: str) -> Theme:
    """The theme of this name, or in the file of this path, which ends in `.toml`.

    Raises:
        DynvizError: There is none.
    """
    if name.endswith(".toml"):
        from dynviz.scene.theme_file import read_theme

        return read_theme(name)
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


def _rounded(colors: NDArray[np.float64]) -> NDArray[np.uint8]:
    return colors.round().astype(np.uint8)


def _mixed(color: RGB, ground: RGB, share: float) -> RGB:
    red, green, blue = (round(under + share * (over - under)) for over, under in zip(color, ground, strict=True))
    return red, green, blue


@functools.cache
def _seen(color: RGB, ground: RGB, least: float) -> float:
    """The least share of a colour, from `least` on, that has a contrast of 3 with the ground."""
    shares = np.arange(least, 1.0, 0.02).tolist()
    return next((share for share in shares if contrast(_mixed(color, ground, share), ground) >= 3.05), 1.0)


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
    # On a terrain, which is the same on both grounds: the border of a trajectory, and of a ball.
    roles |= {"casing": "#0f1d2b", "rim": "#ffffff"}
    roles |= dict(zip(("class0", "class1"), CLASSES[name], strict=True))
    roles |= {f"class{index}": color for index, color in enumerate(TERMS[name].values(), len(CLASSES[name]))}
    roles |= {f"term.{term}": color for term, color in TERMS[name].items()} | {"term.noise": greys[1]}
    return Theme(name, {role: _rgb(color) for role, color in roles.items()}, *shares)


light = _build(
    "light", "#ffffff", ("#1f262e", "#66707b", "#e4e7ea"), (*LANES, GREY, YELLOW_ON_LIGHT), (0.27, 0.22, 0.08)
)
dark = _build("dark", "#0f141a", ("#e8ebef", "#97a1ac", "#29313a"), (*LANES_ON_DARK, YELLOW, GREY), (0.42, 0.24, 0.1))
THEMES = {look.name: look for look in (light, dark)}
