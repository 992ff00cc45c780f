"""Flushing files to the disk in the background, while training continues."""

import errno
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

TOGETHER = 8
"""Number of files synced concurrently: a journaling file system then commits once for all of them."""
_UNABLE = (errno.EINVAL, errno.ENOTSUP, errno.EROFS)


def sync_folder(fd: int) -> None:
    """Flush the entries of a folder to the disk, if the file system supports that."""
    _sync(os.fsync, fd)


def sync_file(fd: int) -> None:
    """Flush the data and size of an open file to the disk."""
    _sync(os.fdatasync, fd)


def _sync(call: Callable[[int], None], fd: int) -> None:
    try:
        call(fd)
    except OSError as error:
        if error.errno not in _UNABLE:
            raise


def _submitted(pool: ThreadPoolExecutor, work: Callable[..., None], *args: Any) -> Future[None]:
    try:
        return pool.submit(work, *args)
    except RuntimeError:
        # While Python exits no thread begins any more, and a script that ends without closing its recording comes here.
        work(*args)
        done: Future[None] = Future()
        done.set_result(None)
        return done


class Background:
    """Runs one task at a time in the background; its error is raised by the next call."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, "sync")
        self._files = ThreadPoolExecutor(TOGETHER, "sync-file")
        self._pending: Future[None] | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Start a task, after waiting for the previous one."""
        self.wait()
        self._pending = _submitted(self._worker, work)

    def wait(self) -> None:
        """Wait for the current task."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def sync(self, fds: Iterable[int]) -> None:
        """Flush the data and sizes of open files to the disk."""
        for done in [_submitted(self._files, sync_file, fd) for fd in fds]:
            done.result()

    def close(self) -> None:
        """Wait for the current task and accept no more. Closing twice is harmless."""
        try:
            self.wait()
        finally:
            self._worker.shutdown()
            self._files.shutdown()
