"""The landscape in three dimensions, and the trajectories over it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.edges import drawn, edges
from dynviz.charts.ground import extent_of, facts_of, grouped, heights, need_plane, plane
from dynviz.charts.ground import ground as contours
from dynviz.charts.limits import finite
from dynviz.charts.moving import MovingPanel, film, union
from dynviz.charts.numbers import significant
from dynviz.charts.relief import Camera, Relief
from dynviz.charts.samples import Latest, has
from dynviz.charts.series import series
from dynviz.charts.settings import parted
from dynviz.charts.trails import starts
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Bars, Field, Line, Mark, Panel, Points
from dynviz.scene.norm import Norm
from dynviz.scene.ticks import Tick, ticks
from dynviz.views.path import over

Array: TypeAlias = NDArray[Any]

BLOCK = 6
"""Columns that are covered together, far from the surface."""
LEFT, RIGHT, MARGIN = 0.12, 0.92, 0.08
"""Where the picture is on its axes: between whole numbers, and with room for the words of its own axes around it."""
HIDDEN = 0.4
"""How solid the star of an optimum behind a hill is."""
LEVELS = 10
"""Contours of the plan."""
RISE = 4
"""Ticks of the height."""
NOTHING = 0.05
"""A lowest value under this share of the lowest tick above it is drawn as zero."""


def view(
    recordings: Sequence[Recording],
    *,
    azimuth: float = -35.0,
    elevation: float = 40.0,
    height: float = 0.9,
    lanes: int = 8,
) -> Film:
    """Open the view. Recordings on the same landscape share a panel; what is behind a hill is dotted.

    In a terminal, whose cells are too coarse for it, the same is drawn as contours.

    Heights are spaced as the contours of view path are: by factors, or evenly where the landscape says so.

    Args:
        recordings: What is shown.
        azimuth: From where, in degrees about the vertical.
        elevation: From how high, in degrees, 10 to 90.
        height: Of the highest place, in half lengths of the domain.
        lanes: So many lanes of a recording are drawn at most.
    """
    need_plane("surface3d", recordings)
    recordings = parted(recordings)
    if not (10 <= elevation <= 90 and np.isfinite(azimuth) and 0 < height <= 4 and lanes >= 1):
        raise DynvizError(
            f"view surface3d takes elevation from 10 to 90, height above 0 to 4, lanes from 1; "
            f"not {elevation:g}, {height:g}, {lanes}, with azimuth={azimuth:g}"
        )
    camera = Camera(azimuth, elevation, height)
    panels = [_panel(recordings, group, camera, lanes) for group in grouped(recordings)]
    if any(has(recording, "loss") for recording in recordings):
        panels.append(series(recordings, "loss"))
    return film(recordings, panels)


def _panel(recordings: Sequence[Recording], group: Sequence[int], camera: Camera, lanes: int) -> MovingPanel:
    first = recordings[group[0]]
    relief = Relief(_heights(first), camera)
    picture = ReliefPicture(relief, extent_of(first))
    tags = caption.tags(recordings)
    ground = picture.ground()
    rise, meaning = _rise(first)
    stars, hidden = picture.place(facts_of(first).optima(2))
    ground += drawn(edges(camera, plane(first)[:2], rise), picture.spot)
    for seen, alpha in ((~hidden, 1.0), (hidden, HIDDEN)):
        if seen.any():
            ground.append(Points(stars[seen, 0], stars[seen, 1], "text", 8.0, "star", alpha=alpha))
    begins = starts([recordings[index] for index in group], lanes)
    rings, behind = picture.place(np.column_stack([begins.x, begins.y]))
    ground.append(replace(begins, x=rings[~behind, 0], y=rings[~behind, 1]))
    lines = [
        line
        for index in group
        for lane in evenly(len(recordings[index].seeds), lanes)
        for line in picture.trajectory(
            recordings[index], lane, tags[index].color, tags[index].name if lane == 0 else ""
        )
    ]
    heads = [Latest(recordings[index], "position", picture.heads(lanes, tags[index].color)) for index in group]
    readouts = tuple(
        replace(tags[index], text=caption.lanes(lanes, of=count) if lanes < count else "")
        for index in group
        for count in [len(recordings[index].seeds)]
        if tags[index].name or lanes < count
    )
    title = facts_of(first).function or "surface"
    left, right, bottom, top = picture.box
    x = Axis((left - 1.25 * MARGIN, right + 0.75 * MARGIN), whole=True)
    y = Axis((bottom - MARGIN, top + MARGIN / 4), label=meaning, whole=True)
    # Where a lane has no place any more, it is said who and when.
    lost = not all(finite(recordings[index]["position"][-1]).all() for index in group)
    plan = over(recordings, group, contours(first, "contours", LEVELS), lanes=lanes)

    def at(step: int) -> Panel:
        moved = [line.at(step) for line in lines]
        balls = [ball.at(step) for ball in heads]
        marks = (*ground, *moved, *balls)
        above = plan.at(step)
        return Panel(title, x, y, marks, above.readouts if lost else readouts, square=True, plan=above)

    return MovingPanel(union([ball.steps for ball in heads]), at)


def _points(at: Array, color: str, size: float) -> Points:
    return Points(at[:, 0], at[:, 1], color, size)


def _heights(recording: Recording) -> Array:
    """The landscape's heights, 0 to 1."""
    values = recording["landscape"][0, 0].astype(np.float64)
    lowest, norm = heights(recording)
    above = np.where(finite(values), values - lowest, np.nan)
    if norm.scale == "linear":
        return above / norm.high
    return np.asarray(np.log1p(above / norm.low) / np.log1p(norm.high / norm.low))


