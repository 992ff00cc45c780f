"""Contours: where a grid of values has a level, as lines."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dynviz.scene.marks import Contours
from dynviz.scene.scales import pixel_centers


def traced(mark: Contours, levels: Sequence[float]) -> list[NDArray[np.float64]]:
    """Lines [points, 2] in data coordinates, of one level after the other; none around values that are not finite.

    Args:
        mark: Whose values.
        levels: Some of the mark's; those that are not finite are passed over.
    """
    import contourpy

    rows, columns = mark.values.shape
    if min(rows, columns) < 2:
        return []
    x, y = pixel_centers(mark.extent, rows, columns)
    generator = contourpy.contour_generator(x, y, np.ma.masked_invalid(mark.values))
    return [np.asarray(line) for level in levels if np.isfinite(level) for line in generator.lines(level)]
