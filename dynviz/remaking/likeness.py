"""Whether two pictures show the same."""

import base64
import re
import zlib
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.frozen import frozen

RASTER = (".gif", ".png", ".apng", ".webp")
VIDEO = (".mp4", ".webm")
WORDS = re.compile(
    rb"<(title|desc|metadata|details)\b.*?</\1>|<script type\b.*?</script>|<meta .*?>",
    re.DOTALL,
)
"""What pages and vector graphics say beside what they show."""
DATA = re.compile(rb'const DATA = "([^"]*)"')
"""The numbers of a page, which another version of zlib packs into other bytes."""
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
SAID = re.compile(rb">[^<]*<")
ALIKE, BLOCK, LEVELS = 25.0, 8, 32
"""Frames look alike above so many decibels, if no block of so many pixels a side is lighter or darker by so much."""
LARGEST = 1 << 28
"""Bytes of numbers at most; more are compared as they are packed."""

Pixels: TypeAlias = NDArray[np.uint8]


@frozen
class PictureDifference:
    """How two pictures differ.

    Attributes:
        words: In words; empty if they show the same.
        slight: Whether it is as little as what the rounding of another processor makes of the same numbers.
    """

    words: str = ""
    slight: bool = True


def difference(one: Path, other: Path) -> PictureDifference:
    """How two pictures of the same format differ.

    Raises:
        DynvizError: One cannot be decoded.
    """
    if one.read_bytes() == other.read_bytes():
        return PictureDifference()
    suffix = one.suffix.lower()
    if suffix not in RASTER + VIDEO:
        return _drawn_differently(_drawn(one), _drawn(other))
    try:
        differing, count, least, slight = [], 0, np.inf, True
        for count, (first, second) in enumerate(zip_longest(_frames(one), _frames(other)), 1):
            if first is None or second is None:
                return PictureDifference(f"one ends after {count - 1} frames", slight=False)
            if first.shape != second.shape:
                return PictureDifference("their sizes differ", slight=False)
            if not np.array_equal(first, second):
                differing.append(count)
                least, slight = min(least, _decibels(first, second)), slight and _alike(first, second)
    except (OSError, ValueError, SyntaxError) as error:
        raise DynvizError(f"{one} cannot be decoded: {error}") from error
    if not differing:
        return PictureDifference()
    which = f"{len(differing)} of {count} frames differ, the first is frame {differing[0]}"
    return PictureDifference(f"{which}; the most by {least:.0f} dB", slight)


def _decibels(one: Pixels, other: Pixels) -> float:
    """The ratio of the peak to the noise."""
    error = np.mean(np.square(np.subtract(one, other, dtype=np.float64)))
    return float(10 * np.log10(255**2 / error))


def _alike(one: Pixels, other: Pixels) -> bool:
    """Whether frames look alike: lines may be a pixel apart, but none is gone."""
    error = np.subtract(one, other, dtype=np.float64)
    rows, columns = (size // BLOCK * BLOCK for size in error.shape[:2])
    blocks = error[:rows, :columns].reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK, -1).mean(axis=(1, 3))
    return _decibels(one, other) >= ALIKE and (not blocks.size or float(np.abs(blocks).max()) <= LEVELS)


def _drawn_differently(one: bytes, other: bytes) -> PictureDifference:
    if one == other:
        return PictureDifference()
    texts, others = NUMBER.split(one), NUMBER.split(other)
    numbers, other_numbers = (np.array(NUMBER.findall(drawn), dtype=float) for drawn in (one, other))
    same = texts == others and len(numbers) == len(other_numbers)
    return PictureDifference(
        "what is drawn differs", same and bool(np.allclose(numbers, other_numbers, rtol=0.01, atol=1))
    )


def _drawn(picture: Path) -> bytes:
    """What a page or a vector graphic shows, without what it says."""
    return DATA.sub(_unpacked, WORDS.sub(b"", picture.read_bytes()))


def _unpacked(packed: re.Match[bytes]) -> bytes:
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(base64.b64decode(packed[1]), LARGEST)
    except (ValueError, zlib.error):
        return packed[0]
    return data if stream.eof else packed[0]


def _frames(picture: Path) -> Iterator[Pixels]:
    import imageio.v3 as iio

    plugin = "FFMPEG" if picture.suffix.lower() in VIDEO else "pillow"
    for frame in iio.imiter(picture, plugin=plugin):
        yield np.asarray(frame)
