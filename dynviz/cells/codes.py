"""Which of a terminal's colours stand for those of a palette.

The codes of a terminal's first sixteen colours are in the order of ECMA-48: black, red, green, yellow, blue, magenta,
cyan, white, then the bright ones. What they look like is up to the user. So they are not taken for the colours that
some terminal gives them, but each for a colour of the theme: bright blue is the first lane on a dark ground, whatever
that blue is. Lanes then stay apart, and the theme's ground is the terminal's own.
"""

import functools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dynviz.scene.theme import RGB, Theme, dark, light

DEFAULT = 16
"""The terminal's own colour of text, or of the ground; beside the codes 0 to 15."""
_FULL: Mapping[str, Mapping[str, int]] = {
    "dark": {"lane0": 12, "lane1": 3, "lane2": 10, "lane3": 9, "lane4": 14, "lane5": 13, "lane6": 11, "lane7": 7},
    "light": {"lane0": 4, "lane1": 3, "lane2": 2, "lane3": 1, "lane4": 6, "lane5": 5, "lane6": 8, "lane7": 3},
}
_FAINT: Mapping[str, Mapping[str, int]] = {
    "dark": {"lane0": 4, "lane1": 3, "lane2": 2, "lane3": 1, "lane4": 6, "lane5": 5, "lane6": 3, "lane7": 8},
    "light": {"lane0": 12, "lane1": 11, "lane2": 10, "lane3": 9, "lane4": 14, "lane5": 13, "lane6": 7, "lane7": 11},
}
"""For what has faded more than halfway from a lane's colour to the ground."""
_GREYS: Mapping[str, Mapping[str, int]] = {
    "dark": {"ground": DEFAULT, "grid": 8, "muted": 7, "text": 15},
    "light": {"ground": DEFAULT, "grid": 7, "muted": 8, "text": 0},
}
_DIVERGING: Mapping[str, tuple[str, str]] = {"signed": ("lane0", "lane1"), "classes": ("lane5", "lane4")}
"""The lanes whose codes stand for the ends of a ramp: magenta and cyan are those of purple and teal."""
_ORDERED = (4, 8, 7, 3, 11)
"""For equal parts of the ramp of ordered values, from dark blue to yellow."""


def lightness(colors: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How light colours [colors, 3] look, from 0 for black to 1 for white."""
    return np.asarray(_oklab(colors)[:, 0])


def is_light(palette: NDArray[np.uint8]) -> bool:
    """Whether the ground, the first colour of a palette, is a light one."""
    return bool(lightness(palette[:1])[0] > 0.6)


def nearest_256(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The code, 16 to 255, of each colour; the first sixteen look different in each terminal."""
    return (16 + _nearest(palette, _fixed())).astype(np.uint8)


def fixed_256(color: RGB) -> RGB:
    """The nearest of the colours that codes 16 to 255 stand for in all terminals.

    >>> fixed_256((15, 20, 26)), fixed_256((213, 94, 2))
    ((18, 18, 18), (215, 95, 0))
    """
    red, green, blue = _fixed()[_nearest(np.array([color], np.uint8), _fixed())[0]].tolist()
    return red, green, blue


def nearest_16(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The code of each colour, 0 to 15, or DEFAULT for what is near the ground."""
    colors, codes = _anchors(light if is_light(palette) else dark)
    return codes[_nearest(palette, colors)]


def apart_256() -> NDArray[np.uint8]:
    """For each code, 0 to 255, black or white, whichever can be read on it."""
    white = np.concatenate([np.zeros(16, bool), lightness(_fixed()) < 0.6])
    return np.where(white, 231, 16).astype(np.uint8)


def apart_16(*, light: bool) -> NDArray[np.uint8]:
    """For each code, 0 to 15 and DEFAULT, one that can be read on it; on the ground itself a faint one."""
    white = np.isin(np.arange(DEFAULT + 1), (0, 1, 4, 5, 8))
    codes = np.where(white, 15, 0).astype(np.uint8)
    codes[DEFAULT] = 7 if light else 8
    return codes


@functools.cache
def _fixed() -> NDArray[np.uint8]:
    """A cube of 6 x 6 x 6 colours and 24 greys, the same in all terminals."""
    levels = [0, 95, 135, 175, 215, 255]
    cube = [(red, green, blue) for red in levels for green in levels for blue in levels]
    greys = [(grey, grey, grey) for grey in range(8, 248, 10)]
    return np.array(cube + greys, dtype=np.uint8)


def _anchors(theme: Theme) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Colours [anchors, 3] of a theme and the code that stands for each."""
    name, ground = theme.name, np.array(theme.color("ground"), np.float64)
    anchors = [(theme.color(role), code) for role, code in _GREYS[name].items()]
    for role, full in _FULL[name].items():
        anchors.append((theme.ink(role), full))
        # Steps all the way to the ground: the nearest of a tint would else be another hue.
        for percent in range(5, 101, 5):
            tint = ground + percent / 100 * (np.array(theme.color(role)) - ground)
            anchors.append((tuple(tint.round().astype(int).tolist()), _step(name, role, percent / 100)))
    ordered = theme.ramp("ordered")
    codes = [code for _, code in anchors]
    codes += [_ORDERED[level * len(_ORDERED) // len(ordered)] for level in range(len(ordered))]
    ramps = [theme.ramp(ramp) for ramp in _DIVERGING]
    for ramp, ends in zip(ramps, _DIVERGING.values(), strict=True):
        half = len(ramp) // 2
        shares = [abs(level + 0.5 - half) / half for level in range(len(ramp))]
        codes += [_step(name, ends[level >= half], share) for level, share in enumerate(shares)]
    colors = np.array([color for color, _ in anchors], np.uint8)
    return np.concatenate([colors, ordered, *ramps]), np.array(codes, np.uint8)


def _step(name: str, role: str, share: float) -> int:
    """The code for what has this share of a lane's colour, and for the rest the ground's."""
    if share < 0.2:
        return DEFAULT
    return _FULL[name][role] if share > 0.5 else _FAINT[name][role]


def _nearest(colors: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Which of the others looks most like each colour; hue says who it is, and counts more than lightness."""
    weights = np.array([1.0, 2.0, 2.0])
    between = (_oklab(colors) * weights)[:, None] - _oklab(others) * weights
    return np.asarray((between**2).sum(axis=-1).argmin(axis=1))


def _oklab(colors: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Lightness and two axes of hue [colors, 3], in which distances are those that are seen.

    Source: Ottosson (2020), A perceptual color space for image processing.
    """
    value = colors.astype(np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    cones = linear @ np.array(
        [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ]
    )
    return np.asarray(
        np.cbrt(cones)
        @ np.array(
            [
                [0.2104542553, 1.9779984951, 0.0259040371],
                [0.7936177850, -2.4285922050, 0.7827717662],
                [-0.0040720468, 0.4505937099, -0.8086757660],
            ]
        )
    )
