"""Checksums by block: what a checkpoint knows of the bytes that it stands on."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Checksum:
    """Of the samples of a channel, or of the bytes of another file.

    Attributes:
        covered: How many samples the checkpoint stands on.
        blocks: CRC-32 of each block of their bytes, the last one perhaps shorter.
        held: How many samples there were in all; the last state of a run is one more.
        rest: CRC-32 of those beyond `covered`.
    """

    covered: int
    blocks: tuple[int, ...]
    held: int
    rest: int = 0

    @classmethod
    def of(cls, data: bytes) -> "Checksum":
        """Of the lines of a file."""
        return cls(len(data), (zlib.crc32(data),), len(data))

    def begins(self, data: bytes) -> bool:
        r"""Whether a file begins with the lines that were summed.

        >>> known = Checksum.of(b"one\n")
        >>> known.begins(b"one\ntwo\n"), known.begins(b"on"), known.begins(b"two\n")
        (True, False, False)
        """
        return Checksum.of(data[: self.covered]) == self

    def to_array(self) -> NDArray[np.uint64]:
        """As it stands in a checkpoint."""
        return np.array([self.covered, self.held, self.rest, *self.blocks], np.uint64)

    @classmethod
    def from_array(cls, array: NDArray[np.uint64]) -> "Checksum":
        """What `to_array` gave.

        >>> Checksum.from_array(Checksum(3, (7, 8), 4, 9).to_array())
        Checksum(covered=3, blocks=(7, 8), held=4, rest=9)

        Raises:
            ValueError: It is something else.
        """
        if array.dtype != np.uint64 or array.ndim != 1 or len(array) < 3:
            raise ValueError("its checksums are damaged")
        covered, held, rest, *blocks = array.tolist()
        return cls(covered, tuple(blocks), held, rest)


class RunningChecksum:
    """The checksums of bytes that are added one piece after the other.

    Attributes:
        end: How many bytes there were.

    Example:
        >>> running = RunningChecksum()
        >>> running.add(b"some"), running.add(b"thing")
        (None, None)
        >>> running.blocks == (zlib.crc32(b"something"),)
        True
    """

    def __init__(self) -> None:
        self.end = 0
        self._whole: list[int] = []
        self._last = 0

    @property
    def blocks(self) -> tuple[int, ...]:
        """Of each block, the last one perhaps not full yet."""
        return (*self._whole, self._last) if self.end % BLOCK_BYTES else tuple(self._whole)

    def add(self, data: bytes | memoryview) -> None:
        """Take in more bytes."""
        while len(data):
            piece = data[: BLOCK_BYTES - self.end % BLOCK_BYTES]
            self._last = zlib.crc32(piece, self._last)
            self.end += len(piece)
            if self.end % BLOCK_BYTES == 0:
                self._whole.append(self._last)
                self._last = 0
            data = data[len(piece) :]

    def move(self, end: int, read: Callable[[int, int], bytes]) -> None:
        """Go back or on to a place in a file.

        Args:
            end: How many bytes are to be summed.
            read: Gives so many bytes from a place.
        """
        if end < self.end:
            kept = end // BLOCK_BYTES
            del self._whole[kept:]
            self.end, self._last = kept * BLOCK_BYTES, 0
        while self.end < end:
            piece = read(min(BLOCK_BYTES, end - self.end), self.end)
            if not piece:
                raise OSError(f"the file ends at byte {self.end} of {end}")
            self.add(piece)
