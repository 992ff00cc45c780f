"""The easel: what a mark needs to know to become layers."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynviz.frozen import frozen
from dynviz.layout.arrange import Rect
from dynviz.pixels.coverage import Coverage
from dynviz.pixels.layers import Stain
from dynviz.pixels.metrics import PixelMetrics
from dynviz.pixels.pen import Pen
from dynviz.pixels.sizes import Sizes
from dynviz.scene.marks import Axis
from dynviz.scene.scales import fractions
from dynviz.scene.theme import Theme


@frozen
class PixelEasel:
    """One panel's plot, and what draws there.

    Attributes:
        metrics: Of the page.
        theme: Gives colours.
        plot: The area between the axes.
        x: Horizontal axis.
        y: Vertical axis.
    """

    metrics: PixelMetrics
    theme: Theme
    plot: Rect
    x: Axis
    y: Axis

    @property
    def pen(self) -> Pen:
        """Draws shapes."""
        return self.metrics.pen

    @property
    def sizes(self) -> Sizes:
        """Sizes of lines and letters."""
        return self.metrics.sizes

    @property
    def canvas(self) -> tuple[int, int]:
        """Width and height of the whole picture."""
        return self.pen.width, self.pen.height

    @property
    def clip(self) -> Rect:
        """The plot and the width of a line around it, so that a line along the edge is not cut in half."""
        more = round(self.sizes.line)
        plot = self.plot
        return Rect(plot.left - more, plot.top - more, plot.width + 2 * more, plot.height + 2 * more)

    def columns(self, x: ArrayLike) -> NDArray[np.float64]:
        """Horizontal places in pixels."""
        return self.plot.left + fractions(self.x, x) * self.plot.width

    def rows(self, y: ArrayLike) -> NDArray[np.float64]:
        """Vertical places in pixels, downwards."""
        return self.plot.bottom - fractions(self.y, y) * self.plot.height

    def points(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Places [points, 2]; NaN where either is."""
        places = np.stack([self.columns(x), self.rows(y)], axis=-1)
        places[np.isnan(places).any(axis=-1)] = np.nan
        return places

    def inside(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of points [points, 2] are in the plot, its edges included."""
        plot = self.plot
        low, high = (plot.left - 0.5, plot.top - 0.5), (plot.right + 0.5, plot.bottom + 0.5)
        return np.asarray(((points >= low) & (points <= high)).all(axis=-1))

    def stain(self, coverage: Coverage, role: str, share: float = 1.0) -> Stain:
        """A layer in a colour."""
        return Stain(coverage.faded(share), self.theme.color(role))

    def words(self, coverage: Coverage, role: str) -> Stain:
        """A layer in a colour that can be read."""
        return Stain(coverage, self.theme.ink(role))
