"""The file of a channel, and the channel that is written."""

import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dynviz.errors import DynvizError
from dynviz.recording import disk, layout
from dynviz.recording.checksums import Checksum, RunningChecksum
from dynviz.recording.disk import Folder

_COPY_BYTES = 1 << 20
_EMPTY = 10**8
"""Samples without a number in them, which no size of a file speaks against."""


class Form:
    """What every sample of a channel has in common.

    Attributes:
        path: The file.
        dtype: Of the numbers.
        shape: Of one sample, the axis of lanes included.
        sample_bytes: Its size.
        header: The first bytes of the file, but for the sample count.
    """

    __slots__ = ("dtype", "header", "path", "sample_bytes", "shape")

    def __init__(self, path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> None:
        self.path = os.fspath(path)
        self.dtype = np.dtype(dtype)
        self.shape = shape
        self.sample_bytes = self.dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        self.header = layout.header(self.dtype, shape)

    def counts(self, fd: int) -> tuple[int, int]:
        """How many samples the header of an open file promises, and how many complete ones the file has room for."""
        # A writer extends the data and then the count; so the count is read before the size.
        promised = layout.promised(os.pread(fd, layout.HEADER_BYTES, 0), self.header)
        size = os.fstat(fd).st_size
        if promised is None:
            sizes = ", ".join(map(str, self.shape))
            raise DynvizError(
                f"{self.path} is damaged: its header is not that of an array [samples, {sizes}] of {self.dtype.str!r}, "
                "which is what run.json says"
            )
        if not self.sample_bytes and promised > _EMPTY:
            raise DynvizError(f"{self.path} is damaged: it promises {promised} samples of no bytes")
        return promised, (size - layout.HEADER_BYTES) // self.sample_bytes if self.sample_bytes else promised

    def fills(self, count: int, size: int) -> bool:
        """Whether a file of this size has no room for more samples."""
        return layout.HEADER_BYTES + (count + 1) * self.sample_bytes > size

    def copy(self, fd: int, count: int, target: BinaryIO) -> None:
        """Write a file with the first samples of an open one."""
        target.write(layout.header(self.dtype, self.shape, count))
        end = layout.HEADER_BYTES + count * self.sample_bytes
        for offset in range(layout.HEADER_BYTES, end, _COPY_BYTES):
            target.write(os.pread(fd, min(_COPY_BYTES, end - offset), offset))

    def samples(self, fd: int) -> int:
        """How many samples an open file holds: what a power loss has left without a count may be no samples."""
        return min(self.counts(fd))


class GrowingChannel:
    """A channel that is written: samples are appended, or overwritten in place.

    Attributes:
        count: How many samples there are.
        changed: Whether anything was written since this was set to False.
    """

    __slots__ = ("_fd", "_file", "_folder", "_form", "_running", "changed", "count")

    def __init__(self, folder: Folder, name: str, dtype: DTypeLike, shape: tuple[int, ...], *, new: bool) -> None:
        """Open a channel.

        Args:
            folder: That of a recording's channels.
            name: The channel's.
            dtype: Of the numbers.
            shape: Of one sample, the axis of lanes included.
            new: Whether its file is to be made.
        """
        self._folder, self._file = folder, f"{name}{layout.CHANNEL_SUFFIX}"
        self._form = Form(folder.path / self._file, dtype, shape)
        self._fd = -1
        self._running = RunningChecksum()
        self.changed = new
        if new:
            folder.create(self._file, self._form.header)
        self._open()

    def _open(self) -> None:
        try:
            self._fd = self._folder.open(self._file, os.O_RDWR)
            self.count = self._form.samples(self._fd)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise disk.unwritable(self._form.path, error) from error
            raise

    def count_all(self) -> None:
        """Write into the header how many samples there are: a power loss may have left fewer."""
        self.changed = True
        try:
            disk.write_at(self._fd, *layout.count_change(self.count))
        except OSError as error:
            raise disk.unwritable(self._form.path, error) from error

    def write(self, index: int, block: NDArray[Any]) -> None:
        """Write samples index, index + 1, ...: data first, then the header's count if it grew.

        Raises:
            DynvizError: The disk is full or gone. Samples that were there stay.
            ValueError: The block is of another type or shape, or would leave a gap.
        """
        form = self._form
        if block.dtype != form.dtype or block.shape[1:] != form.shape:
            raise ValueError(
                f"{form.path} holds samples {form.shape} of {form.dtype}; the block is {block.shape} of {block.dtype}"
            )
        if not 0 <= index <= self.count:
            raise ValueError(f"{form.path} has {self.count} samples; writing from sample {index} would leave a gap")
        offset = layout.HEADER_BYTES + index * form.sample_bytes
        end = index + len(block)
        self.changed = True
        try:
            self._running.move(index * form.sample_bytes, self._read)
            written = os.pwrite(self._fd, block.data, offset)
            if written < block.nbytes:
                rest = block.reshape(-1).view(np.uint8).data[written:]
                disk.write_at(self._fd, rest, offset + written)
            if end > self.count:
                disk.write_at(self._fd, *layout.count_change(end))
                self.count = end
            self._running.add(block.reshape(-1).view(np.uint8).data)
        except OSError as error:
            raise disk.unwritable(form.path, error) from error

    def checksum(self, covered: int) -> Checksum:
        """Of the samples that were written last and of all before them.

        Args:
            covered: How many of them a checkpoint stands on.
        """
        size = self._form.sample_bytes
        covered = min(covered, self.count)
        held = max(covered, self._running.end // size if size else self.count)
        rest = zlib.crc32(self._read((held - covered) * size, covered * size)) if held > covered else 0
        self._running.move(covered * size, self._read)
        blocks = self._running.blocks
        self._running.move(held * size, self._read)
        return Checksum(covered, blocks, held, rest)

    def holds(self, checksum: Checksum) -> bool:
        """Whether the samples that a checkpoint stands on are there as they were written."""
        if checksum.covered > self.count:
            return False
        try:
            self._running.move(0, self._read)
            self._running.move(checksum.covered * self._form.sample_bytes, self._read)
        except OSError:
            return False
        return self._running.blocks == checksum.blocks

    def _read(self, length: int, offset: int) -> bytes:
        return os.pread(self._fd, length, layout.HEADER_BYTES + offset)

    @property
    def fd(self) -> int:
        """The descriptor of its file."""
        return self._fd

    def cut(self, count: int) -> None:
        """Keep only the first `count` samples.

        They are copied to a new file that takes the old one's place: shortening the file itself would kill (SIGBUS)
        every reader that looks at the lost samples.
        """
        form = self._form
        with self._folder.replacing(self._file) as file:
            form.copy(self._fd, count, file)
        self.close()
        self._open()
        self._running.move(min(self._running.end, count * form.sample_bytes), self._read)

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
