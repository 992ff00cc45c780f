"""The loss on a plane through the parameters, and how faithful it is to the run."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from dynviz.charts import caption, endings
from dynviz.charts.honesty import RANDOM, Fading, Shown, explained, meters, projections, shown
from dynviz.charts.limits import finite
from dynviz.charts.moving import MovingPanel, film, union
from dynviz.charts.numbers import significant
from dynviz.charts.plane_terrain import LossPlane, terrain
from dynviz.charts.relief import Camera
from dynviz.charts.relief_picture import orbiting
from dynviz.errors import DynvizError, unknown
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.recording.projections import Projection
from dynviz.scene.marks import NOT_FINITE, Axis, Contours, Extent, Field, Mark, Panel, Points, Readout
from dynviz.scene.norm import Norm

Ground: TypeAlias = Literal["auto", "terrain", "heat", "contours"]

HEIGHT = 0.9
"""Of the highest loss of a terrain, in half lengths of its side."""
REACH = 0.98
"""The share of a plane's values that the colours tell apart: in its corners a loss can be a thousand times as large."""
EDGE = 0.06
"""Nearer to the edge of a plane, as a share of its sides, its lowest place has no star."""
AXES = {
    "pca": "principal component {}",
    "filter": "filter-normalised direction {}",
    "gaussian": "random direction {}",
    "between": "towards network {}",
}


def view(
    recordings: Sequence[Recording],
    *,
    projection: str = "",
    loss: str = "",
    ground: Ground = "auto",
    levels: int = 12,
    low: float = 0.0,
    high: float = 0.0,
    azimuth: float = -35.0,
    elevation: float = 54.0,
    orbit: float = 0.0,
) -> Film:
    """The trajectory is dashed where it leaves the plane, and dotted where it is far from it.

    Planes along random directions are terrains, on which a trajectory is drawn where it is close to the plane. In a
    terminal, whose cells are too coarse for a surface, they are heat maps. Since such a plane knows nothing of the
    trajectory, the panels on its faithfulness are left out.

    Args:
        recordings: What is shown; each projected with `dynviz project`.
        projection: Name of the projection; by default the newest plane.
        loss: Which loss to draw; by default all of a single recording, or the first of several recordings.
        ground: How the loss is drawn; contours, colours and heights are evenly spaced on a logarithmic scale. `auto` is
            a terrain along random directions, else a heat map.
        levels: Number of contours.
        low: The loss at which colours and heights begin, so that pictures share them; 0: the lowest one.
        high: The loss at which they end; 0: that of the highest but a fiftieth of all.
        azimuth: Direction from which a terrain is seen, in degrees about the vertical.
        elevation: Angle from which a terrain is seen, in degrees above the horizontal, 10 to 90.
        orbit: Degrees by which the camera goes around a terrain during the run.
    """
    if not (10 <= elevation <= 90 and np.isfinite(azimuth + orbit)):
        raise DynvizError(
            f"view landscape takes elevation from 10 to 90; not {elevation:g}, "
            f"with azimuth={azimuth:g}, orbit={orbit:g}"
        )
    if low < 0 or high < 0 or 0 < high <= low:
        raise DynvizError(f"view landscape takes low and high from 0, the lower one first; not {low:g}, {high:g}")
    planes = projections("landscape", recordings, projection, plane=True)
    rows = shown(recordings, planes)
    wanted = [_losses(plane, loss, alone=len(planes) == 1) for plane in planes]
    grids = [plane.values[index] for plane, chosen in zip(planes, wanted, strict=True) for index in chosen]
    norm = _norm(grids, low, high)
    label = _colors(norm, grids)
    blind = all(plane.about.directions in RANDOM for plane in planes)
    kind: Ground = ("terrain" if blind else "heat") if ground == "auto" else ground
    camera = Camera(azimuth, elevation, HEIGHT, orbit) if kind == "terrain" else None
    panels = []
    for recording, plane, row, chosen in zip(recordings, planes, rows, wanted, strict=True):
        for index in chosen:
            drawn = _ground(plane, index, (kind, levels), norm, label)
            flat = _plane(plane, index, row, drawn, caption.words(plane.about.losses[index], recording))
            losses = LossPlane(plane.values[index], _extent(plane), norm)
            panels.append(flat if camera is None else _terrain(losses, row, flat, camera))
    # A random plane explains next to nothing of any trajectory; a line of words says so.
    honesty = [] if blind else meters(recordings, planes, [one for row in rows for one in row])
    # How far from the plane a trajectory is, its dashes say.
    story = [*panels, *honesty[:1]]
    title = caption.words(planes[0].about.losses[wanted[0][0]], recordings[0])
    what, last = f"{title.split(',')[0]} on the plane", max(one.recorded for one in recordings)
    told = endings.spans(what, grids, [row[0].name for row in rows], last) if len(grids) == len(rows) else ()
    whole = film(recordings, [*panels, *honesty], told=told)
    return replace(whole, story=lambda: _led(film(recordings, story, told=told), len(panels))) if honesty else whole


