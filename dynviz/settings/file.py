"""The file of the settings: read, and changed line by line, so that the user's remarks stay."""

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dynviz.errors import DynvizError
from dynviz.settings.values import DEFAULTS, NAMES, UserSettings, checked

VARIABLE = "DYNVIZ_SETTINGS"
"""The variable of the environment that names another file."""


def location(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the settings are, whether or not there are any.

    >>> location({"XDG_CONFIG_HOME": "/home/ada/.config"}).as_posix()
    '/home/ada/.config/dynviz/settings.toml'
    """
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE]).expanduser()
    home = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "dynviz" / "settings.toml"


def load(path: Path) -> UserSettings:
    """The settings in a file; the defaults if there is none.

    Raises:
        DynvizError: It cannot be read, or something in it is not understood.
    """
    try:
        text = path.read_text(encoding="utf-8")
        # Most users have no such file, and the player's start would wait for the import.
        import tomllib

        tree = tomllib.loads(text)
    except FileNotFoundError:
        return DEFAULTS
    except OSError as error:
        raise DynvizError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise DynvizError(f"{path} is not TOML: {error}") from error
    keys = tree.pop("keys", {})
    if not isinstance(keys, dict):
        raise DynvizError(f'keys in {path} is not a table; write [keys] and below it lines like pause = "x"')
    values = {name: checked(name, value, str(path)) for name, value in tree.items()}
    return UserSettings(**values, keys={name: checked(f"keys.{name}", key, str(path)) for name, key in keys.items()})


def save(path: Path, values: Mapping[str, Any]) -> None:
    """Change settings in a file; all else in it stays as it is.

    Args:
        path: The file; made if there is none.
        values: By name; `keys.pause` is the key of an action.

    Raises:
        DynvizError: There is no such setting, its value is none, or the file cannot be written.
    """
    for name, value in values.items():
        checked(name, value, str(path))
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        load(path)
        for name, value in values.items():
            text = _with(text, name, _written(value))
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".settings")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(beside).replace(path.resolve())
    except OSError as error:
        raise DynvizError(f"cannot write {path}: {error.strerror}") from error


def template(settings: UserSettings = DEFAULTS) -> str:
    """The text of a file with these settings, each explained.

    >>> print(template().splitlines()[1])
    theme = "auto"
    """
    lines = [f"# {remark}\n{name} = {_written(getattr(settings, name))}" for name, remark in REMARKS.items()]
    keys = [f"{_written(name)} = {_written(key)}" for name, key in settings.keys.items()]
    return "\n".join([*lines, "", "[keys]", *keys, ""])


REMARKS = dict(
    zip(
        NAMES,
        (
            "dark, light, auto (like the terminal's ground), or the path of a theme's file",
            "speed of playback at the start, 0.0625 to 16; at 1 a run takes twenty seconds",
            "what separates thousands: space, comma, none",
            "when training ends or diverges: quiet, bell, notify (a notice of the desktop, OSC 9)",
            "pictures in the terminal: cells (characters), kitty, iterm, sixel, auto (what it says that it can show)",
            "keep theme and speed as they were when the player was left",
        ),
        strict=True,
    )
)
"""What each setting means."""


def _written(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def _with(text: str, name: str, value: str) -> str:
    """A text of TOML with another value of a setting."""
    table, _, key = name.rpartition(".")
    key = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)
    lines, line = text.splitlines(), f"{key} = {value}"
    heads = [index for index, one in enumerate(lines) if one.lstrip().startswith("[")]
    first = next((index + 1 for index in heads if lines[index].split("#")[0].strip() == f"[{table}]"), None)
    if not table:
        first = 0
    elif first is None:
        return "\n".join([*lines, *([""] if lines else []), f"[{table}]", line, ""])
    last = next((index for index in heads if index >= first), len(lines))
    same = re.compile(rf"\s*(?:{re.escape(key)}|\"{re.escape(key)}\")\s*=")
    for index in range(first, last):
        if same.match(lines[index]):
            remark = re.search(r"\s+#[^\"]*$", lines[index])
            return "\n".join([*lines[:index], line + (remark.group() if remark else ""), *lines[index + 1 :], ""])
    while last > first and not lines[last - 1].strip():
        last -= 1
    return "\n".join([*lines[:last], line, *lines[last:], ""])
