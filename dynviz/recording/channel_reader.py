"""Reading the file of a channel: it is copied into memory, incrementally as it grows."""

import contextlib
import mmap
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dynviz.errors import DynvizError
from dynviz.recording import disk, files, layout
from dynviz.recording.channel import Form

COPIED_BYTES = 1 << 27
"""The largest file that is copied; copying 128 MiB takes about 20 ms."""
_AGAIN_BYTES = 1 << 20
"""Up to this size, a file that grew is copied again; for larger ones only new data is added, and the rest is compared
once the file has stopped growing."""
_BLOCK_BYTES = 1 << 20
_TICK = 20_000_000
"""Nanoseconds; timestamps of file systems have a resolution of 1 to 10 milliseconds."""


class ChannelReader:
    """Reads a channel by copying its file, or mapping it if it is very large, and again whenever it changes.

    Truncating a mapped file kills a process that accesses the removed part (SIGBUS). The writer of recordings replaces
    files instead, but other programs may not. So files are copied as far as memory allows. Files above `COPIED_BYTES`
    are mapped, and one that has become shorter raises an error when the array is requested or `check` is called.
    """

    __slots__ = ("_array", "_buffer", "_form", "_mapped", "_seen")

    def __init__(self, path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> None:
        self._form = Form(path, dtype, shape)
        self._seen: tuple[int, int, int] = (-1, -1, -1)
        self._mapped = False
        self._array: NDArray[Any] = np.empty((0, *shape), self._form.dtype)
        self._buffer: NDArray[np.uint8] = np.empty(0, np.uint8)

    def counts(self) -> tuple[int, int]:
        """The number of samples that the header promises, and the number in the file."""
        try:
            fd = files.open_regular(self._form.path)
            try:
                return self._form.counts(fd)
            finally:
                os.close(fd)
        except OSError as error:
            raise disk.unreadable(self._form.path, error) from error

    def check(self) -> None:
        """Check that a mapped file has not been truncated.

        Raises:
            DynvizError: Somebody made the file shorter.
        """
        inode, size, _ = self._seen
        if self._mapped:
            # A file that replaced the mapped one does not matter: the mapping keeps the old one.
            with contextlib.suppress(OSError):
                file = os.stat(self._form.path)  # noqa: PTH116
                if file.st_ino == inode and file.st_size < size:
                    raise self._truncated()

    def array(self) -> NDArray[Any]:
        """All complete samples now in the file, read-only; the same array as long as they do not change."""
        try:
            file = os.stat(self._form.path)  # noqa: PTH116 - this is the whole cost of seeking
            if (file.st_ino, file.st_size, file.st_mtime_ns) != self._seen:
                fd = files.open_regular(self._form.path)
                try:
                    self._read(fd, file)
                finally:
                    os.close(fd)
        except OSError as error:
            raise disk.unreadable(self._form.path, error) from error
        return self._array

    def _read(self, fd: int, file: os.stat_result) -> None:
        form = self._form
        count, before = form.samples(fd), len(self._array)
        known = self._seen[0] == file.st_ino
        followed = not known or count <= before
        mapped = file.st_size > COPIED_BYTES
        if mapped:
            followed = True
            if self._seen[:2] != (file.st_ino, file.st_size) or count != before:
                self._array = self._map(fd, count)
        elif known and not self._mapped and count > before and count * form.sample_bytes > _AGAIN_BYTES:
            self._array = self._copy(fd, count, before)
        elif not known or self._mapped or count != before or not self._holds(fd):
            followed = True
            self._array = self._copy(fd, count, 0)
        self._mapped = mapped
        # A second write within one tick of the file system's clock leaves the timestamp unchanged; and a writer that
        # has appended data but not yet updated the count will not change the size again.
        settled = followed and time.time_ns() - file.st_mtime_ns > _TICK and form.fills(count, file.st_size)
        self._seen = (file.st_ino, file.st_size, file.st_mtime_ns if settled else -1)

    def _map(self, fd: int, count: int) -> NDArray[Any]:
        length = layout.HEADER_BYTES + count * self._form.sample_bytes
        # Arrays keep the mapping alive; it is closed with the last array that views it.
        pages = mmap.mmap(fd, length, access=mmap.ACCESS_READ)
        return np.ndarray((count, *self._form.shape), self._form.dtype, pages, layout.HEADER_BYTES)

    def _copy(self, fd: int, count: int, kept: int) -> NDArray[Any]:
        """Read the samples after the first `kept`, which are in memory already; arrays returned before stay valid."""
        form = self._form
        begin, end = kept * form.sample_bytes, count * form.sample_bytes
        if not kept or end > len(self._buffer):
            # Twice the size, for growth; unused memory costs nothing.
            buffer = np.empty(2 * end if kept else end, np.uint8)
            buffer[:begin] = self._buffer[:begin]
            self._buffer = buffer
        self._buffer.flags.writeable = True
        with open(fd, "rb", buffering=0, closefd=False) as file:
            file.seek(layout.HEADER_BYTES + begin)
            rest = self._buffer.data[begin:end]
            while rest:
                length = file.readinto(rest)
                if not length:
                    raise self._truncated()
                rest = rest[length:]
        self._buffer.flags.writeable = False
        return np.ndarray((count, *form.shape), form.dtype, self._buffer)

    def _holds(self, fd: int) -> bool:
        """Whether the file still contains the samples in memory."""
        end = len(self._array) * self._form.sample_bytes
        return all(
            os.pread(fd, min(_BLOCK_BYTES, end - at), layout.HEADER_BYTES + at)
            == self._buffer.data[at : min(at + _BLOCK_BYTES, end)]
            for at in range(0, end, _BLOCK_BYTES)
        )

    def _truncated(self) -> DynvizError:
        return DynvizError(f"{self._form.path} is truncated: it became shorter while it was read")
