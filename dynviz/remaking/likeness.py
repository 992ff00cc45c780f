"""Whether two pictures show the same."""

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError

RASTER = (".gif", ".png", ".apng", ".webp")
VIDEO = (".mp4", ".webm")
WORDS = re.compile(rb"<(title|desc|metadata|details|script type)\b.*?</\w+>|<meta .*?>", re.DOTALL)
"""What pages and vector graphics say beside what they show."""

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
        same = WORDS.sub(b"", one.read_bytes()) == WORDS.sub(b"", other.read_bytes())
        return "" if same else "what is drawn differs"
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


def _frames(picture: Path) -> Iterator[Pixels]:
    import imageio.v3 as iio

    plugin = "FFMPEG" if picture.suffix.lower() in VIDEO else "pillow"
    for frame in iio.imiter(picture, plugin=plugin):
        yield np.asarray(frame)
