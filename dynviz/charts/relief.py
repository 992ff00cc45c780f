"""A landscape seen from above and aside: which part of it each pixel of a picture shows.

A small renderer in NumPy: parallel rays, one for each pixel, go down through the box over the domain until they are
below the surface.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]

MARCHES, HALVINGS = 128, 7
"""Steps of a ray through the box, and bisections of the step in which it meets the surface."""
LIFT = 0.012
"""Up to this height above the surface, a trajectory counts as lying on it."""
BANDS, BAND, WALL = 16, 0.86, 0.4
"""Number of height bands, the darkness of every other one, and that of the sides of the block."""


@dataclass(frozen=True)
class Camera:
    """Where the surface is looked at from; the box is [-1, 1] x [-1, 1] x [0, height].

    Attributes:
        azimuth: Degrees about the vertical, from the picture's own direction.
        elevation: Degrees above the horizon, above 0 to 90.
        height: Of the highest place, in half lengths of the domain.
    """

    azimuth: float
    elevation: float
    height: float

    def axes(self) -> tuple[Floats, Floats, Floats]:
        """Directions to the right, up and towards the eye, of length 1."""
        turn, lift = np.radians(self.azimuth), np.radians(self.elevation)
        right = np.array([np.cos(turn), np.sin(turn), 0.0])
        toward = np.array([np.sin(turn) * np.cos(lift), -np.cos(turn) * np.cos(lift), np.sin(lift)])
        return right, np.cross(toward, right), toward

    def project(self, points: Floats) -> Floats:
        """Places to the right, up and towards the eye [..., 3] of points [..., 3] of the box."""
        return np.asarray(points @ np.stack(self.axes(), axis=1))

    def frame(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of what the box takes in the picture."""
        corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (0, self.height)], dtype=np.float64)
        seen = self.project(corners)
        return seen[:, 0].min(), seen[:, 0].max(), seen[:, 1].min(), seen[:, 1].max()


