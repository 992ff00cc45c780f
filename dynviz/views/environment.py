"""The task itself: the true class of each point, and the true centers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dynviz.charts import caption
from dynviz.charts.maps import class_colors, class_names, extent_of, true_classes
from dynviz.charts.moving import MovingPanel, film
from dynviz.charts.nearest_line import drawn, example
from dynviz.charts.samples import has, lane_of, need
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Band, Mark, Marker, Panel, Points, Readout

MARKERS: tuple[tuple[Marker, float], ...] = (("dot", 4.0), ("ring", 5.0))
"""Shape and size of the centers of each class: on ground of its own class a colour would not be seen."""

RULE = "numbers: distance ÷ its center's distance from 0"
"""How the distances of an example are measured."""


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
        told = [_told(panel, recording, lane) for panel, (_, recording) in zip(panels, distinct, strict=True)]
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


def _told(panel: Panel, recording: Recording, lane: int) -> Panel:
    """A panel with its centers in colour, and an example with its rule where there is one."""
    shown, marks = example(recording, lane), [panel.marks[0], *_colored(recording, lane)]
    if shown is None:
        return replace(panel, marks=tuple(marks))
    return replace(
        panel, marks=(*marks, *drawn(recording, lane, shown)), readouts=(*panel.readouts, Readout(RULE, "muted"))
    )


def _colored(recording: Recording, lane: int) -> list[Mark]:
    """The centers in the colours of their classes, with an edge that shows them on ground of the same colour."""
    centers = recording["true_centers"][0, lane]
    classes = recording["true_class"][0, lane] if has(recording, "true_class") else np.zeros(len(centers))
    there = np.isfinite(centers).all(axis=-1)
    left, right, bottom, top = extent_of(recording)
    # Lines, centers and words stand out from a map that is paler.
    paler = Band(np.array([left, right]), np.full(2, bottom), np.full(2, top), "ground")
    marks: list[Mark] = [paler, paler, Points(centers[there, 0], centers[there, 1], "ground", 5.5)]
    for index, color in enumerate(class_colors(len(class_names(recording)))):
        chosen = centers[there & (classes == index)]
        marks.append(Points(chosen[:, 0], chosen[:, 1], color, 3.8))
    return marks
