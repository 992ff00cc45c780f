"""The trajectory of each lane over the landscape, and the loss next to it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.forks import own_from
from dynviz.charts.ground import Ground, grouped, need_plane, plane, surface_title
from dynviz.charts.ground import ground as landscape
from dynviz.charts.heads import Heads
from dynviz.charts.limits import finite
from dynviz.charts.moving import MovingPanel, film, union
from dynviz.charts.numbers import DIVERGED, resolved, significant
from dynviz.charts.samples import Latest, has, lined
from dynviz.charts.series import series
from dynviz.charts.settings import parted
from dynviz.charts.trails import Trail, exits, label, starts, trails
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Mark, Panel, Readout

Array: TypeAlias = NDArray[Any]

WIDEST = "(-0.000, -0.000)"
GHOSTS = 4
"""Up to so many trajectories are drawn with their future: ghosts of more would hide the landscape."""


def view(
    recordings: Sequence[Recording],
    *,
    ground: Ground = "contours",
    levels: int = 11,
    tail: int = 0,
    arrows: bool = False,
    lanes: int = 16,
) -> Film:
    """Recordings on the same landscape share a panel.

    Args:
        recordings: What is shown.
        ground: How the landscape is drawn; contours and colours are spaced logarithmically, or evenly if the function
            asks for it.
        levels: Number of contours.
        tail: Number of recent steps that are drawn in full, widest at the newest; 0 draws all of them.
        arrows: Whether to draw the terms of the next step as arrows, for the first lane of each recording; needs
            `--record 'term.*'`.
        lanes: Maximum number of lanes drawn per recording.
    """
    need_plane("path", recordings)
    recordings = parted(recordings)
    if tail < 0 or lanes < 1 or levels < 1:
        raise DynvizError(f"view path takes tail from 0, lanes and levels from 1; not {tail}, {lanes}, {levels}")
    panels: list[MovingPanel] = []
    for group in grouped(recordings):
        marks = landscape(recordings[group[0]], ground, levels)
        heads = None
        if arrows:
            across = plane(recordings[group[0]])[0].limits
            heads = Heads("path", [recordings[index] for index in group], across[1] - across[0])
        panels.append(over(recordings, group, marks, heads, tail=tail, lanes=lanes))
    if any(has(recording, "loss") for recording in recordings):
        panels.append(series(recordings, "loss"))
    return film(recordings, panels)


def _trajectories(recordings: Sequence[Recording], group: Sequence[int], tail: int, lanes: int) -> list[Trail]:
    tags = caption.tags(recordings)
    begins = own_from(recordings)
    whole = [trail for index in group for trail in trails(recordings[index], tags[index], lanes, tail, begins[index])]
    return [replace(trail, line=replace(trail.line, ghost=len(whole) <= GHOSTS)) for trail in whole]


def over(
    recordings: Sequence[Recording],
    group: Sequence[int],
    ground: list[Mark],
    heads: Heads | None = None,
    *,
    tail: int = 0,
    lanes: int = 16,
) -> MovingPanel:
    """The trajectories of a group of recordings over their landscape.

    Args:
        recordings: What is shown.
        group: Places of those that share the landscape.
        ground: The landscape.
        heads: Arrows of the next step.
        tail: How many of the last steps are seen; 0: all of them.
        lanes: Maximum number of lanes drawn per recording.
    """
    trajectories = _trajectories(recordings, group, tail, lanes)
    tags = caption.tags(recordings)
    first = recordings[group[0]]
    values = [Latest(recordings[index], "position", _where(recordings[index], tags[index], lanes)) for index in group]
    x, y, square = plane(first)
    left = [exits(recordings[index], tags[index]) for index in group]
    names = [label(recordings[index], tags[index]) for index in group if tags[index].name]
    title = surface_title(recordings, group)
    if heads is not None and heads.times != 1:
        title = f"{title}, terms {significant(heads.times)} x"
    begins = starts([recordings[index] for index in group], lanes)

    def at(step: int) -> Panel:
        lines = [line for trajectory in trajectories for line in trajectory.at(step)]
        arrows = heads.at(step) if heads is not None else []
        readouts = tuple(value.at(step) for value in values)
        out = [mark for one in left for mark in one.at(step)]
        labels = [name.at(step) for name in names]
        return Panel(title, x, y, (*ground, begins, *lines, *arrows, *out, *labels), readouts, square)

    return MovingPanel(union([value.steps for value in values]), at)


def _lost(positions: Array) -> int:
    """How many lanes [lanes, 2] have no place any more."""
    return int((~finite(positions).all(axis=-1)).sum())


def _where(recording: Recording, tag: Readout, most: int) -> Callable[[Array], Readout]:
    lanes = len(recording.seeds)
    # A digit more than the axes tell apart, always as many: what is near zero does not change its width.
    spans = [(0.0, (axis.limits[1] - axis.limits[0]) / 10) for axis in plane(recording)[:2]]

    # Whose name is at its ball has no need of coordinates.
    named = bool(tag.name)
    final = _lost(recording["position"][-1])
    many = caption.lanes(min(lanes, most), of=lanes)
    steps, first = lined(recording, "position", 0)
    step = steps[(~finite(first).all(axis=-1)).argmax()] if final else 0
    gone = f"{DIVERGED} at step {step}"

    def where(past: Array) -> Readout:
        lost = _lost(past[-1])
        if lanes > 1:
            widest = f"{many}, {final} {DIVERGED}" if final else ""
            return replace(tag, text=f"{many}, {lost} {DIVERGED}" if lost else many, widest=widest)
        widest = max(WIDEST, gone, key=len) if final else WIDEST
        if lost:
            return replace(tag, text=gone, widest=widest, labelled=named)
        x, y = (resolved(float(value), span) for value, span in zip(past[-1][0], spans, strict=True))
        return replace(tag, text=f"({x}, {y})", widest=widest, labelled=named)

    return where
