"""The command line."""

import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import click

from dynviz import __version__
from dynviz.cli.say import say
from dynviz.errors import DynvizError, in_words, place_of
from dynviz.process.threads import leave
from dynviz.text import clean, one_line

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

MODULES = {
    "import": "importing",
    "list": "listing",
    "set": "setting",
} | {
    name: name
    for name in (
        "bench",
        "check",
        "compare",
        "config",
        "diff",
        "events",
        "export",
        "fork",
        "ladder",
        "memory",
        "new",
        "play",
        "project",
        "replay",
        "report",
        "run",
        "score",
        "serve",
        "sharpness",
        "show",
        "stop",
        "sweep",
        "tape",
    )
}
"""The module of each command, in which a function of the same name is the command."""


class Commands(click.Group):
    """The commands, each imported when it is used; what click says of a wrong command line is cleaned.

    To import all of them takes longer than the player needs for its first picture.
    """

    def list_commands(self, ctx: click.Context | None) -> list[str]:  # noqa: ARG002 - as click calls it
        """The names of all commands, sorted."""
        return sorted(MODULES)

    def get_command(self, ctx: click.Context | None, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """A command by its name; None if there is none."""
        if cmd_name not in MODULES:
            return None
        module = MODULES[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"dynviz.cli.{module}"), module)
        return command

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Read what stands before the command's name."""
        with _cleaned():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Read the rest, and do it."""
        with _cleaned():
            return super().invoke(ctx)


@contextlib.contextmanager
def _cleaned() -> Iterator[None]:
    try:
        yield
    except click.ClickException as error:
        # Its words are those that click shows; no class of ours could carry the usage line too.
        vars(error)["message"] = clean(error.message, lines=True)
        raise


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dynviz")
def commands() -> None:
    """See what an optimizer does: train small tasks, record every step, watch it in the terminal, export animations."""


def main() -> None:
    """Run the command line; an error that the user can mend is one line on stderr and exit 1."""
    try:
        _run()
    except SystemExit as ending:
        leave(ending.code)
        raise


def _run() -> None:
    _open_streams()
    try:
        try:
            commands()
        finally:
            sys.stdout.flush()
    except DynvizError as error:
        _fail(str(error))
    except Exception as error:
        if place_of(error):
            _fail(in_words(error))
        # What is written to files says so itself, and names the file: this is what stdout goes to.
        if isinstance(error, OSError) and error.errno in FULL and error.filename is None:
            # It would be tried again at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            _fail(f"cannot write to stdout: {error.strerror}")
        # A fault of our own keeps its traceback.
        raise


def _fail(words: str) -> NoReturn:
    say(f"dynviz: {one_line(words)}")
    sys.exit(1)


def _open_streams() -> None:
    """Give what was closed (`>&-`) somewhere to go; a file that is opened later must not take its place."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - it lasts as long as we do
            if getattr(sys, name).fileno() != descriptor:
                os.dup2(getattr(sys, name).fileno(), descriptor)
