"""A picture in kitty's protocol in parts, so that only those are sent again that have changed."""

import itertools
import os
from collections.abc import Sequence

from dynviz.frame import Pixels
from dynviz.frozen import frozen
from dynviz.graphics import kitty
from dynviz.graphics.kitty import MOST
from dynviz.layout.arrange import Rect

ACROSS, DOWN = 8, 8
"""Parts in a row and in a column, where they are not too wide for the marks of placeholders."""
LARGEST = 64
"""Parts of a picture at most."""
FIRST, BLOCKS = 32, 3
"""The least significant bytes of a picture's numbers, in blocks; the first bytes are left to simpler programs."""


@frozen
class PictureTile:
    """A part of a picture.

    Attributes:
        number: The one that it is sent under.
        place: Its place in cells.
    """

    number: int
    place: Rect

    def pixels(self, whole: Pixels, columns: int, rows: int) -> Pixels:
        """Its pixels, of those of a picture of so many cells."""
        return part(whole, self.place, columns, rows)


def part(whole: Pixels, place: Rect, columns: int, rows: int) -> Pixels:
    """The pixels of some cells, of those of a picture of so many."""
    height, width = whole.shape[:2]
    left, right = (round(at * width / columns) for at in (place.left, place.right))
    top, bottom = (round(at * height / rows) for at in (place.top, place.bottom))
    return whole[top:bottom, left:right]


def numbers(process: int | None = None) -> tuple[int, ...]:
    """Numbers for the parts of a picture, unlike those of most other processes.

    The last byte is the colour of placeholders in a table of 256, the first byte their third mark.
    """
    process = os.getpid() if process is None else process
    high = 1 + process // BLOCKS % (MOST - 1)
    return tuple((high << 24) + FIRST + process % BLOCKS * LARGEST + index for index in range(LARGEST))


def tiles(columns: int, rows: int, known: Sequence[int]) -> tuple[PictureTile, ...]:
    """The parts of a picture of so many cells; none if it is too large."""
    across, down = max(ACROSS, -(-columns // MOST)), max(DOWN, -(-rows // MOST))
    if across * down > len(known):
        return ()
    lefts = [round(columns * index / across) for index in range(across + 1)]
    tops = [round(rows * index / down) for index in range(down + 1)]
    places = [
        Rect(left, top, right - left, bottom - top)
        for top, bottom in itertools.pairwise(tops)
        for left, right in itertools.pairwise(lefts)
        if right > left and bottom > top
    ]
    return tuple(PictureTile(number, place) for number, place in zip(known, places, strict=False))


def sent(tile: PictureTile, pixels: Pixels, *, tmux: bool) -> str:
    """The commands that send a part for placeholders to show it; one under the same number is replaced."""
    place = f"a=T,U=1,i={tile.number},c={tile.place.width},r={tile.place.height}"
    return kitty.transmission(pixels, place, tmux=tmux)


def stand_ins(known: Sequence[PictureTile], row: int, first: int, last: int) -> str:
    """The placeholders of a row of cells, from column `first` to before column `last`."""
    pieces = []
    for tile in known:
        place = tile.place
        left, right = max(place.left, first), min(place.right, last)
        if place.top <= row < place.bottom and left < right:
            pieces.append(kitty.placeholders(tile.number, row - place.top, left - place.left, right - left))
    return "".join(pieces)
