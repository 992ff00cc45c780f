"""Themes as the script knows them: the colours of all roles that a page names."""

from collections.abc import Iterator
from typing import Any

from dynviz.scene.theme import ORDERED, RGB, Theme, dark, light

FUTURES = 3
"""Decimals of the share of its colour that the future of a line keeps."""


def looks(theme: Theme, tree: Any) -> list[dict[str, Any]]:
    """The light and the dark theme, and the given one if it is another.

    Args:
        theme: The theme that is asked for.
        tree: What the page shows, which names roles and ramps.
    """
    both = {light.name: light, dark.name: dark, theme.name: theme}
    named = set(_strings(tree))
    return [_look(one, named) for one in both.values()]


def _look(theme: Theme, named: set[str]) -> dict[str, Any]:
    roles = [*theme.colors, *(f"ordered{index}" for index in range(ORDERED))]
    roles += sorted(name for name in named if name.startswith("term.") and name not in theme.colors)
    ramps = sorted(named & {"ordered", "signed", "classes", "valley", "terrain", *roles})
    return {
        "name": theme.name,
        "colors": {role: _hex(theme.color(role)) for role in roles},
        "inks": {role: _hex(theme.ink(role)) for role in roles},
        "futures": {role: round(theme.future(role), FUTURES) for role in roles},
        "shade": theme.shade,
        "shade_ghost": theme.shade_ghost,
        "ramps": {ramp: theme.ramp(ramp).tobytes().hex() for ramp in ramps},
    }


def _strings(tree: Any) -> Iterator[str]:
    """All texts in a tree."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from _strings(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _strings(value)


def _hex(rgb: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)
