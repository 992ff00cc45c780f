"""What `Set` sets, and how its values and those of times are written."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from dynviz import plugins
from dynviz.cells.canvas import LEAST
from dynviz.errors import DynvizError, unknown
from dynviz.frozen import frozen
from dynviz.pixels.monospace import ADVANCE
from dynviz.plugins import trust
from dynviz.scene.theme import theme
from dynviz.tapes.script import TapeSettings
from dynviz.text import quoted

MOST_CELLS = (300, 120)
"""Columns and rows at most: more would be read by nobody."""
UNITS: Mapping[str, float] = {"ms": 0.001, "s": 1.0, "m": 60.0, "": 1.0}
LONGEST = 600.0
"""Seconds of a tape, and of any part of it."""
MOST_SHOWN = 100_000_000
"""Cells of all screens together that a tape shows: they are kept in memory, at 7 bytes each."""


def seconds(text: str) -> float:
    """A time.

    >>> seconds("500ms"), seconds("1.5s"), seconds("2"), seconds("1m")
    (0.5, 1.5, 2.0, 60.0)

    Raises:
        DynvizError: It is not a time, or a longer one than a tape may have.
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})(ms|s|m|)", text, re.ASCII)
    if match is None:
        raise DynvizError(f"{quoted(text)} is not a time; write 500ms, 2s or 1.5")
    value = round(float(match[1]) * UNITS[match[2]], 9)
    if value > LONGEST:
        raise DynvizError(f"{text} is too long; a tape lasts {LONGEST:g} s at most")
    return value


def _between(low: float, high: float, kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        number = r"\d{1,9}" if kind is int else r"\d{1,9}(\.\d{0,9})?|\.\d{1,9}"
        if re.fullmatch(number, text, re.ASCII) is None or not low <= kind(text) <= high:
            what = "a whole number" if kind is int else "a number"
            raise DynvizError(f"{quoted(text)} is not {what} from {low:g} to {high:g}")
        return kind(text)

    return read


def _theme(text: str) -> str:
    theme(text)
    return text


def _view(text: str) -> str:
    plugins.check("views", text)
    if not trust.bundled_view(text):
        # A tape is read like a recording: it may come from anybody, and runs nobody's code.
        raise DynvizError(f"{text} is code of your own, which a tape does not run; choose a bundled view")
    return text


@frozen
class TapeSetting:
    """A word after `Set`: the field that it sets, how its value is read, and whether it may be changed later."""

    field: str
    read: Callable[[str], Any]
    later: bool = False


SETTINGS: Mapping[str, TapeSetting] = {
    "Columns": TapeSetting("columns", _between(LEAST[0], MOST_CELLS[0], int)),
    "Rows": TapeSetting("rows", _between(LEAST[1], MOST_CELLS[1], int)),
    "Width": TapeSetting("width", _between(1, 10_000, int)),
    "Height": TapeSetting("height", _between(1, 10_000, int)),
    "FontSize": TapeSetting("font_size", _between(8, 48, int)),
    "Padding": TapeSetting("padding", _between(0, 200, int)),
    "Theme": TapeSetting("theme", _theme),
    "View": TapeSetting("view", _view),
    "Step": TapeSetting("step", _between(0, 10**9 - 1, int)),
    "Framerate": TapeSetting("framerate", _between(1, 50, float)),
    "PlaybackSpeed": TapeSetting("playback_speed", _between(0.05, 20, float)),
    "TypingSpeed": TapeSetting("typing_speed", seconds, later=True),
    "WaitTimeout": TapeSetting("wait_timeout", seconds, later=True),
}


def setting(name: str) -> TapeSetting:
    """The setting of a name.

    Raises:
        DynvizError: There is none.
    """
    if name not in SETTINGS:
        raise unknown("setting", name, SETTINGS)
    return SETTINGS[name]


def cell_size(font_size: int) -> tuple[int, int]:
    """Width and height of a character: half as wide as high, so that half blocks are squares.

    >>> cell_size(16), cell_size(12)
    ((10, 20), (7, 14))
    """
    width = max(round(ADVANCE * font_size), 1)
    return width, 2 * width


def resolved(given: Mapping[str, Any]) -> TapeSettings:
    """The settings of these fields; `width` and `height`, in pixels, give as many columns and rows as fit.

    Raises:
        DynvizError: A size is given twice, or too few columns or rows fit, or too many.
    """
    fields = dict(given)
    defaults = TapeSettings()
    letters, padding = fields.get("font_size", defaults.font_size), fields.get("padding", defaults.padding)
    for word, pixels, count, cell, least, most in zip(
        ("Width", "Height"),
        ("width", "height"),
        ("columns", "rows"),
        cell_size(letters),
        LEAST,
        MOST_CELLS,
        strict=True,
    ):
        if pixels not in fields:
            continue
        if count in fields:
            raise DynvizError(f"Set {word} and Set {count.capitalize()} contradict each other; write one of them")
        fitting = (fields.pop(pixels) - 2 * padding) // cell
        if not least <= fitting <= most:
            raise DynvizError(
                f"Set {word} leaves room for {max(fitting, 0)} {count} at FontSize {letters}; the player is drawn with "
                f"{least} to {most}"
            )
        fields[count] = fitting
    return TapeSettings(**fields)
