"""The one door through which the commands print: clean of what a terminal would obey, to whoever still listens."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterable
from typing import IO, Any

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from dynviz.text import clean

GONE = (errno.EPIPE, errno.EIO)
"""What is said of a pipe that nobody reads any more, as after `| head`, and of a terminal that was closed."""


def say(text: str, *, err: bool = True, bold: bool = False) -> None:
    """Print a line, on stderr unless told.

    To a reader that has gone this and all that follows are not said. Nor is what stderr cannot take, as on a full
    disk: work does not fail because nothing can be said about it.
    """
    text = clean(text, lines=True)
    try:
        click.secho(text, err=err, bold=bold or None)
    except OSError as error:
        if not err and error.errno not in GONE:
            raise
        _hush(sys.stderr if err else sys.stdout)


def pass_on(text: str) -> None:
    """Write to stdout as it is: what was drawn for this terminal, and holds its control sequences."""
    # What the stream's encoding lacks is left out rather than an error.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in GONE:
            raise
        _hush(sys.stdout)


def console(*, err: bool = True, **options: Any) -> Console:
    """Where tables and bars are printed; what is in them is shown and never obeyed, markup included."""
    if err:
        options["file"] = _Unfailing(sys.stderr)
    return _Console(**{"highlight": False, "markup": False, "emoji": False, **options})


def _hush(stream: IO[str]) -> None:
    """Let all that follows go nowhere."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    # The descriptor itself: what is still buffered must go somewhere too, when the interpreter ends.
    os.dup2(nobody, stream.fileno())
    os.close(nobody)


class _Console(Console):
    """A console that cleans the text of what it renders, and leaves its own control sequences."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control or text.isprintable() else Segment(clean(text, lines=True), style)


class _Unfailing:
    """A stream whose errors are not heard: bars are drawn by a thread, and training goes on without them."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            return self._stream.write(text)
        _hush(self._stream)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            _hush(self._stream)
