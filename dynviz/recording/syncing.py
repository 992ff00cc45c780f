"""Forcing files out of the system's cache while training goes on."""

import errno
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

TOGETHER = 8
"""Files that are synced at once: a file system that keeps a journal writes it once for all of them."""
_UNABLE = (errno.EINVAL, errno.ENOTSUP, errno.EROFS)


def sync_folder(fd: int) -> None:
    """Make the names in a folder last; on a file system that cannot do that, nothing happens."""
    _sync(os.fsync, fd)


def sync_file(fd: int) -> None:
    """Force the data of an open file to the disk, and its size."""
    _sync(os.fdatasync, fd)


def _sync(call: Callable[[int], None], fd: int) -> None:
    try:
        call(fd)
    except OSError as error:
        if error.errno not in _UNABLE:
            raise


class Background:
    """Does one thing at a time beside the training; an error is raised by the next call."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, "sync")
        self._files = ThreadPoolExecutor(TOGETHER, "sync-file")
        self._pending: Future[None] | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Begin it when what was begun before is done."""
        self.wait()
        self._pending = self._worker.submit(work)

    def wait(self) -> None:
        """Wait for what was begun."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def sync(self, fds: Iterable[int]) -> None:
        """Force the data of open files to the disk, and their sizes."""
        for done in [self._files.submit(sync_file, fd) for fd in fds]:
            done.result()

    def close(self) -> None:
        """Wait for what was begun, and for nothing more. Closing twice is harmless."""
        try:
            self.wait()
        finally:
            self._worker.shutdown()
            self._files.shutdown()
