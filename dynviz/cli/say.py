"""The one door through which the commands print: clean of what a terminal would obey, to whoever still listens."""

import errno
import io
import os
import sys
from typing import IO

import click

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
        hush(sys.stderr if err else sys.stdout)


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
        hush(sys.stdout)


def hush(stream: IO[str]) -> None:
    """Let all that follows go nowhere."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    # The descriptor itself: what is still buffered must go somewhere too, when the interpreter ends.
    os.dup2(nobody, stream.fileno())
    os.close(nobody)
