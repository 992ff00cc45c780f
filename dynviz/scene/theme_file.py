"""A user's theme: a TOML file with colours of roles, over those of the light or the dark theme.

base = "dark"          # or "light": all that is left out is its

[colors]
ground = "#1e1e2e"
text = "#cdd6f4"
lane0 = "#89b4fa"
"""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

from dynviz.errors import DynvizError, unknown
from dynviz.scene.theme import RGB, THEMES, Theme

SUFFIX = ".toml"
LONGEST = 100_000
"""Characters of a file that is a theme at most."""
HEX = re.compile(r"#[0-9a-fA-F]{6}")


def read_theme(path: str) -> Theme:
    """The theme in a file.

    Raises:
        DynvizError: It cannot be read, or has a role that no theme has, or a colour that is not written `#rrggbb`.
    """
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
        tree = tomllib.loads(text[:LONGEST])
    except OSError as error:
        raise DynvizError(f"cannot read theme {path}: {error.strerror}") from error
    except ValueError as error:
        raise DynvizError(f"theme {path} is not TOML: {error}") from error
    if foreign := tree.keys() - {"base", "colors"}:
        raise unknown(f"entry of theme {path}", min(foreign), ["base", "colors"])
    name, colors = tree.get("base", "dark"), tree.get("colors", {})
    if name not in THEMES:
        raise DynvizError(f"base={name!r} of theme {path} is not understood; write dark or light")
    if not isinstance(colors, dict):
        raise DynvizError(f"colors of theme {path} is not a table; write [colors] and below it lines like text = ...")
    base = THEMES[name]
    given = {role: _color(path, role, color, base) for role, color in _flat(colors).items()}
    return replace(base, colors={**base.colors, **given})


def _flat(colors: dict[str, object]) -> dict[str, object]:
    """The roles of a table: in TOML, `term.decay` is a table in it."""
    flat: dict[str, object] = {}
    for role, color in colors.items():
        inner = {f"{role}.{name}": one for name, one in color.items()} if isinstance(color, dict) else {role: color}
        flat |= inner
    return flat


def _color(path: str, role: str, color: object, base: Theme) -> RGB:
    if role not in base.colors:
        raise unknown(f"colour in theme {path}", role, base.colors)
    if not isinstance(color, str) or not HEX.fullmatch(color):
        raise DynvizError(f'{role} = {color!r} in theme {path} is not a colour; write it like "#1e1e2e"')
    red, green, blue = bytes.fromhex(color[1:])
    return red, green, blue
