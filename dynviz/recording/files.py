"""Reading untrusted files: only regular ones, and none larger than expected."""

import errno
import os
import stat
from pathlib import Path

JSON_BYTES = 1 << 26
"""Maximum size of a text file read at once; as Python objects it takes about ten times as much."""


def open_regular(path: Path | str) -> int:
    """Open a regular file for reading; the caller must close the descriptor.

    Reading from a pipe could block forever, and a device may never end.

    Raises:
        OSError: It does not exist, or is not a regular file.
    """
    # O_NONBLOCK keeps open() from blocking on a pipe; it has no effect on regular files.
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
        # One extra byte reveals a file that is too long.
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is longer than {most >> 20} MiB", os.fspath(path))
    return data
