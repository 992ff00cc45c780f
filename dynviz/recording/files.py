"""Opening files for reading that somebody else may have put there: regular ones alone, and no larger than expected."""

import errno
import os
import stat
from pathlib import Path

JSON_BYTES = 1 << 26
"""The longest text that is read at once; as Python's objects it takes some ten times as much."""


def open_regular(path: Path | str) -> int:
    """Open a file for reading; closing the descriptor is the caller's.

    A pipe in its place would be waited for without end, and a device may give bytes without end.

    Raises:
        OSError: It is not there, or no regular file.
    """
    # A pipe is opened at once with this flag; for regular files it means nothing.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is not a regular file", os.fspath(path))
    return fd


def read(path: Path | str, most: int = JSON_BYTES) -> bytes:
    """All bytes of a file.

    Raises:
        OSError: It cannot be read, or is longer than `most`.
    """
    with open(open_regular(path), "rb") as file:
        # One byte more tells a file that is too long.
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is longer than {most >> 20} MiB", os.fspath(path))
    return data
