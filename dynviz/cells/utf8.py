"""Characters as the bytes of UTF-8, all of a picture at once."""

import numpy as np
from numpy.typing import NDArray

COUNT = 0x2900
"""Code points up to the last of braille: most pictures have no others."""


def utf_8(points: NDArray[np.uint32]) -> NDArray[np.uint32]:
    r"""Each code point as the bytes of its UTF-8, from the lowest on; those left over are zero.

    >>> utf_8(np.array([*map(ord, "aé▀🙂")], np.uint32)).tobytes().replace(b"\0", b"").decode()
    'aé▀🙂'
    """
    if not points.size or points.max() < len(OFTEN):
        return OFTEN[points]
    return _encoded(points)


def _encoded(points: NDArray[np.uint32]) -> NDArray[np.uint32]:
    def tail(shift: int) -> NDArray[np.uint32]:
        return points >> np.uint32(shift) & np.uint32(0x3F) | np.uint32(0x80)

    two = points >> 6 | 0xC0 | tail(0) << 8
    three = points >> 12 | 0xE0 | tail(6) << 8 | tail(0) << 16
    four = points >> 18 | 0xF0 | tail(12) << 8 | tail(6) << 16 | tail(0) << 24
    least = np.where(points < 0x800, two, np.where(points < 0x10000, three, four))
    return np.where(points < 0x80, points, least).astype("<u4", copy=False)


OFTEN = _encoded(np.arange(COUNT, dtype=np.uint32))
