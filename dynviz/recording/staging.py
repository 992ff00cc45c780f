"""Folders that are built under a temporary name and then moved into place, so that none is ever left half done.

    .NAME.new-XXXXXXXX/lock     held by flock while the folder is built
    .NAME.new-XXXXXXXX/whole    becomes the final folder

The leftovers of a killed process are removed by the next one that builds a folder beside them. They are recognized by
their name, a lock that nobody holds, and the absence of anything else.
"""

import contextlib
import errno
import fcntl
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording import disk, layout

MARK = ".new-"
WHOLE = "whole"
ABANDONED = 60.0
"""Seconds after which a folder without a live owner is removed; a newer one may not be locked yet."""
_REFUSALS = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


@contextlib.contextmanager
def beside(place: Path) -> Iterator[Path]:
    """Create an empty folder to be moved to a place beside it; it is removed at the end unless it was moved.

    Missing parents of the place are created with the folder, and appear together with it.

    Args:
        place: The final path, or one beside it.
    """
    try:
        top = [place, *_missing(place)][-1]
        _clean(top.parent)
        outer = Path(tempfile.mkdtemp(prefix=f".{top.name[:100]}{MARK}", dir=top.parent))
    except NotADirectoryError as error:
        raise DynvizError(f"cannot make {place}: {top.parent} is not a folder") from error
    except OSError as error:
        raise disk.unwritable(place, error) from error
    lock = -1
    try:
        try:
            lock = os.open(outer / layout.LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            with contextlib.suppress(OSError):
                # On a file system without locks, leftovers are not removed.
                fcntl.flock(lock, fcntl.LOCK_EX)
            whole = outer / WHOLE / place.relative_to(top)
            whole.mkdir(parents=True)
            for folder in itertools.islice(whole.parents, len(_missing(place))):
                disk.sync_path(folder)
        except OSError as error:
            raise disk.unwritable(place, error) from error
        yield whole
    finally:
        shutil.rmtree(outer, ignore_errors=True)
        if lock >= 0:
            os.close(lock)


def check_free(place: Path) -> None:
    """Check that a place is free, before any work is done.

    Raises:
        DynvizError: Something exists there.
    """
    if os.path.lexists(place):
        raise _taken(place)


def move(whole: Path, places: Iterable[Path]) -> Path:
    """Move a folder atomically to the first free place; nothing is ever replaced.

    Raises:
        DynvizError: No place is free, or the folder cannot be moved.
    """
    place = whole
    for place in places:
        if os.path.lexists(place):
            continue
        try:
            _rename(whole, place)
        except OSError as error:
            if error.errno in _REFUSALS:
                continue
            raise disk.unwritable(place, error) from error
        return place
    raise _taken(place)


def _missing(place: Path) -> list[Path]:
    """The missing parents of a place, innermost first."""
    return [parent for parent in place.parents if not parent.exists()]


def _rename(whole: Path, place: Path) -> None:
    missing = _missing(place)
    made = next(depth for depth, folder in enumerate((whole, *whole.parents)) if MARK in folder.parent.name)
    # If the place is taken at this moment, rename fails: it does not replace a folder that is not empty.
    if not missing or len(missing) != made:
        whole.rename(place)
        disk.sync_path(place.parent)
        return
    whole = whole.rename(whole.with_name(place.name))
    try:
        whole.parents[len(missing) - 1].rename(missing[-1])
        disk.sync_path(missing[-1].parent)
    except OSError as error:
        if error.errno not in _REFUSALS or _missing(place) == missing:
            raise
        # Another process has created the parents in the meantime.
        _rename(whole, place)


def _taken(place: Path) -> DynvizError:
    return DynvizError(f"{place} exists already and is never overwritten: choose another folder, or resume it")


def _clean(parent: Path) -> None:
    """Remove the leftovers of killed processes."""
    for outer in parent.glob(f".*{MARK}*"):
        with contextlib.suppress(OSError):
            if outer.is_symlink() or not {layout.LOCK} <= {path.name for path in outer.iterdir()} <= {
                layout.LOCK,
                WHOLE,
            }:
                continue
            if time.time() - outer.stat().st_mtime < ABANDONED:
                continue
            lock = os.open(outer / layout.LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(outer, ignore_errors=True)
            finally:
                os.close(lock)
