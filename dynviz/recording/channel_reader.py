"""Reading the file of a channel: it is copied into memory, incrementally as it grows, or read as it is indexed."""

import os
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dynviz.recording import disk, files, layout
from dynviz.recording.channel import Form
from dynviz.recording.long_array import LongArray, OpenFile, truncated

COPIED_BYTES = 1 << 27
"""The most that is copied; copying 128 MiB takes about 20 ms."""
_AGAIN_BYTES = 1 << 20
"""Up to this size, a file that grew is copied again; for larger ones only new data is added, and the rest is compared
once the file has stopped growing."""
_BLOCK_BYTES = 1 << 20
_TICK = 20_000_000
"""Nanoseconds; timestamps of file systems have a resolution of 1 to 10 milliseconds."""


class ChannelReader:
    """Reads a channel by copying its file, again whenever it changes; of a very long one only what is asked for.

    No file is mapped: truncating a mapped file kills a process that accesses the removed part (SIGBUS). The writer of
    recordings replaces files instead, but other programs may not.
    """

    __slots__ = ("_array", "_buffer", "_file", "_form", "_seen")

    def __init__(self, path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> None:
        self._form = Form(path, dtype, shape)
        self._seen: tuple[int, int, int] = (-1, -1, -1)
        self._file: OpenFile | None = None
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

    def array(self) -> NDArray[Any]:
        """All complete samples now in the file, read-only; the same array as long as they do not change.

        Above `COPIED_BYTES` it is a `LongArray`, which is used like an array.
        """
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
        copied = self._file is None
        if count * form.sample_bytes > COPIED_BYTES:
            followed = True
            self._open(fd, count)
        elif known and copied and count > before and count * form.sample_bytes > _AGAIN_BYTES:
            self._array = self._copy(fd, count, before)
        elif not known or not copied or count != before or not self._holds(fd):
            followed = True
            self._array = self._copy(fd, count, 0)
            self._file = None
        # A second write within one tick of the file system's clock leaves the timestamp unchanged; and a writer that
        # has appended data but not yet updated the count will not change the size again.
        settled = followed and time.time_ns() - file.st_mtime_ns > _TICK and form.fills(count, file.st_size)
        self._seen = (file.st_ino, file.st_size, file.st_mtime_ns if settled else -1)

    def _open(self, fd: int, count: int) -> None:
        """Keep the file open, and let its samples be read as they are asked for."""
        if self._file is None or self._file.inode != os.fstat(fd).st_ino:
            self._file = OpenFile(fd, self._form)
        elif count == len(self._array):
            return
        self._buffer = np.empty(0, np.uint8)
        self._array = cast("NDArray[Any]", LongArray(self._file, range(count)))

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
                    raise truncated(form)
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
