"""`dynviz config`: the user's settings."""

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click

from dynviz import settings
from dynviz.cli.say import say
from dynviz.errors import DynvizError, unknown


@click.command(short_help="Show and change your settings.")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE...]")
@click.option("--edit", is_flag=True, help="Open the file in $EDITOR; if there is none yet, it is made.")
@click.option("--keys", "actions", is_flag=True, help="List the actions whose keys can be set, with their keys.")
def config(*, values: tuple[str, ...], edit: bool, actions: bool) -> None:
    """Show the file of your settings and all values, or set some.

    The settings are theme, speed, numbers (what separates thousands), ends (whether the terminal rings when training
    ends or diverges), graphics (how pictures are shown in a terminal), remember (whether theme and speed stay as they
    were), and keys.ACTION. DYNVIZ_SETTINGS names another file.

    A theme of your own is a TOML file: base = "dark" or "light", then [colors] with lines such as ground = "#1e1e2e",
    text, muted, grid, lane0 to lane7. It serves everywhere --theme does, in exports too.

    \b
    dynviz config
    dynviz config theme=light speed=2
    dynviz config keys.pause=k ends=notify
    dynviz config theme=~/themes/mocha.toml
    """  # noqa: D301
    path = settings.location()
    if actions:
        from dynviz.player.keys import ACTIONS

        for name, key in ACTIONS.items():
            say(f"keys.{name} = {key.keys}: {key.what}", err=False)
        return
    if edit:
        _edit(path)
        return
    if values:
        settings.save(path, dict(map(_pair, values)))
        say(str(path), err=False)
        return
    there = "" if path.exists() else " (there is none yet; these are the defaults)"
    say(f"# {path}{there}", err=False)
    say(settings.template(settings.load(path)).rstrip(), err=False)


def _pair(text: str) -> tuple[str, Any]:
    """A setting and its value, as written on the command line."""
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals:
        raise click.UsageError(f"{text!r} is not understood; write NAME=VALUE, such as theme=light")
    if name.startswith("keys."):
        from dynviz.player.keys import ACTIONS

        if name.removeprefix("keys.") not in ACTIONS:
            raise unknown("action", name.removeprefix("keys."), ACTIONS)
        return name, value
    if name == "theme" and value.endswith(".toml"):
        from dynviz.scene.theme import theme

        path = str(Path(value).expanduser().absolute())
        theme(path)
        return name, path
    if name == "remember" and value in ("true", "false"):
        return name, value == "true"
    try:
        return name, float(value) if name == "speed" else value
    except ValueError:
        return name, value


def _edit(path: Path) -> None:
    """Open the file in the user's editor."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise DynvizError(f"EDITOR names no editor; the file is {path}")
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(settings.template(), encoding="utf-8")
        except OSError as error:
            raise DynvizError(f"cannot write {path}: {error.strerror}") from error
    try:
        subprocess.run([*shlex.split(editor), str(path)], check=False)
    except OSError as error:
        raise DynvizError(f"cannot start {editor}: {error.strerror}") from error
    settings.load(path)
