"""Block checksums, by which a checkpoint records the data that it depends on."""

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dynviz.frozen import frozen

BLOCK_BYTES = 1 << 20


@frozen
class Checksum:
    """The checksum of the samples of a channel, or of the bytes of another file.

    Attributes:
        covered: The number of samples, or bytes, that the checkpoint covers.
        blocks: CRC-32 of each block of the covered bytes; the last block may be shorter.
        held: The total number of samples; the final state of a run is one sample beyond `covered`.
        rest: CRC-32 of the samples beyond `covered`.
    """

    covered: int
    blocks: tuple[int, ...]
    held: int
    rest: int = 0

    @classmethod
    def of(cls, data: bytes) -> "Checksum":
        """The checksum of the lines of a file."""
        return cls(len(data), (zlib.crc32(data),), len(data))

    def begins(self, data: bytes) -> bool:
        r"""Whether a file begins with the covered lines.

        >>> known = Checksum.of(b"one\n")
        >>> known.begins(b"one\ntwo\n"), known.begins(b"on"), known.begins(b"two\n")
        (True, False, False)
        """
        return Checksum.of(data[: self.covered]) == self

    def to_array(self) -> NDArray[np.uint64]:
        """The array stored in a checkpoint."""
        return np.array([self.covered, self.held, self.rest, *self.blocks], np.uint64)

    @classmethod
    def from_array(cls, array: NDArray[np.uint64]) -> "Checksum":
        """Restore a checksum from `to_array`.

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
    """Block checksums of a stream of bytes.

    Attributes:
        end: The number of bytes so far.

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
        """The checksum of each block; the last block may be incomplete."""
        return (*self._whole, self._last) if self.end % BLOCK_BYTES else tuple(self._whole)

    def add(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        while len(data):
            piece = data[: BLOCK_BYTES - self.end % BLOCK_BYTES]
            self._last = zlib.crc32(piece, self._last)
            self.end += len(piece)
            if self.end % BLOCK_BYTES == 0:
                self._whole.append(self._last)
                self._last = 0
            data = data[len(piece) :]

    def move(self, end: int, read: Callable[[int, int], bytes]) -> None:
        """Move back or forward to an offset in a file.

        Args:
            end: The number of bytes to cover.
            read: Reads a number of bytes at an offset.
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
