"""The easel: what a mark needs to know to be drawn in cells."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynviz.cells.inks import Inks
from dynviz.frozen import frozen
from dynviz.scene.marks import Axis
from dynviz.scene.scales import fractions

Floats = NDArray[np.float64]
ACROSS, DOWN = 2, 4
"""Dots of a cell in braille."""


@frozen
class CellEasel:
    """One panel's plot.

    Attributes:
        inks: Colours.
        width: Of the plot, in cells.
        height: Of the plot, in cells.
        x: Horizontal axis.
        y: Vertical axis.
        crowd: How many points the panel's largest group of dots has: all groups are drawn in dots of one size.
    """

    inks: Inks
    width: int
    height: int
    x: Axis
    y: Axis
    crowd: int = 0

    @property
    def dots(self) -> tuple[int, int]:
        """Width and height of the plot in dots."""
        return ACROSS * self.width, DOWN * self.height

    def columns(self, x: ArrayLike) -> Floats:
        """Horizontal places in dots, from the left."""
        return fractions(self.x, x) * self.dots[0]

    def rows(self, y: ArrayLike) -> Floats:
        """Vertical places in dots, downwards."""
        return (1 - fractions(self.y, y)) * self.dots[1]

    def points(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Places [points, 2] in dots; NaN where either is."""
        places = np.stack(np.broadcast_arrays(self.columns(x), self.rows(y)), axis=-1)
        places[np.isnan(places).any(axis=-1)] = np.nan
        return places

    def inside(self, points: Floats) -> NDArray[np.bool_]:
        """Which of points [points, 2] are in the plot, its edges included."""
        return np.asarray(((points >= -0.5) & (points <= np.array(self.dots) + 0.5)).all(axis=-1))

    def pixels(self, points: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows and columns of the pixels, two to a cell, that points [points, 2] inside the plot stand in."""
        columns = (points[..., 0] // ACROSS).astype(np.intp).clip(0, self.width - 1)
        rows = (2 * points[..., 1] // DOWN).astype(np.intp).clip(0, 2 * self.height - 1)
        return rows, columns