class Relief:
    """A surface over the box, given by its heights.

    Attributes:
        image: Shade of each pixel [rows, columns], 0 to 1, first row at the bottom; NaN where no surface is seen, or
            one without a height.
        depth: How near to the eye the surface is [rows, columns]; NaN where none is seen.
        frame: Left, right, bottom and top of the picture.
    """

    def __init__(self, heights: Array, camera: Camera, columns: int = 320) -> None:
        """Render the picture.

        Args:
            heights: [rows, columns], 0 to 1, the first row at the bottom; NaN where there is none.
            camera: Where from.
            columns: Of the picture.
        """
        self._heights, self._unknown = filled(heights.astype(np.float64)).clip(0, 1), ~np.isfinite(heights)
        self.camera = camera
        self.frame = camera.frame()
        left, right, bottom, top = self.frame
        rows = max(2, round(columns * (top - bottom) / (right - left)))
        u = left + (np.arange(columns) + 0.5) * (right - left) / columns
        v = bottom + (np.arange(rows) + 0.5) * (top - bottom) / rows
        self.depth = self._march(*np.meshgrid(u, v))
        self.image = self._shaded(*np.meshgrid(u, v))

    def above(self, x: Array, y: Array) -> Floats:
        """The surface's height over places of [-1, 1] x [-1, 1], linear between the heights; NaN outside."""
        rows, columns = self._heights.shape
        column = ((x + 1) / 2 * columns - 0.5).clip(0, columns - 1.000001)
        row = ((y + 1) / 2 * rows - 0.5).clip(0, rows - 1.000001)
        with np.errstate(invalid="ignore"):
            inside = (np.abs(x) <= 1 + 1e-9) & (np.abs(y) <= 1 + 1e-9)
            c, r = np.nan_to_num(column).astype(np.intp), np.nan_to_num(row).astype(np.intp)
        s, t = column - c, row - r
        heights = self._heights
        low = (1 - s) * heights[r, c] + s * heights[r, c + 1]
        high = (1 - s) * heights[r + 1, c] + s * heights[r + 1, c + 1]
        return np.where(inside, self.camera.height * ((1 - t) * low + t * high), np.nan)

    def place(self, points: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Where points [points, 2] of [-1, 1] x [-1, 1] on the surface are in the picture, and which are hidden."""
        z = self.above(points[:, 0], points[:, 1]) + LIFT
        seen = self.camera.project(np.column_stack([points, z]))
        left, right, bottom, top = self.frame
        rows, columns = self.depth.shape
        with np.errstate(invalid="ignore"):
            column = np.nan_to_num((seen[:, 0] - left) / (right - left) * columns).astype(np.intp).clip(0, columns - 1)
            row = np.nan_to_num((seen[:, 1] - bottom) / (top - bottom) * rows).astype(np.intp).clip(0, rows - 1)
            hidden = self.depth[row, column] > seen[:, 2] + 4 * LIFT
        return seen[:, :2], hidden

    def _march(self, u: Floats, v: Floats) -> Floats:
        """How near to the eye the surface is first met by each pixel's ray; NaN where it is not."""
        right, up, toward = self.camera.axes()
        depths = np.full(u.size, np.nan)
        rays = (u[..., None] * right + v[..., None] * up).reshape(-1, 3)
        # From where a ray enters the box to where it leaves it: its floor, or a side.
        with np.errstate(divide="ignore", invalid="ignore"):
            lows, highs = (
                (np.array([-1.0, -1.0, 0.0]) - rays) / toward,
                (np.array([1.0, 1.0, self.camera.height]) - rays) / toward,
            )
        near, far = np.fmin(np.fmax(lows, highs).min(axis=1), 9.0), np.fmax(np.fmin(lows, highs).max(axis=1), -9.0)
        left = np.flatnonzero(near > far)
        for share in np.linspace(0, 1, MARCHES + 1):
            depth = near[left] + share * (far[left] - near[left])
            below = self._below(rays[left], depth)
            hit = left[below]
            step = (near[hit] - far[hit]) / MARCHES if share > 0 else np.zeros(len(hit))
            depths[hit] = self._halved(rays[hit], depth[below] + step, depth[below])
            left = left[~below]
        return depths.reshape(u.shape)

    def _below(self, start: Floats, depth: Floats) -> NDArray[np.bool_]:
        toward = self.camera.axes()[2]
        at = start + depth[..., None] * toward
        with np.errstate(invalid="ignore"):
            return np.asarray(at[..., 2] <= self.above(at[..., 0], at[..., 1]) + 1e-9)

    def _halved(self, start: Floats, before: Floats, after: Floats) -> Floats:
        for _ in range(HALVINGS):
            middle = (before + after) / 2
            below = self._below(start, middle)
            before, after = np.where(below, before, middle), np.where(below, middle, after)
        return after

    def _shaded(self, u: Floats, v: Floats) -> Floats:
        """Brighter where it is higher and where it faces the light, which comes from the upper left."""
        right, up, toward = self.camera.axes()
        at = u[..., None] * right + v[..., None] * up + self.depth[..., None] * toward
        x, y = at[..., 0], at[..., 1]
        rows, columns = self._heights.shape
        surface = self._heights * self.camera.height
        slope_y, slope_x = (np.asarray(slope) for slope in np.gradient(surface, 2 / rows, 2 / columns))
        with np.errstate(invalid="ignore"):
            r = np.nan_to_num((y + 1) / 2 * rows).astype(np.intp).clip(0, rows - 1)
            c = np.nan_to_num((x + 1) / 2 * columns).astype(np.intp).clip(0, columns - 1)
        normal = np.stack([-slope_x[r, c], -slope_y[r, c], np.ones(u.shape)], axis=-1)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        light: Floats = np.asarray(-0.6 * right + 0.35 * up + 0.6 * toward)
        lit = (normal @ (light / np.linalg.norm(light))).clip(0, 1)
        height = self.above(x, y)
        shade = (0.12 + 0.88 * height / self.camera.height) * (0.4 + 0.6 * lit)
        # Bands rather than lines: a terminal shows every sixth pixel or so.
        with np.errstate(invalid="ignore"):
            odd = np.floor(height / self.camera.height * BANDS) % 2 == 1
        shade *= np.where(at[..., 2] < height - LIFT, WALL, np.where(odd, BAND, 1.0))
        return np.where(np.isfinite(self.depth) & ~self._unknown[r, c], shade, np.nan)


def filled(heights: Floats) -> Floats:
    """The heights, those without one between their neighbours': no cliff shows where there is nothing to show.

    >>> filled(np.array([[np.nan, 0.2, np.nan], [np.nan, 0.4, 0.8]])).round(2).tolist()
    [[0.3, 0.2, 0.47], [0.3, 0.4, 0.8]]
    """
    heights = np.where(np.isfinite(heights), heights, np.nan)
    if np.isnan(heights).all():
        return np.zeros_like(heights)
    rows, columns = heights.shape
    while np.isnan(heights).any():
        around = np.pad(heights, 1, constant_values=np.nan)
        beside = np.stack([around[r : r + rows, c : c + columns] for r in range(3) for c in range(3)])
        there = np.isfinite(beside)
        means = np.where(there, beside, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
        heights = np.where(np.isnan(heights) & there.any(axis=0), means, heights)
    return heights