def _led(film: Film, lead: int) -> Film:
    """The film with so many panels in the lead."""
    return replace(film, scene=lambda step: replace(film.scene(step), lead=lead))


def _losses(projection: Projection, loss: str, *, alone: bool) -> list[int]:
    names = projection.about.losses
    if loss:
        if loss not in names:
            raise unknown("loss of the projection", loss, names)
        return [names.index(loss)]
    return list(range(len(names))) if alone else [0]


def _norm(values: Sequence[np.ndarray], least: float, most: float) -> Norm:
    known = np.concatenate([grid.ravel() for grid in values])
    known = known[finite(known)]
    if not known.size:
        return Norm(0.0, 1.0)
    low, high = least or float(known.min()), most or float(np.quantile(known, REACH))
    if low <= 0:
        return Norm(low, max(high, low + 1e-12))
    return Norm(low, max(high, low * (1 + 1e-9)), "log")


def _ground(projection: Projection, index: int, drawn: tuple[Ground, int], norm: Norm, label: str) -> list[Mark]:
    kind, levels = drawn
    values = projection.values[index]
    extent = _extent(projection)
    seen = np.where(finite(values), values, np.nan)
    spaced = (np.geomspace if norm.scale == "log" else np.linspace)(norm.low, norm.high, levels + 1)[1:]
    contours = Contours(seen, extent, tuple(spaced.tolist()), "muted", missing="" if kind == "heat" else NOT_FINITE)
    return [Field(seen, extent, norm, "valley", label=label), contours] if kind == "heat" else [contours]


def _is_inside(row: int, column: int, shape: tuple[int, ...]) -> bool:
    """Whether a place of a grid is so far from its edge that a star there is whole."""
    across, upward = (max(1, round(EDGE * count)) for count in (shape[1], shape[0]))
    return upward <= row < shape[0] - upward and across <= column < shape[1] - across


def _colors(norm: Norm, values: Sequence[np.ndarray]) -> str:
    """What the ends of the colours stand for: those of the largest losses are one."""
    low, high = (significant(end, 2) for end in (norm.low, norm.high))
    more = any((grid[finite(grid)] > norm.high).any() for grid in values)
    return f"loss {low} to {'≥ ' if more else ''}{high}"


def _extent(projection: Projection) -> Extent:
    """The edges of the outermost pixels, half a step beyond the outermost points."""
    ends = []
    for axis in projection.axes:
        half = (axis[-1] - axis[0]) / (len(axis) - 1) / 2
        ends += [float(axis[0] - half), float(axis[-1] + half)]
    return ends[0], ends[1], ends[2], ends[3]


def _square(projection: Projection) -> bool:
    """Whether both directions are as good as alike: random ones. Others are drawn as wide as there is room."""
    one, other = projection.lengths
    return projection.about.directions in ("filter", "gaussian") and 0.9 < one / other < 1.1


def _terrain(losses: LossPlane, row: Sequence[Shown], flat: MovingPanel, camera: Camera) -> MovingPanel:
    """The plane as a terrain, whose plan is flat."""
    plan = flat.at(int(flat.steps[0]))
    # The names of the directions stand in the words of the title: along the edges there is no room for them.
    axes = replace(plan.x, label=""), replace(plan.y, label="")
    above = orbiting(camera, int(flat.steps[-1]), lambda turned: terrain(losses, axes, row, turned))
    return MovingPanel(flat.steps, lambda step: above(step)(flat.at(step), step))


def _plane(projection: Projection, index: int, row: Sequence[Shown], ground: list[Mark], title: str) -> MovingPanel:
    about, extent = projection.about, _extent(projection)
    fading = [Fading(one, one.path.place[:, 0], one.path.place[:, 1]) for one in row]
    values = np.where(finite(projection.values[index]), projection.values[index], np.inf)
    upward, across = divmod(int(values.argmin()), values.shape[1])
    # At its edge a plane ends, and not the loss.
    inside = slice(across, across + 1) if _is_inside(upward, across, values.shape) else slice(0)
    lowest = Points(
        projection.axes[0][inside],
        projection.axes[1][slice(upward, upward + 1) if inside.stop else inside],
        "text",
        8.0,
        "star",
        "lowest" if inside.stop else "",
    )
    words = [AXES.get(about.directions, "direction {}").format(place) for place in (1, 2)]
    x, y = Axis(extent[:2], label=words[0]), Axis(extent[2:], label=words[1])
    square = _square(projection)
    first = row[0]
    held = explained([projection], [first]) or ((Readout("", first.color, first.name),) if first.name else ())

    def at(step: int) -> Panel:
        trajectories = (mark for trajectory in fading for mark in trajectory.at(step))
        return Panel(title, x, y, (*ground, lowest, *trajectories), held, square)

    return MovingPanel(union([one.path.steps for one in row]), at)
