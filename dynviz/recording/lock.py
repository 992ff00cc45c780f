"""The lock that marks a live writer; the system releases it however the process ends."""

import errno
import fcntl
import os
import time
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording import layout
from dynviz.recording.disk import Folder

PATIENCE = 0.2
"""Seconds to wait for a writer that may be about to exit."""
READER_PATIENCE = 30.0
"""Seconds to wait for readers probing the lock, which hold it for microseconds unless they are starved."""
_UNSUPPORTED = (errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOTSUP)
"""Errors of file systems, such as network ones, that cannot lock a folder."""


def acquire(folder: Folder) -> int:
    """Take the lock of a recording or sweep; closing the returned descriptor releases it.

    Where the file system supports it, the folder itself is locked too, so that deleting the lock file does not admit a
    second writer; that lock is released with the folder's own descriptor.

    Raises:
        DynvizError: Another writer holds it, in this process or another, or the folder cannot be written.
    """
    fd = folder.open(layout.LOCK, os.O_RDWR | os.O_CREAT)
    try:
        _wait(fd)
        try:
            _wait(folder.fd)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
    except BlockingIOError:
        os.close(fd)
        raise DynvizError(f"{folder.path} is being written by another run: wait until it ends, or stop it") from None
    except OSError as error:
        os.close(fd)
        raise DynvizError(
            f"cannot lock {folder.path / layout.LOCK}: {error.strerror}; record on a file system that supports flock"
        ) from error
    except BaseException:
        os.close(fd)
        raise
    return fd


def _wait(fd: int) -> None:
    begun = time.monotonic()
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() - begun > (READER_PATIENCE if _shared(fd) else PATIENCE):
                raise
        time.sleep(0.002)


def _shared(fd: int) -> bool:
    """Whether only readers hold the lock."""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(fd, fcntl.LOCK_UN)
    return True


def held(folder: Path) -> bool:
    """Whether a writer currently holds the lock."""
    return _held(folder / layout.LOCK) or _held(folder)


def _held(path: Path) -> bool:
    try:
        # O_NONBLOCK: opening a named pipe in place of the lock would block.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False
