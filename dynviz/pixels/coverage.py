"""Coverages: which pixels a shape of one colour touches, and how much of each."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""Red, green and blue [height, width, 3], contiguous."""


@dataclass(frozen=True, eq=False)
class Coverage:
    """A shape without a colour. Only what it touches is kept, so that putting it down costs what it covers.

    Attributes:
        places: [pixels] row x width of the canvas + column, each once.
        shares: [pixels] 1 to 255.
    """

    places: NDArray[np.int32]
    shares: NDArray[np.uint16]

    def moved(self, places: int) -> "Coverage":
        """The same shape moved by so many places; it must stay inside the canvas."""
        return Coverage(self.places + np.int32(places), self.shares)

    def part(self, start: int, stop: int) -> "Coverage":
        """A slice, in the order of `places`."""
        return Coverage(self.places[start:stop], self.shares[start:stop])

    def faded(self, share: float) -> "Coverage":
        """The same shape, fainter."""
        return Coverage(self.places, (self.shares * share + 0.5).astype(np.uint16)) if share < 1 else self


EMPTY = Coverage(np.empty(0, np.int32), np.empty(0, np.uint16))


def crop(alpha: Image, left: int, top: int, width: int) -> Coverage:
    """The coverage of a piece of a canvas.

    Args:
        alpha: [rows, columns], 0 to 255.
        left: Where the piece lies.
        top: Where it lies.
        width: Of the canvas.
    """
    rows, columns = np.nonzero(alpha)
    places = (rows + top) * width + (columns + left)
    return Coverage(places.astype(np.int32), alpha[rows, columns].astype(np.uint16))


def union(pieces: list[Coverage]) -> Coverage:
    """Pieces joined to one shape: where two overlap, the larger coverage counts."""
    pieces = [piece for piece in pieces if len(piece.places)]
    if len(pieces) < 2:
        return pieces[0] if pieces else EMPTY
    places = np.concatenate([piece.places for piece in pieces])
    shares = np.concatenate([piece.shares for piece in pieces])
    order = np.argsort(places, kind="stable")
    places, shares = places[order], shares[order]
    starts = np.flatnonzero(np.concatenate([[True], places[1:] != places[:-1]]))
    return Coverage(places[starts], np.maximum.reduceat(shares, starts))


BORDER = np.hypot(*np.meshgrid(np.arange(-2, 3), np.arange(-2, 3)))
"""How far the pixels around one are from it."""


def grown(shape: Coverage, width: int) -> Coverage:
    """A shape and a pixel and a half around it: what a stroke of three pixels along its outline adds."""
    around = np.clip(2.0 - BORDER, 0, 1)
    pieces = [
        shape.moved((row - 2) * width + column - 2).faded(float(around[row, column]))
        for row, column in np.argwhere(around)
    ]
    return union(pieces)


def stain(image: Image, coverage: Coverage, rgb: tuple[int, int, int]) -> None:
    """Blend a colour into an image, in place."""
    flat = image.reshape(-1, 3)
    share = coverage.shares[:, None]
    under = flat[coverage.places].astype(np.uint16)
    under *= 255 - share
    under += np.array(rgb, np.uint16) * share + np.uint16(127)
    under //= 255
    flat[coverage.places] = under
