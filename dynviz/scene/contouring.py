"""Contours: where a grid of values has a level, as lines."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.scene.marks import Axis, Contours
from dynviz.scene.refining import refined
from dynviz.scene.scales import pixel_centers
from dynviz.scene.scales import values as scale_values

FINE = 400
"""Grids with fewer places along an axis are refined: their lines would have corners."""
TIMES = 3


def _finer(values: NDArray[Any]) -> NDArray[Any]:
    """The values on a grid three times as fine, where all are finite."""
    rows, columns = values.shape
    if min(rows, columns) < 3 or max(rows, columns) >= FINE or not np.isfinite(values).all():
        return values
    places = ((np.arange(TIMES * size) + 0.5) / TIMES - 0.5 for size in (rows, columns))
    return refined(values, *places)


def banded(mark: Contours, axes: tuple[Axis, Axis], size: tuple[int, int]) -> NDArray[np.intp]:
    """Which band between the levels each place of a plot is in [height, width] from the top; -1 where it is in none.

    Args:
        mark: Whose values and levels.
        axes: The x and y axis.
        size: Width and height of the plot.
    """
    rows, columns = mark.values.shape
    left, right, bottom, top = mark.extent
    inside, places = [], []
    for axis, ends, count, length in (
        (axes[1], (bottom, top), rows, size[1]),
        (axes[0], (left, right), columns, size[0]),
    ):
        at = (scale_values(axis, (np.arange(length) + 0.5) / length) - ends[0]) / ((ends[1] - ends[0]) or 1.0)
        inside.append((at >= 0) & (at <= 1))
        places.append(at * count - 0.5)
    good = np.isfinite(mark.values)
    if good.all():
        values = refined(mark.values, places[0], places[1])
    else:
        nearest = [
            np.clip(np.rint(at), 0, count - 1).astype(np.intp)
            for at, count in zip(places, (rows, columns), strict=True)
        ]
        values = mark.values[np.ix_(*nearest)]
    bands = np.searchsorted(np.asarray(mark.levels), np.nan_to_num(values, nan=np.inf))
    known = np.isfinite(values) & inside[0][:, None] & inside[1]
    return np.where(known, bands, -1)[::-1]


def traced(mark: Contours, levels: Sequence[float]) -> list[NDArray[np.float64]]:
    """Lines [points, 2] in data coordinates, of one level after the other; none around values that are not finite.

    Args:
        mark: Whose values.
        levels: Some of the mark's; those that are not finite are passed over.
    """
    import contourpy

    values = _finer(mark.values)
    rows, columns = values.shape
    if min(rows, columns) < 2:
        return []
    x, y = pixel_centers(mark.extent, rows, columns)
    generator = contourpy.contour_generator(x, y, np.ma.masked_invalid(values))
    return [np.asarray(line) for level in levels if np.isfinite(level) for line in generator.lines(level)]
