"""What recordings hold, in a few numbers: whether it comes again exactly, or as nearly as on another processor."""

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.animation.recipe import ChannelSum
from dynviz.recording import Recording, projections

SUMMED = 1 << 26
"""Bytes of a channel up to which its samples are summed."""
PARTS = 4
DIGITS = 6
LARGEST = 1e200
NEAR = 0.01
"""Share by which means of absolute values may differ where the processor is another one."""


def sums(recording: Recording, parts: int = PARTS) -> dict[str, ChannelSum]:
    """What the channels of a recording hold, in so many parts; those that are very large are left out."""
    return {
        name: channel_sum(recording[name], parts)
        for name in recording.metadata.channels
        if len(recording[name]) and recording[name].nbytes <= SUMMED
    }


def channel_sum(samples: NDArray[Any], parts: int = PARTS) -> ChannelSum:
    """What a channel holds, of samples [count, ...]."""
    return ChannelSum(samples=len(samples), crc=crc_of([samples]), sizes=sizes_of(np.array_split(samples, parts)))


def measurement_arrays(folder: Path, name: str) -> list[NDArray[Any]]:
    """What was measured around a recording's parameters."""
    return list(projections.read(folder, name)[1].values())


def crc_of(arrays: Iterable[NDArray[Any]]) -> int:
    """The CRC-32 of some arrays."""
    crc = 0
    for array in arrays:
        crc = zlib.crc32(np.ascontiguousarray(array).tobytes(), crc)
    return crc


def sizes_of(arrays: Iterable[NDArray[Any]]) -> tuple[float, ...]:
    """The means of the absolute values that are finite and not huge, of arrays that hold numbers."""
    return tuple(_size(array) for array in arrays if array.size and array.dtype.kind in "fiu")


def _size(array: NDArray[Any]) -> float:
    with np.errstate(invalid="ignore"):  # a damaged file may hold signalling NaNs, whose cast warns
        sizes = np.abs(array.astype(np.float64))
    # A sum of larger ones, as runs that diverge in float64 have, may be infinite, which JSON does not know.
    known = sizes[sizes < LARGEST]
    return float(f"{known.mean():.{DIGITS}g}") if known.size else 0.0


def near(known: tuple[float, ...], sizes: tuple[float, ...]) -> bool:
    """Whether numbers are as near to known ones as on another processor.

    >>> near((1.0, 2.0), (1.001, 2.0)), near((1.0, 2.0), (1.1, 2.0)), near((), ())
    (True, False, False)
    """
    largest = max(known, default=0.0)
    return bool(known) and len(known) == len(sizes) and bool(np.allclose(known, sizes, rtol=NEAR, atol=1e-9 * largest))
