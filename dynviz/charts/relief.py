"""A landscape seen from above and aside: which part of it each pixel of a picture shows.

A small renderer in NumPy: parallel rays, one for each pixel, meet the surface where it is first higher in the picture
than all that is nearer.
"""

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.frozen import frozen
from dynviz.scene.refining import refined

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]

STEPS = 960
"""Places along a line away from the eye."""
FINE = 240
"""Rows and columns of the surface at least."""
LIFT = 0.012
"""Up to this height above the surface, a trajectory counts as lying on it."""
BANDS = 14
"""Lines of equal height divide the surface into so many bands."""
AMBIENT, DIRECT = 0.45, 0.62
"""How bright a surface in the shade is, and what the light adds."""


@frozen
class Camera:
    """Where the surface is looked at from; the box is [-1, 1] x [-1, 1] x [0, height].

    Attributes:
        azimuth: Degrees about the vertical, from the picture's own direction.
        elevation: Degrees above the horizon, above 0 to 90.
        height: Of the highest place, in half lengths of the domain.
        orbit: Degrees by which it goes around the box from the first to the last step.
    """

    azimuth: float
    elevation: float
    height: float
    orbit: float = 0.0

    def turned(self, share: float) -> "Camera":
        """The camera after this share of its orbit.

        >>> Camera(-30, 40, 1, orbit=90).turned(0.5).azimuth
        15.0
        """
        return replace(self, azimuth=self.azimuth + self.orbit * share)

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
        if self.orbit:
            # The same for all directions: what the cylinder around the box takes.
            lift, half = np.radians(self.elevation), np.sqrt(2)
            high = half * np.sin(lift) + self.height * np.cos(lift)
            return -half, half, -half * float(np.sin(lift)), float(high)
        corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (0, self.height)], dtype=np.float64)
        seen = self.project(corners)
        return seen[:, 0].min(), seen[:, 0].max(), seen[:, 1].min(), seen[:, 1].max()


