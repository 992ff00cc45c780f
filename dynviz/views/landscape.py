"""The loss on a plane through the parameters, the way on it, how honest it is."""

from collections.abc import Sequence

import numpy as np

from dynviz.charts import caption
from dynviz.charts.ground import Ground
from dynviz.charts.honesty import Fading, Shown, meters, projections, shown
from dynviz.charts.limits import finite
from dynviz.charts.moving import MovingPanel, film, union
from dynviz.charts.numbers import percent, significant
from dynviz.errors import unknown
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.recording.projections import Projection
from dynviz.scene.marks import Axis, Contours, Extent, Field, Mark, Panel, Points, Readout
from dynviz.scene.norm import Norm

REACH = 0.98
"""The share of a plane's values that the colours tell apart: in its corners a loss can be a thousand times as large."""
AXES = {
    "pca": "principal component {}",
    "filter": "filter-normalised direction {}",
    "gaussian": "random direction {}",
    "between": "towards network {}",
}


def view(
    recordings: Sequence[Recording], *, projection: str = "", loss: str = "", ground: Ground = "heat", levels: int = 12
) -> Film:
    """Open the view. The trajectory is dashed where it is off the plane, dotted where most of it is.

    Args:
        recordings: What is shown; each projected with `dynviz project`.
        projection: Its name; by default the newest plane.
        loss: Which; by default all of one recording, the first of several.
        ground: How the loss is drawn; both kinds are spaced by factors.
        levels: How many contours.
    """
    planes = projections("landscape", recordings, projection, plane=True)
    rows = shown(recordings, planes)
    wanted = [_losses(plane, loss, alone=len(planes) == 1) for plane in planes]
    grids = [plane.values[index] for plane, chosen in zip(planes, wanted, strict=True) for index in chosen]
    norm = _norm(grids)
    label = _colors(norm, grids)
    panels = [
        _plane(plane, index, row, _ground(plane, index, (ground, levels), norm, label), caption.words(name, recording))
        for recording, plane, row, chosen in zip(recordings, planes, rows, wanted, strict=True)
        for index in chosen
        for name in [plane.about.losses[index]]
    ]
    return film(recordings, [*panels, *meters(recordings, planes, [one for row in rows for one in row])])


def _losses(projection: Projection, loss: str, *, alone: bool) -> list[int]:
    names = projection.about.losses
    if loss:
        if loss not in names:
            raise unknown("loss of the projection", loss, names)
        return [names.index(loss)]
    return list(range(len(names))) if alone else [0]


def _norm(values: Sequence[np.ndarray]) -> Norm:
    known = np.concatenate([grid.ravel() for grid in values])
    known = known[finite(known)]
    if not known.size:
        return Norm(0.0, 1.0)
    low, high = float(known.min()), float(np.quantile(known, REACH))
    if low <= 0:
        return Norm(low, max(high, low + 1e-12))
    return Norm(low, max(high, low * (1 + 1e-9)), "log")


def _ground(projection: Projection, index: int, drawn: tuple[Ground, int], norm: Norm, label: str) -> list[Mark]:
    kind, levels = drawn
    values = projection.values[index]
    extent = _extent(projection)
    seen = np.where(finite(values), values, np.nan)
    spaced = (np.geomspace if norm.scale == "log" else np.linspace)(norm.low, norm.high, levels + 1)[1:]
    if kind == "heat":
        return [Field(seen, extent, norm, label=label)]
    return [Contours(seen, extent, tuple(spaced.tolist()), "muted")]


def _is_inside(row: int, column: int, shape: tuple[int, ...]) -> bool:
    """Whether a place of a grid is not at its edge."""
    return 0 < row < shape[0] - 1 and 0 < column < shape[1] - 1


def _colors(norm: Norm, values: Sequence[np.ndarray]) -> str:
    """What the ends of the colours stand for: those of the largest losses are one."""
    low, high = (significant(end, 2) for end in (norm.low, norm.high))
    more = any((grid[finite(grid)] > norm.high).any() for grid in values)
    return f"{low} to {high}{' or more' if more else ''}"


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
    )
    words = [AXES.get(about.directions, "direction {}").format(place) for place in (1, 2)]
    x, y = Axis(extent[:2], label=words[0]), Axis(extent[2:], label=words[1])
    square = _square(projection)
    first = row[0]
    held = Readout(f"holds {percent(first.path.explained)} of the way", first.color, first.name)

    def at(step: int) -> Panel:
        trajectories = (mark for trajectory in fading for mark in trajectory.at(step))
        return Panel(title, x, y, (*ground, lowest, *trajectories), (held,), square)

    return MovingPanel(union([one.path.steps for one in row]), at)
