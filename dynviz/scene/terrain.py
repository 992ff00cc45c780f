"""Terrain: a landscape in perspective, as numbers."""

from typing import Any

from numpy.typing import NDArray

from dynviz.frozen import frozen


@frozen
class Terrain:
    """What each pixel of a picture of a landscape shows, [rows, columns], the first row at the bottom.

    The colour is that of the height, and light makes it darker or brighter: it never looks like another height. A
    backend shows several of these pixels in one of its own.

    Attributes:
        heights: 0 to 1; NaN where there is no landscape.
        light: How bright a pixel is; 1 leaves the colour as it is.
        lines: Where a line of equal height runs.
        walls: Where the side of the block is seen.
        extent: Left, right, bottom, top in data coordinates.
    """

    heights: NDArray[Any]
    light: NDArray[Any]
    lines: NDArray[Any]
    walls: NDArray[Any]
    extent: tuple[float, float, float, float]