class Relief:
    """A surface over the box, given by its heights.

    Attributes:
        heights: Of what each pixel shows [rows, columns], 0 to 1, first row at the bottom; NaN where nothing is seen.
        light: How bright it is.
        lines: Where a line of equal height runs.
        walls: Where a side of the block is seen.
        unknown: Where there is a surface without a height.
        depth: How near to the eye it is [rows, columns]; NaN where nothing is seen.
        frame: Left, right, bottom and top of the picture.
    """

    def __init__(self, heights: Array, camera: Camera, columns: int = 960) -> None:
        """Render the picture.

        Args:
            heights: [rows, columns], 0 to 1, the first row at the bottom; NaN where there is none.
            camera: Where from.
            columns: Of the picture.
        """
        known = np.isfinite(heights)
        self._heights = _fine(filled(heights.astype(np.float64))).clip(0, 1)
        self.camera, self.frame = camera, camera.frame()
        left, right, bottom, top = self.frame
        rows = max(2, round(columns * (top - bottom) / (right - left)))
        u = left + (np.arange(columns) + 0.5) * (right - left) / columns
        v = bottom + (np.arange(rows) + 0.5) * (top - bottom) / rows
        away, self.walls = self._seen(u, v)
        x, y = self._places(u, away)
        sine, cosine = np.sin(np.radians(camera.elevation)), np.cos(np.radians(camera.elevation))
        # Straight from above there are no walls.
        rise = (v[:, None] - away * sine) / max(cosine, 1e-9)
        z = np.where(self.walls, rise, self.above(x, y))
        self.depth = z * sine - away * cosine
        self.heights = z / camera.height
        self.light = self._lit(x, y)
        self.lines = _lines(self.heights, away, self.walls)
        row, column = self._nearest(x, y, known.shape)
        self.unknown = ~known[row, column] & np.isfinite(self.depth)

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

    def _places(self, u: Floats, away: Floats) -> tuple[Floats, Floats]:
        """Places of the plane so far to the right [columns] and away from the eye [..., columns]."""
        turn = np.radians(self.camera.azimuth)
        x = u * np.cos(turn) - away * np.sin(turn)
        y = u * np.sin(turn) + away * np.cos(turn)
        return x, y

    def _seen(self, u: Floats, v: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """How far away what each pixel shows is [rows, columns], NaN where it is nothing, and where it is a wall.

        By a floating horizon: from the nearest place to the farthest, what is higher in the picture than all before.
        """
        near, far = self._crossed(u)
        sine, cosine = np.sin(np.radians(self.camera.elevation)), np.cos(np.radians(self.camera.elevation))
        away = near + (far - near) * np.linspace(0, 1, STEPS)[:, None]
        with np.errstate(invalid="ignore"):
            inside = self.above(*(np.clip(part, -1, 1) for part in self._places(u, away)))
        upward = away * sine + inside * cosine
        horizon = np.maximum.accumulate(upward, axis=0)
        places = np.full((len(v), len(u)), np.nan)
        walls = np.zeros(places.shape, np.bool_)
        for column in np.flatnonzero(far > near):
            found = np.searchsorted(horizon[:, column], v)
            first = np.maximum(found, 1).clip(max=STEPS - 1)
            low, high = horizon[first - 1, column], horizon[first, column]
            # Between two places that are both seen; where one rises from behind another it is the farther one.
            rising = (upward[first - 1, column] >= low) & (high > low)
            share = np.where(rising, (v - low) / np.where(high > low, high - low, 1.0), 1.0).clip(0, 1)
            at = away[first - 1, column] + share * (away[first, column] - away[first - 1, column])
            wall = (found == 0) & (v >= near[column] * sine)
            places[:, column] = np.where(wall, near[column], np.where((found > 0) & (found < STEPS), at, np.nan))
            walls[:, column] = wall
        return places, walls

    def _crossed(self, u: Floats) -> tuple[Floats, Floats]:
        """Where lines away from the eye enter and leave the plane [columns]; the first is above the second outside."""
        turn = np.radians(self.camera.azimuth)
        near, far = np.full(len(u), -9.0), np.full(len(u), 9.0)
        for start, step in ((u * np.cos(turn), -np.sin(turn)), (u * np.sin(turn), np.cos(turn))):
            if abs(step) < 1e-12:
                far = np.where(np.abs(start) <= 1, far, -9.0)
                continue
            ends = np.sort(np.stack([(-1 - start) / step, (1 - start) / step]), axis=0)
            near, far = np.maximum(near, ends[0]), np.minimum(far, ends[1])
        return near, far

    def _nearest(self, x: Floats, y: Floats, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The row and column of a grid that places of the plane are in."""
        with np.errstate(invalid="ignore"):
            row, column = (
                np.nan_to_num((at + 1) / 2 * count).astype(np.intp).clip(0, count - 1)
                for at, count in zip((y, x), shape, strict=True)
            )
        return row, column

    def _lit(self, x: Floats, y: Floats) -> Floats:
        """Brighter where the surface faces the light, which comes from the upper left; walls are not lit."""
        right, up, toward = self.camera.axes()
        rows, columns = self._heights.shape
        surface = self._heights * self.camera.height
        slope_y, slope_x = (np.asarray(slope) for slope in np.gradient(surface, 2 / rows, 2 / columns))
        r, c = self._nearest(x, y, surface.shape)
        normal = np.stack([-slope_x[r, c], -slope_y[r, c], np.ones(x.shape)], axis=-1)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        light: Floats = np.asarray(-0.6 * right + 0.35 * up + 0.6 * toward)
        lambert = (normal @ (light / np.linalg.norm(light))).clip(0, 1)
        return np.where(self.walls, 1.0, AMBIENT + DIRECT * lambert)


def _fine(heights: Floats) -> Floats:
    """Heights on a grid fine enough that no facets are seen."""
    rows, columns = (max(count, FINE) for count in heights.shape)
    if min(heights.shape) < 3 or (rows, columns) == heights.shape:
        return heights
    places = (
        (np.arange(many) + 0.5) * count / many - 0.5 for many, count in zip((rows, columns), heights.shape, strict=True)
    )
    return refined(heights, *places)


def _lines(heights: Floats, away: Floats, walls: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where the band of a pixel's height differs from that of its neighbour below or to the left on the surface."""
    with np.errstate(invalid="ignore"):
        band = np.floor(np.where(walls, np.nan, heights) * BANDS)
    lines = np.zeros(heights.shape, np.bool_)
    step = 12 * 2 / STEPS
    with np.errstate(invalid="ignore"):
        for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
            near = np.abs(away[here] - away[there]) < step
            lines[here] |= near & (np.abs(band[here] - band[there]) > 0)
    return lines


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
