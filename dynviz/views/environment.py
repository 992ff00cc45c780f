"""The task itself: the true class of each point, and the true centers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dynviz.charts import caption
from dynviz.charts.maps import class_names, extent_of, true_classes
from dynviz.charts.moving import MovingPanel, film
from dynviz.charts.samples import has, lane_of, need
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Line, Mark, Marker, Panel, Points, Readout

MARKERS: tuple[tuple[Marker, float], ...] = (("dot", 4.0), ("ring", 5.0))
"""Shape and size of the centers of each class: on ground of its own class a colour would not be seen."""


SAME = 0.999
"""Of the points of a map, those that must have the class of the nearest line: at borders rounding decides."""
NEAREST = 3
"""Lines that are drawn for an example."""
AROUND = 2
"""So many points about the example on each side have its class."""
INSIDE = 0.35
"""From the middle to the example, at most, as a share of the square's side."""


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Recordings of the same environment share a panel. A story names no optimizer, of which the task knows nothing.

    Where the nearest line decides the classes (`rule=tangent` of voronoi), a story has a point as an example, with the
    lines that are nearest to it.

    Args:
        recordings: What is shown.
        lane: Lane whose environment is shown.
    """
    need("environment", recordings, "environment")
    lane_of(recordings, lane)
    names = caption.names(recordings)
    distinct: list[tuple[int, Recording]] = []
    for index, recording in enumerate(recordings):
        if not any(_same(recording, other, lane) for _, other in distinct):
            distinct.append((index, recording))
    several = len(distinct) > 1
    panels = [
        true_classes(
            recording, lane, _centers(recording, lane), [Readout(names[index], caption.color(index))][:several]
        )
        for index, recording in distinct
    ]
    shown = film(recordings, [_still(panel) for panel in panels])

    def story() -> Film:
        told = [
            replace(panel, marks=(*panel.marks, *_example(recording, lane)))
            for panel, (_, recording) in zip(panels, distinct, strict=True)
        ]
        whole = film(recordings, [_still(panel) for panel in told])
        return replace(whole, scene=lambda step: replace(whole.scene(step), readouts=(), steps=-1))

    return replace(shown, story=story)


def _same(one: Recording, other: Recording, lane: int) -> bool:
    return bool(np.array_equal(one["environment"][0, lane], other["environment"][0, lane], equal_nan=True))


def _still(panel: Panel) -> MovingPanel:
    return MovingPanel(np.zeros(1, dtype=np.int64), lambda _: panel)


def _centers(recording: Recording, lane: int) -> list[Mark]:
    """The centers, one mark for each class."""
    centers = recording["true_centers"][0, lane]
    classes = recording["true_class"][0, lane] if has(recording, "true_class") else np.zeros(len(centers))
    there = np.isfinite(centers).all(axis=-1)
    marks: list[Mark] = []
    for index, ((marker, size), name) in enumerate(zip(MARKERS, class_names(recording), strict=True)):
        chosen = centers[there & (classes == index)]
        marks.append(Points(chosen[:, 0], chosen[:, 1], "text", size, marker, f"center of {name}"))
    return marks


def _example(recording: Recording, lane: int) -> list[Mark]:
    """A point with the lines that are nearest to it, each through a center and perpendicular to its direction from 0.

    It has the class of the nearest one, in units of the center's distance from 0. The point is the one that is farthest
    from all lines among those for which the same lines are nearest as the crow flies; there is none where another rule
    gives the classes.
    """
    if not (has(recording, "true_centers") and has(recording, "true_class")):
        return []
    classes = recording["environment"][0, lane]
    centers = recording["true_centers"][0, lane].astype(np.float64)
    left, right, bottom, top = extent_of(recording)
    x, y = (
        low + (np.arange(count) + 0.5) * (high - low) / count
        for low, high, count in ((left, right, classes.shape[1]), (bottom, top, classes.shape[0]))
    )
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    sizes = np.hypot(*centers.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        away = np.abs(points @ centers.T / sizes**2 - 1)
    away = np.where(np.isfinite(away), away, np.inf)
    nearest = np.argsort(away, axis=1, kind="stable")[:, :NEAREST]
    if (recording["true_class"][0, lane][nearest[:, 0]] == classes.ravel()).mean() < SAME:
        return []
    by_eye = np.argsort(away * np.nan_to_num(sizes, posinf=0.0), axis=1, kind="stable")[:, :NEAREST]
    alike = (by_eye == nearest).all(axis=1)
    middle, side = np.array([(left + right) / 2, (bottom + top) / 2]), right - left
    inside = (np.abs(points - middle) < INSIDE * side).all(axis=1)
    chosen = np.flatnonzero(alike & inside & _clear(classes).ravel())
    if not len(chosen):
        return []
    place = chosen[(away * np.nan_to_num(sizes))[chosen, nearest[chosen, 0]].argmax()]
    own = class_names(recording)[int(recording["true_class"][0, lane][nearest[place, 0]])]
    far = np.hypot(right - left, top - bottom)
    marks: list[Mark] = []
    for rank, index in reversed([*enumerate(nearest[place])]):
        across = far * np.array([-centers[index, 1], centers[index, 0]]) / sizes[index]
        ends = np.stack([centers[index] - across, centers[index] + across])
        below, above = ("text", "ground") if rank else ("ground", "lane1")
        name = (f"the nearest line, of a center of {own}", "the next two", "")[rank]
        marks.append(Line(ends[:, 0], ends[:, 1], below, name if rank else "", width=3.0, dot=False))
        marks.append(Line(ends[:, 0], ends[:, 1], above, "" if rank else name, width=1.4, dot=False))
    at_x, at_y = points[place][:, None]
    through = centers[nearest[place, 0]][:, None]
    return [
        *marks,
        Points(through[0], through[1], "lane1", 10.0, "ring"),
        Points(at_x, at_y, "ground", 14.0, "star"),
        Points(at_x, at_y, "lane1", 11.0, "star", "a point"),
    ]


def _clear(classes: np.ndarray) -> np.ndarray:
    """Whether all points [rows, columns] about each one have its class."""
    clear = np.zeros(classes.shape, dtype=bool)
    wide = 2 * AROUND + 1
    if min(classes.shape) >= wide:
        windows = np.lib.stride_tricks.sliding_window_view(classes, (wide, wide))
        same = (windows == windows[..., AROUND : AROUND + 1, AROUND : AROUND + 1]).all(axis=(-2, -1))
        clear[AROUND : classes.shape[0] - AROUND, AROUND : classes.shape[1] - AROUND] = same
    return clear
