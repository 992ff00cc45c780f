"""The landscape in three dimensions, and the trajectories over it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.edges import drawn, edges
from dynviz.charts.forks import own_from, without_past
from dynviz.charts.ground import extent_of, facts_of, grouped, heights, need_plane, plane, surface_title
from dynviz.charts.ground import ground as contours
from dynviz.charts.limits import finite
from dynviz.charts.moving import MovingPanel, film, union
from dynviz.charts.numbers import significant
from dynviz.charts.relief import Camera, Relief
from dynviz.charts.relief_picture import HIDDEN, ReliefPicture, box_axes, nested, orbiting
from dynviz.charts.samples import Latest, has, lined
from dynviz.charts.series import series
from dynviz.charts.settings import parted
from dynviz.charts.trails import exits, label, starts
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Panel, Points, Text
from dynviz.scene.ticks import Tick, ticks
from dynviz.views.path import over

Array: TypeAlias = NDArray[Any]

LEVELS = 11
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
    orbit: float = 0.0,
    lanes: int = 8,
) -> Film:
    """Recordings on the same landscape share a panel; parts hidden behind a hill are faint.

    In a terminal, whose cells are too coarse for a surface, contours are drawn instead.

    Heights are scaled like the contours of view path: logarithmically, or linearly if the function asks for it.

    Args:
        recordings: What is shown.
        azimuth: Viewing direction, in degrees about the vertical.
        elevation: Viewing angle above the horizontal, in degrees, 10 to 90.
        height: Height of the highest point, relative to half the side of the domain.
        orbit: Degrees by which the camera goes around the surface during the run.
        lanes: Maximum number of lanes drawn per recording.
    """
    need_plane("surface3d", recordings)
    recordings = parted(recordings)
    if not (10 <= elevation <= 90 and np.isfinite(azimuth + orbit) and 0 < height <= 4 and lanes >= 1):
        raise DynvizError(
            f"view surface3d takes elevation from 10 to 90, height above 0 to 4, lanes from 1; "
            f"not {elevation:g}, {height:g}, {lanes}, with azimuth={azimuth:g}, orbit={orbit:g}"
        )
    camera = Camera(azimuth, elevation, height, orbit)
    panels = [_panel(recordings, group, camera, lanes) for group in grouped(recordings)]
    if any(has(recording, "loss") for recording in recordings):
        panels.append(series(recordings, "loss"))
    return film(recordings, panels)


def _panel(recordings: Sequence[Recording], group: Sequence[int], camera: Camera, lanes: int) -> MovingPanel:
    steps = union([recordings[index].steps("position") for index in group])
    seen = orbiting(camera, int(steps[-1]), lambda turned: _seen(recordings, group, turned, lanes))
    return MovingPanel(steps, lambda step: seen(step)(step))


def _seen(recordings: Sequence[Recording], group: Sequence[int], camera: Camera, lanes: int) -> Callable[[int], Panel]:
    """The panel as the camera sees it, by the step."""
    first = recordings[group[0]]
    relief = Relief(_heights(first), camera)
    picture = ReliefPicture(relief, extent_of(first))
    tags = caption.tags(recordings)
    ground = picture.ground()
    rise, meaning = _rise(first)
    optima, hidden = picture.place(facts_of(first).optima(2))
    ground += drawn(edges(camera, plane(first)[:2], rise), picture.spot)
    for seen, alpha in ((~hidden, 1.0), (hidden, HIDDEN)):
        if seen.any():
            ground.append(Points(optima[seen, 0], optima[seen, 1], "rim", 6.0, "ring", alpha=alpha))
    if len(optima):
        x, y = optima[0].tolist()
        ground.append(Text(x, y, "minimum" if len(optima) == 1 else "minima", "text", "beside"))
    begins = starts([recordings[index] for index in group], lanes)
    rings, behind = picture.place(np.column_stack([begins.x, begins.y]))
    ground.append(replace(begins, x=rings[~behind, 0], y=rings[~behind, 1]))
    own = own_from(recordings)
    trajectories = [
        picture.trajectory(steps, without_past(positions, steps, own[index]), tags[index].color)
        for index in group
        for lane in evenly(len(recordings[index].seeds), lanes)
        for steps, positions in [lined(recordings[index], "position", lane)]
    ]
    heads = [Latest(recordings[index], "position", picture.heads(lanes, tags[index].color)) for index in group]
    left_by = [exits(recordings[index], tags[index]) for index in group]
    names = [label(recordings[index], tags[index], picture.seen) for index in group if tags[index].name]
    arrows = picture.arrows()
    readouts = tuple(
        replace(tags[index], text=caption.lanes(lanes, of=count) if lanes < count else "", labelled=lanes >= count)
        for index in group
        for count in [len(recordings[index].seeds)]
        if tags[index].name or lanes < count
    )
    title = surface_title(recordings, group)
    x, y = box_axes(picture, meaning)
    # Where a lane has no place any more, it is said who and when.
    lost = not all(finite(recordings[index]["position"][-1]).all() for index in group)
    plan = over(recordings, group, contours(first, "contours", LEVELS), lanes=lanes)

    def at(step: int) -> Panel:
        moved = [line for trajectory in trajectories for line in trajectory.at(step)]
        balls = nested([ball.at(step) for ball in heads])
        out = [mark for one in left_by for mark in one.at(step, arrows, picture.seen)]
        marks = (*ground, *moved, *balls, *out, *(name.at(step) for name in names))
        above = plan.at(step)
        return Panel(title, x, y, marks, above.readouts if lost else readouts, square=True, plan=above)

    return at


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
