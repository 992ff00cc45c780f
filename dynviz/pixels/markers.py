"""Markers: many small shapes at once, at fractions of a pixel, from the distance to their outline."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.pixels.coverage import EMPTY, Coverage
from dynviz.scene.marks import Marker

Floats = NDArray[np.float64]
AT_ONCE = 4096
"""How many points are drawn at a time; this bounds the memory."""
OPAQUE = 0.9999
GRID = 4
"""Subpixel positions told apart, along each axis."""


def markers(
    points: Floats,
    marker: Marker,
    radius: float,
    canvas: tuple[int, int],
    *,
    alpha: float = 1.0,
    rim: float = 0.0,
) -> Coverage:
    """Markers at points [points, 2] in pixels. Those that lie over one another cover more.

    They stand at quarters of pixels: nobody sees the difference, and one that moves slowly stays the same for some
    frames, which makes animations small.

    Args:
        points: Their middles; those that are not finite are left out.
        marker: Their shape.
        radius: Of the circle around them, in pixels.
        canvas: Width and height of the canvas.
        alpha: How opaque one is.
        rim: How much further than its outline each reaches, in pixels.
    """
    points = (np.floor(GRID * points[np.isfinite(points).all(axis=1)]) + 0.5) / GRID
    width, height = canvas
    if not len(points):
        return EMPTY
    left, top = (int(value) for value in np.maximum(np.floor(points.min(axis=0) - 1.5 * radius - rim - 2), 0))
    right, bottom = (int(value) for value in np.ceil(points.max(axis=0) + 1.5 * radius + rim + 2))
    right, bottom = min(right, width), min(bottom, height)
    if left >= right or top >= bottom:
        return EMPTY
    # What several markers leave uncovered is a product, so the logarithms add up.
    clear = np.zeros((bottom - top) * (right - left))
    for start in range(0, len(points), AT_ONCE):
        columns, rows, share = _patches(points[start : start + AT_ONCE], marker, radius, rim)
        inside = (columns >= left) & (columns < right) & (rows >= top) & (rows < bottom) & (share > 0)
        at = (rows[inside] - top) * (right - left) + (columns[inside] - left)
        clear += np.bincount(at, np.log1p(-np.minimum(share[inside] * alpha, OPAQUE)), len(clear))
    covered = np.flatnonzero(clear < -1 / 510)
    shares = np.rint(-np.expm1(clear[covered]) * 255).astype(np.uint16)
    rows, columns = np.divmod(covered, right - left)
    return Coverage(((rows + top) * width + columns + left).astype(np.int32), shares)


def one(x: float, y: float, radius: float, canvas: tuple[int, int]) -> Coverage:
    """A dot: those that stand alike in their pixel are drawn once and moved."""
    column, row = int(x), int(y)
    reach = int(radius) + 3
    if not (reach <= column < canvas[0] - reach and reach <= row < canvas[1] - reach):
        return markers(np.array([[x, y]]), "dot", radius, canvas)
    shape = _stamp(int(GRID * (x - column)), int(GRID * (y - row)), radius, canvas)
    return shape.moved((row - reach) * canvas[0] + column - reach)


@functools.lru_cache(maxsize=256)
def _stamp(x: int, y: int, radius: float, canvas: tuple[int, int]) -> Coverage:
    reach = int(radius) + 3
    return markers(np.array([[reach + (x + 0.5) / GRID, reach + (y + 0.5) / GRID]]), "dot", radius, canvas)


def _patches(points: Floats, marker: Marker, radius: float, rim: float) -> tuple[Any, Any, Floats]:
    """Column, row and share of each pixel around each point, [points, pixels]."""
    reach = int(np.ceil(1.5 * radius + rim)) + 1
    offsets = np.arange(-reach, reach + 1)
    first = np.floor(points).astype(np.int64)
    dx, dy = (grid.ravel() for grid in np.meshgrid(offsets, offsets))
    columns, rows = first[:, :1] + dx, first[:, 1:] + dy
    distance = DISTANCES[marker](columns + 0.5 - points[:, :1], rows + 0.5 - points[:, 1:], radius)
    return columns, rows, np.clip(0.5 + rim - distance, 0, 1)


def _dot(x: Floats, y: Floats, radius: float) -> Floats:
    return np.hypot(x, y) - radius


def _ring(x: Floats, y: Floats, radius: float) -> Floats:
    half = max(radius * 0.18, 0.6)
    return np.asarray(np.abs(np.hypot(x, y) - (radius - half)) - half)


def _cross(x: Floats, y: Floats, radius: float) -> Floats:
    half = max(radius * 0.2, 0.6)
    along, across = np.abs(x + y) / np.sqrt(2), np.abs(x - y) / np.sqrt(2)
    one, other = np.maximum(along - radius, across - half), np.maximum(across - radius, along - half)
    return np.asarray(np.minimum(one, other))


def _star(x: Floats, y: Floats, radius: float) -> Floats:
    # Folded to one tenth of the turn, a five-pointed star is the side of one straight edge.
    angle = np.abs(np.mod(np.arctan2(x, -y) + np.pi / 5, 2 * np.pi / 5) - np.pi / 5)
    size = np.hypot(x, y)
    across, along = size * np.cos(angle), size * np.sin(angle)
    inner = 0.45 * radius
    edge = np.array([inner * np.cos(np.pi / 5) - radius, inner * np.sin(np.pi / 5)])
    normal = np.array([edge[1], -edge[0]]) / np.hypot(*edge)
    return np.asarray((across - radius) * normal[0] + along * normal[1])


def _arrowhead(x: Floats, y: Floats, radius: float) -> Floats:
    """A triangle that points up, its tip at the place and its base below."""
    tall, half = 1.5 * radius, radius
    slope = np.hypot(tall, half)
    side = (tall * np.abs(x) - half * y) / slope
    return np.asarray(np.maximum(side, y - tall))


TURNS: dict[Marker, tuple[int, int]] = {"up": (0, 1), "right": (-1, 0), "down": (0, -1), "left": (1, 0)}
"""Where the base of an arrowhead is, seen from its tip: columns to the right, rows downwards."""


def _turned(turn: tuple[int, int]) -> Callable[[Floats, Floats, float], Floats]:
    across, down = turn
    return lambda x, y, radius: _arrowhead(down * x - across * y, across * x + down * y, radius)


DISTANCES: dict[Marker, Callable[[Floats, Floats, float], Floats]] = {
    "dot": _dot,
    "ring": _ring,
    "cross": _cross,
    "star": _star,
    **{marker: _turned(turn) for marker, turn in TURNS.items()},
}
"""Signed distance in pixels to the outline of a marker, negative inside."""
