"""The file format of a channel, and writing to it."""

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
"""Maximum number of samples of zero bytes, which the size of the file cannot confirm."""


class Form:
    """The format shared by all samples of a channel.

    Attributes:
        path: The file.
        dtype: The type of the numbers.
        shape: The shape of one sample, including the axis of lanes.
        sample_bytes: The size of one sample.
        header: The header of the file, with a sample count of 0.
    """

    __slots__ = ("dtype", "header", "path", "sample_bytes", "shape")

    def __init__(self, path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> None:
        self.path = os.fspath(path)
        self.dtype = np.dtype(dtype)
        self.shape = shape
        self.sample_bytes = self.dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        self.header = layout.header(self.dtype, shape)

    def counts(self, fd: int) -> tuple[int, int]:
        """The sample count in the header of an open file, and the number of complete samples in its data."""
        # A writer appends data before it updates the count, so read the count before the size.
        promised = layout.promised(os.pread(fd, layout.HEADER_BYTES, 0), self.header)
        size = os.fstat(fd).st_size
        if promised is None:
            sizes = ", ".join(map(str, self.shape))
            raise DynvizError(
                f"{self.path} is damaged: its header is not that of an array [samples, {sizes}] of {self.dtype.str!r}, "
                "which is what run.json says"
            )
        if not self.sample_bytes and promised > _EMPTY:
            raise DynvizError(f"{self.path} is damaged: its header announces {promised} samples of zero bytes")
        return promised, (size - layout.HEADER_BYTES) // self.sample_bytes if self.sample_bytes else promised

    def fills(self, count: int, size: int) -> bool:
        """Whether a file of this size holds no complete sample beyond `count`."""
        return layout.HEADER_BYTES + (count + 1) * self.sample_bytes > size

    def copy(self, fd: int, count: int, target: BinaryIO) -> None:
        """Copy the header and the first samples of an open file."""
        target.write(layout.header(self.dtype, self.shape, count))
        end = layout.HEADER_BYTES + count * self.sample_bytes
        for offset in range(layout.HEADER_BYTES, end, _COPY_BYTES):
            target.write(os.pread(fd, min(_COPY_BYTES, end - offset), offset))

    def samples(self, fd: int) -> int:
        """The number of usable samples: those counted by the header and complete in the file."""
        return min(self.counts(fd))


class GrowingChannel:
    """A channel open for writing: samples are appended, or overwritten in place.

    Attributes:
        count: The number of samples.
        changed: Whether anything was written since the flag was last cleared.
    """

    __slots__ = ("_fd", "_file", "_folder", "_form", "_running", "changed", "count")

    def __init__(self, folder: Folder, name: str, dtype: DTypeLike, shape: tuple[int, ...], *, new: bool) -> None:
        """Open a channel.

        Args:
            folder: The recording's folder of channels.
            name: The name of the channel.
            dtype: The type of the numbers.
            shape: The shape of one sample, including the axis of lanes.
            new: Whether to create the file.
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
        """Update the count in the header, which a power loss may have left too low."""
        self.changed = True
        try:
            disk.write_at(self._fd, *layout.count_change(self.count))
        except OSError as error:
            raise disk.unwritable(self._form.path, error) from error

    def write(self, index: int, block: NDArray[Any]) -> None:
        """Write samples index, index + 1, ...: first the data, then the count in the header if it grew.

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
        """The checksum of the samples written last and all before them.

        Args:
            covered: The number of samples that a checkpoint covers.
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
        """Whether the samples covered by a checkpoint are present and unaltered."""
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
        """The file descriptor."""
        return self._fd

    def cut(self, count: int) -> None:
        """Remove all but the first `count` samples.

        They are copied to a new file that replaces the old one: truncating the file in place would kill (SIGBUS)
        every reader that has the removed samples mapped.
        """
        form = self._form
        with self._folder.replacing(self._file) as file:
            form.copy(self._fd, count, file)
        self.close()
        self._open()
        self._running.move(min(self._running.end, count * form.sample_bytes), self._read)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
