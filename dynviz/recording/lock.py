"""The lock that says that a writer lives; the system lets go of it when the process ends, however it ends."""

import fcntl
import os
import time
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording import disk, layout

PATIENCE = 0.2
"""Seconds to wait for a writer that is just ending."""
READER_PATIENCE = 30.0
"""Seconds to wait for readers that ask whether a writer lives: some microseconds, unless they get no time to run."""


def acquire(folder: Path) -> int:
    """Take the lock of a recording; closing the descriptor that is returned lets go of it.

    Raises:
        DynvizError: Another writer has it, in this process or another, or the folder cannot be written.
    """
    path = folder / layout.LOCK
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise disk.unwritable(path, error) from error
    try:
        _wait(fd)
    except BlockingIOError:
        os.close(fd)
        raise DynvizError(f"{folder} is being written by another run: wait until it ends, or stop it") from None
    except OSError as error:
        os.close(fd)
        raise DynvizError(f"cannot lock {path}: {error.strerror}; record on a file system that has flock") from error
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
    """Whether readers alone hold the lock."""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(fd, fcntl.LOCK_UN)
    return True


def held(folder: Path) -> bool:
    """Whether a writer has the lock now."""
    try:
        fd = os.open(folder / layout.LOCK, os.O_RDONLY)
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
