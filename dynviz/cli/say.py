"""The one place where the commands print: without control characters, and without failing when the reader is gone."""

import errno
import io
import os
import sys
from typing import IO

import click

from dynviz.text import clean

GONE = (errno.EPIPE, errno.EIO)
"""The errors of a pipe that nobody reads any more, as after `| head`, and of a terminal that was closed."""


def say(text: str, *, err: bool = True, bold: bool = False) -> None:
    """Print a line, on stderr unless told.

    Once the reader has gone, this and all that follows is dropped. So is what stderr cannot take, as on a full disk:
    work does not fail because a message about it does.
    """
    text = clean(text, lines=True)
    try:
        click.secho(text, err=err, bold=bold or None)
    except OSError as error:
        if not err and error.errno not in GONE:
            raise
        hush(sys.stderr if err else sys.stdout)


def pass_on(text: str) -> None:
    """Write to stdout as it is: a drawing for this terminal, with its control sequences."""
    # A character that the stream cannot encode is replaced by ? and is no error.
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
    """Drop everything that is written to a stream from now on."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    # The descriptor itself, since what is still buffered is written when the interpreter ends.
    os.dup2(nobody, stream.fileno())
    os.close(nobody)
