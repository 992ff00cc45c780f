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


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Recordings of the same environment share a panel. A story names no optimizer, of which the task knows nothing.

    Where the nearest line decides the classes (`rule=tangent` of voronoi), a story has the line of one center: all of
    it has the center's class, but where lines of others cross it.

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
            replace(panel, marks=(*panel.marks, *_line_of_one(recording, lane)))
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


def _line_of_one(recording: Recording, lane: int) -> list[Mark]:
    """The line through one center, perpendicular to its direction from 0, on which points have the center's class.

    It is that of the center that decides most points; there is none where another rule gives the classes.
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
    points = np.stack(np.meshgrid(x, y), axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        away = np.square(points @ centers.T / np.square(centers).sum(axis=1) - 1)
    owner = np.where(np.isfinite(away), away, np.inf).argmin(axis=-1)
    if (recording["true_class"][0, lane][owner] == classes).mean() < SAME:
        return []
    center = centers[np.bincount(owner.ravel()).argmax()]
    # Beyond the square; what leaves it is cut.
    far = np.hypot(right - left, top - bottom) * np.array([[-center[1], center[0]]]) / np.hypot(*center)
    ends = np.concatenate([center - far, center + far])
    out = np.stack([np.zeros(2), center])
    at_x, at_y = center[:, None]
    return [
        Line(ends[:, 0], ends[:, 1], "ground", width=3.0, dot=False),
        Line(ends[:, 0], ends[:, 1], "lane1", "one center's perpendicular line", width=1.4, dot=False),
        Line(out[:, 0], out[:, 1], "ground", width=3.0, dot=False),
        Line(out[:, 0], out[:, 1], "lane1", dash="dotted", width=1.4, dot=False),
        Points(at_x, at_y, "ground", 9.0),
        Points(at_x, at_y, "lane1", 7.0),
    ]
