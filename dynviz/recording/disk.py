"""Writing to a disk that may be full, read-only or gone: whole pieces, and errors in one line."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dynviz.errors import DynvizError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def unwritable(path: Path | str, error: OSError) -> DynvizError:
    """The error for a file that cannot be written.

    >>> print(unwritable("loss.npy", OSError(errno.ENOSPC, "No space left on device")))
    cannot write loss.npy: No space left on device; what was recorded before can be read
    """
    kept = "; what was recorded before can be read" if error.errno in _FULL else ""
    return DynvizError(f"cannot write {path}: {error.strerror or error}{kept}")


def unreadable(path: Path | str, error: OSError) -> DynvizError:
    """The error for a file that cannot be read."""
    return DynvizError(f"cannot read {path}: {error.strerror or error}")


def make_folder(folder: Path) -> None:
    """Make a folder that must not exist yet, and its parents."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except FileExistsError as error:
        if Path(error.filename) == folder:
            raise DynvizError(
                f"{folder} exists already and is never overwritten: choose another folder, or resume it"
            ) from error
        raise DynvizError(f"cannot make {folder}: {error.filename} is not a folder") from error
    except OSError as error:
        raise unwritable(folder, error) from error


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            write_at(fd, data, 0)
        finally:
            os.close(fd)
    except OSError as error:
        raise unwritable(path, error) from error


def write_at(fd: int, data: bytes | memoryview, offset: int) -> None:
    """Write all bytes at an offset; the system may take them in several pieces."""
    while data:
        written = os.pwrite(fd, data, offset)
        if written == 0:
            raise OSError(errno.EIO, "nothing was written")
        data = data[written:]
        offset += written


@contextlib.contextmanager
def beside(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when the block ends well, and vanishes when it does not.

    A reader finds the old file or the new one, whole.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        try:
            with new.open("wb") as file:
                yield file
            new.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink()
            raise
    except OSError as error:
        raise unwritable(path, error) from error
