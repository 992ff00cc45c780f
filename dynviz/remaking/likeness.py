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

RASTER = (".gif", ".png", ".apng", ".webp")
VIDEO = (".mp4", ".webm")
WORDS = re.compile(
    rb"<(title|desc|metadata|details)\b.*?</\1>|<script type\b.*?</script>|<meta .*?>",
    re.DOTALL,
)
"""What pages and vector graphics say beside what they show."""
DATA = re.compile(rb'const DATA = "([^"]*)"')
"""The numbers of a page, which another version of zlib packs into other bytes."""
LARGEST = 1 << 28
"""Bytes of numbers at most; more are compared as they are packed."""

Pixels: TypeAlias = NDArray[np.uint8]


def difference(one: Path, other: Path) -> str:
    """Where two pictures of the same format differ, in words; empty if they show the same.

    Raises:
        DynvizError: One cannot be decoded.
    """
    if one.read_bytes() == other.read_bytes():
        return ""
    suffix = one.suffix.lower()
    if suffix not in RASTER + VIDEO:
        return "" if _drawn(one) == _drawn(other) else "what is drawn differs"
    try:
        differing, count = [], 0
        for count, (first, second) in enumerate(zip_longest(_frames(one), _frames(other)), 1):
            if first is None or second is None:
                return f"one ends after {count - 1} frames"
            if first.shape != second.shape:
                return "their sizes differ"
            if not np.array_equal(first, second):
                differing.append(count)
    except (OSError, ValueError, SyntaxError) as error:
        raise DynvizError(f"{one} cannot be decoded: {error}") from error
    return f"{len(differing)} of {count} frames differ, the first is frame {differing[0]}" if differing else ""


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
