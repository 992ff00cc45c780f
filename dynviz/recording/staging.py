"""Folders that are made beside their place and moved there whole: a process that is killed leaves no half of one.

    .NAME.new-XXXXXXXX/lock     held by flock while the folder is made
    .NAME.new-XXXXXXXX/whole    what becomes the folder

What a killed process leaves is removed by the next one that makes a folder beside it. It is known by its name, by a
lock that nobody holds, and by nothing else being in it.
"""

import contextlib
import errno
import fcntl
import glob
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
"""Seconds after which a folder without a living owner is removed; a younger one may not have its lock yet."""
_REFUSALS = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


@contextlib.contextmanager
def beside(place: Path) -> Iterator[Path]:
    """An empty folder that can be moved to a place in the same folder; it vanishes in the end where it was not.

    Parents of the place that are missing are made with it, and appear together with it.

    Args:
        place: Where it is to stand in the end, or a name like that.
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
                # A file system without locks has nobody who removes what is left on it.
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
    """See that a place is free, before any work is done.

    Raises:
        DynvizError: There is something.
    """
    if os.path.lexists(place):
        raise _taken(place)


def move(whole: Path, places: Iterable[Path]) -> Path:
    """Move a folder to the first place that is free, at once with all that is in it; nothing is ever replaced.

    Raises:
        DynvizError: None is free, or it cannot be moved.
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


def reserved(place: Path) -> bool:
    """Whether a folder is being made beside a place, or was when a process was killed."""
    return any(place.parent.glob(f".{glob.escape(place.name[:100])}{MARK}*"))


def _missing(place: Path) -> list[Path]:
    """The parents of a place that are not there, the innermost first."""
    return [parent for parent in place.parents if not parent.exists()]


def _rename(whole: Path, place: Path) -> None:
    missing = _missing(place)
    made = next(depth for depth, folder in enumerate((whole, *whole.parents)) if MARK in folder.parent.name)
    # Where somebody takes the place at this moment, the system refuses: a folder with anything in it stays.
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
        # Somebody made the parents meanwhile.
        _rename(whole, place)


def _taken(place: Path) -> DynvizError:
    return DynvizError(f"{place} exists already and is never overwritten: choose another folder, or resume it")


def _clean(parent: Path) -> None:
    """Remove what killed processes left."""
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
