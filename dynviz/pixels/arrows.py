"""The geometry of arrows: shafts, heads and dots in pixels, for the pictures of pixels and those of shapes."""

import numpy as np
from matplotlib.path import Path
from numpy.typing import NDArray

from dynviz.frozen import frozen
from dynviz.pixels.easel import PixelEasel
from dynviz.pixels.sizes import Sizes
from dynviz.scene.marks import Arrows, Axis

Floats = NDArray[np.float64]

HEAD, SLENDER = 0.62, 0.38
"""Length of a head in heights of the text, and half its width over its length."""
NECK = 0.8
"""Where in a head its shaft ends, seen from the tip: no gap shows between them, and the tip stays sharp."""
LEAST = 0.35
"""Arrows shorter than this share of a head are dots."""
FAR = 100.0
"""An arrow that reaches further than so many lengths of an axis is shortened, along its own direction."""


@frozen
class Shapes:
    """Arrows in pixels.

    Attributes:
        shafts: [shafts, 2, 2] where each begins and ends.
        heads: [heads, 3, 2] triangles, the tip first, all turning the same way.
        dots: [dots, 2] arrows too short to point anywhere.
        width: Of the shafts.
        radius: Of the dots.
    """

    shafts: Floats
    heads: Floats
    dots: Floats
    width: float
    radius: float


def arrows(mark: Arrows, easel: PixelEasel) -> Shapes:
    """A mark's arrows where they stand in the plot."""
    x, y, dx, dy = (np.asarray(values, np.float64) for values in (mark.x, mark.y, mark.dx, mark.dy))
    good = np.isfinite(x) & np.isfinite(y) & np.isfinite(dx) & np.isfinite(dy)
    x, y, dx, dy = x[good], y[good], dx[good], dy[good]
    if "log" not in (easel.x.scale, easel.y.scale):
        reach = np.maximum(_lengths(easel.x, dx), _lengths(easel.y, dy)) / FAR
        dx, dy = dx / np.maximum(reach, 1), dy / np.maximum(reach, 1)
    with np.errstate(over="ignore"):
        tails, tips = easel.points(x, y), easel.points(x + dx, y + dy)
    return shapes(tails, tips, HEAD * easel.sizes.em, mark.width * easel.sizes.line)


def _lengths(axis: Axis, change: Floats) -> Floats:
    """Changes in lengths of a linear axis."""
    with np.errstate(over="ignore"):
        return np.abs(change) / (abs(axis.limits[1] - axis.limits[0]) or 1.0)


def shapes(tails: Floats, tips: Floats, head: float, width: float) -> Shapes:
    """Arrows from tails to tips [arrows, 2] in pixels; those that are not finite are left out.

    One shorter than its head would be is a smaller head, so that lengths go on to be told apart.

    Args:
        tails: Where they begin.
        tips: Where they point.
        head: Length of a head.
        width: Of a shaft.
    """
    good = np.isfinite(tails).all(axis=1) & np.isfinite(tips).all(axis=1)
    tails, tips = tails[good], tips[good]
    lengths = np.hypot(*(tips - tails).T)
    points = lengths >= LEAST * head
    dots = (tails[~points] + tips[~points]) / 2
    tails, tips, lengths = tails[points], tips[points], lengths[points]
    unit = (tips - tails) / lengths[:, None]
    back = np.minimum(lengths, head)[:, None] * unit
    side = SLENDER * back @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    heads = np.stack([tips, tips - back + side, tips - back - side], axis=1)
    shafts = np.stack([tails, tips - NECK * back], axis=1)[lengths > head]
    return Shapes(shafts, heads, dots, width, max(0.7 * width, 1.0))


def arrow_swatch(left: float, right: float, middle: float, sizes: Sizes) -> Shapes:
    """The arrow before a word of a legend."""
    ends = np.array([[[left, middle]], [[right, middle]]])
    return shapes(ends[0], ends[1], HEAD * sizes.em, sizes.line)


def shafts_line(shapes: Shapes) -> Floats:
    """All shafts as one broken line [points, 2]."""
    gap = np.full((len(shapes.shafts), 1, 2), np.nan)
    return np.concatenate([shapes.shafts, gap], axis=1).reshape(-1, 2)


def heads_path(shapes: Shapes) -> Path:
    """All heads as one closed path."""
    corners = np.concatenate([shapes.heads, shapes.heads[:, :1]], axis=1)
    codes = np.tile([Path.MOVETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], len(corners))
    return Path(corners.reshape(-1, 2), codes)
