"""The density of points on a plane, as a field."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.scene.marks import Extent

Array: TypeAlias = NDArray[Any]

WIDTH = 0.045
"""Deviation of the kernel of one point, as a share of the picture; it falls with the sixth root of their number."""


def density(points: Array, extent: Extent, cells: int) -> NDArray[np.float64]:
    """The density of `points` [points, 2] in each cell [cells, cells], the first row at the bottom.

    Each point counts as 1, spread by a normal kernel whose width follows Scott's rule; points outside are ignored.
    """
    left, right, bottom, top = extent
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], cells, [[bottom, top], [left, right]])
    deviation = max(0.7, WIDTH * cells * max(len(points), 1) ** (-1 / 6))
    reach = int(np.ceil(3 * deviation))
    offsets = np.arange(cells)[:, None] - np.arange(cells)
    kernel = np.where(abs(offsets) <= reach, np.exp(-0.5 * (offsets / deviation) ** 2), 0.0)
    kernel /= kernel[cells // 2].sum()
    return np.asarray(kernel @ counts @ kernel.T)
