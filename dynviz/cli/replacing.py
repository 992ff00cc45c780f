"""Questions to the user, and files that are replaced only with `--force` or after one."""

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from dynviz.errors import DynvizError
from dynviz.text import clean


def may_write(targets: Iterable[Path], *, force: bool) -> None:
    """See that none of these files exists, or that it may be replaced.

    Raises:
        DynvizError: One exists, and its user did not agree to lose it.
    """
    there = [target for target in targets if target.is_file() or target.is_symlink()]
    if not there or force:
        return
    names = ", ".join(map(str, there))
    if not can_ask():
        raise DynvizError(f"{names} exists already; add --force to replace it, or choose another name")
    if not click.confirm(clean(f"{names} exists already. Replace it?"), err=True):
        raise DynvizError(f"{names} was left as it is")


def may_draw(picture: str | None, *, force: bool) -> None:
    """See that a picture of results may be written, if one was asked for.

    Raises:
        DynvizError: Its name does not end like a picture's, or it exists, and its user did not agree to lose it.
    """
    if picture is not None:
        from dynviz.pixels import saving

        saving.check(Path(picture))
        may_write([Path(picture)], force=force)


def can_ask() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()
