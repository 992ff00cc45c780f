"""What the commands print, to whoever still listens."""

import errno
import os
import sys

import click

GONE = (errno.EPIPE, errno.EIO)
"""What is said of a pipe that nobody reads any more, as after `| head`, and of a terminal that was closed."""


def say(text: str, *, err: bool = True) -> None:
    """Print a line, on stderr unless told; to a reader that has gone this and all that follows are not said."""
    try:
        click.echo(text, err=err)
    except OSError as error:
        if error.errno not in GONE:
            raise
        nobody = os.open(os.devnull, os.O_WRONLY)
        # The descriptor itself: what is still buffered must go somewhere too, when the interpreter ends.
        os.dup2(nobody, (sys.stderr if err else sys.stdout).fileno())
        os.close(nobody)