def _rise(recording: Recording) -> tuple[list[tuple[float, Tick]], str]:
    """Ticks of the values, where they are on the upright edge, 0 to 1, and what these are if not the values themselves.

    Heights that are spaced by factors above the lowest value have ticks of what is above it, unless that is zero.
    """
    lowest, norm = heights(recording)
    if norm.scale == "linear":
        values = ticks(Axis((lowest, lowest + norm.high)), RISE)
        return [((tick.value - lowest) / norm.high, tick) for tick in values], ""
    above = ticks(Axis((norm.low, norm.high), norm.scale), RISE)
    shares = [float(np.log1p(tick.value / norm.low) / np.log1p(norm.high / norm.low)) for tick in above]
    first = above[0].value if above else norm.low
    name = f"heights above {significant(lowest, 3)}" if abs(lowest) > NOTHING * first else ""
    return [(0.0, Tick(0.0, "0")), *zip(shares, above, strict=True)], name


class ReliefPicture:
    """A relief as marks, and places of the plane in it."""

    def __init__(self, relief: Relief, extent: tuple[float, float, float, float]) -> None:
        self._relief = relief
        self._extent = np.array(extent)
        rows, columns = relief.image.shape
        # A steep look at a tall box is no longer than wide: its picture fits between two whole numbers, too.
        wide = (RIGHT - LEFT) * min(1.0, columns / rows)
        self.box = (LEFT, LEFT + wide, LEFT, LEFT + wide * rows / columns)

    def ground(self) -> list[Mark]:
        """The surface. What is not surface is covered by bars in the colour of the ground."""
        left, right, bottom, top = self.box
        there = np.isfinite(self._relief.depth)
        rows, columns = there.shape
        wide, tall = (right - left) / columns, (top - bottom) / rows
        used = np.flatnonzero(there.any(axis=0))
        seen = there[:, used]
        low, high = seen.argmax(axis=0), rows - seen[::-1].argmax(axis=0)
        # What has a place but no height stays NaN, and is hatched.
        image = np.where(seen, self._relief.image[:, used], 0.0)
        extent = (left + used[0] * wide, left + (used[-1] + 1) * wide, bottom, top)
        x = left + (used + 0.5) * wide
        # Far from the surface by blocks of columns, which lie over the seams of the columns' own bars.
        starts = np.unique(np.minimum(np.arange(0, len(used), BLOCK), max(len(used) - BLOCK, 0)))
        far_low = np.array([low[start : start + BLOCK].min() for start in starts])
        far_high = np.array([high[start : start + BLOCK].max() for start in starts])
        middles, block = left + (used[starts] + BLOCK / 2) * wide, (BLOCK + 1) * wide
        # A little wider than a column, and past the edges of the picture.
        return [
            Field(image, extent, Norm(0.0, 1.0)),
            Bars(x, bottom + low * tall, "ground", 1.1 * wide, base=bottom - MARGIN / 2),
            Bars(x, bottom + high * tall, "ground", 1.1 * wide, base=top + MARGIN / 2),
            Bars(middles, bottom + far_low * tall, "ground", block, base=bottom - MARGIN / 2),
            Bars(middles, bottom + far_high * tall, "ground", block, base=top + MARGIN / 2),
            # Where the field ends, a backend may mix its colours with the ground's.
            Bars(
                np.array([extent[0] - wide, extent[1] + wide]),
                np.full(2, top + MARGIN / 2),
                "ground",
                4.0 * wide,
                base=bottom - MARGIN / 2,
            ),
        ]

    def place(self, points: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Where points [points, 2] of the plane are in the picture, NaN outside the domain, and which are hidden."""
        left, right, bottom, top = self._extent
        middle, half = np.array([left + right, bottom + top]) / 2, np.array([right - left, top - bottom]) / 2
        seen, hidden = self._relief.place((points.astype(np.float64) - middle) / half)
        return self._shown(seen), hidden

    def spot(self, points: Array) -> Array:
        """Where points [points, 3] of the box are in the picture."""
        return self._shown(self._relief.camera.project(points)[:, :2])

    def _shown(self, seen: Array) -> Array:
        low_u, high_u, low_v, high_v = self._relief.frame
        share = (seen - [low_u, low_v]) / [high_u - low_u, high_v - low_v]
        left, right, bottom, top = self.box
        return np.asarray(np.array([left, bottom]) + share * [right - left, top - bottom])

    def trajectory(self, recording: Recording, lane: int, color: str, name: str) -> list[Line]:
        """The part of a lane's trajectory that is seen, and the part that is behind something."""
        positions = recording["position"][:, lane]
        points, hidden = self.place(np.where(finite(positions), positions, np.nan))
        steps = recording.steps("position")
        seen, behind = (np.where((hidden == side)[:, None], points, np.nan) for side in (False, True))
        line = Line(seen[:, 0], seen[:, 1], color, name, along=steps, width=1.8, ghost=False, dot=False)
        parts = line, replace(line, x=behind[:, 0], y=behind[:, 1], label="", dash="dotted", width=0.8)
        return [part for part in parts if np.isfinite(part.x).any()]

    def heads(self, lanes: int, color: str) -> Callable[[Array], Points]:
        """A function of positions [samples, lanes, 2]: where so many lanes are now."""

        def heads(past: Array) -> Points:
            now = past[-1, evenly(past.shape[1], lanes)]
            points, _ = self.place(np.where(finite(now), now, np.nan))
            return _points(points[np.isfinite(points).all(axis=1)], color, 7.0)

        return heads
