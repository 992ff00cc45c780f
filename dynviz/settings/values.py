"""What can be set, and how values are written."""

from collections.abc import Callable, Mapping
from dataclasses import field, fields
from typing import Any, Literal

from dynviz.errors import DynvizError, unknown
from dynviz.frozen import frozen

THEME_FILE = ".toml"
SPEEDS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Speeds of playback; at speed 1 a run takes twenty seconds."""


@frozen(kw_only=True)
class UserSettings:
    """The user's settings.

    Attributes:
        theme: `dark`, `light`, `auto` (that of the terminal's ground), or the path of a theme's file.
        speed: The speed of playback at the start.
        numbers: What separates thousands: `space`, `comma` or `none`.
        ends: What happens when training ends or diverges: `quiet`, `bell`, or `notify` (OSC 9).
        graphics: How pictures are shown in a terminal: `auto`, `cells`, `kitty`, `iterm` or `sixel`.
        remember: Whether theme and speed stay as they were when the player was left.
        keys: Keys of actions, by the names of the actions.
    """

    theme: str = "auto"
    speed: float = 1.0
    numbers: str = "space"
    ends: str = "quiet"
    graphics: Literal["auto", "cells", "kitty", "iterm", "sixel"] = "auto"
    remember: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)


DEFAULTS = UserSettings()
NAMES = tuple(one.name for one in fields(UserSettings) if one.name != "keys")
"""What can be set, beside keys."""


def _among(*words: object) -> Callable[[Any], bool]:
    return lambda value: not isinstance(value, bool) and value in words


_FITS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "theme": (
        lambda value: value in ("auto", "dark", "light") or (isinstance(value, str) and value.endswith(THEME_FILE)),
        "auto, dark, light or the path of a theme, which ends in .toml",
    ),
    "speed": (_among(*SPEEDS), ", ".join(f"{speed:g}" for speed in SPEEDS)),
    "numbers": (_among("space", "comma", "none"), "space, comma or none"),
    "ends": (_among("quiet", "bell", "notify"), "quiet, bell or notify"),
    "graphics": (_among("auto", "cells", "kitty", "iterm", "sixel"), "auto, cells, kitty, iterm or sixel"),
    "remember": (lambda value: isinstance(value, bool), "true or false"),
}


def checked(name: str, value: Any, place: str) -> Any:
    """A value of a setting.

    Args:
        name: The setting, or `keys.ACTION`.
        value: Its value.
        place: Where it stands, for messages.

    Raises:
        DynvizError: There is no such setting, or its value is none.
    """
    if name.startswith("keys."):
        if not isinstance(value, str) or not value:
            raise DynvizError(f'{name} in {place} is not a key; write names of keys like "x" or "ctrl+x,f2"')
        return value
    if name not in _FITS:
        raise unknown(f"setting in {place}", name, [*_FITS, "keys.<action>"])
    fits, words = _FITS[name]
    if not fits(value):
        raise DynvizError(f"{name} = {value!r} in {place} is not understood; write {words}")
    return float(value) if name == "speed" else value
