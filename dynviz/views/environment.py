"""The task itself: the true class of each point, and the true centers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dynviz.charts import caption
from dynviz.charts.maps import class_names, true_classes
from dynviz.charts.moving import MovingPanel, film
from dynviz.charts.samples import has, lane_of, need
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Mark, Marker, Points, Readout

MARKERS: tuple[tuple[Marker, float], ...] = (("dot", 4.0), ("ring", 5.0))
"""Shape and size of the centers of each class: on ground of its own class a colour would not be seen."""


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Recordings of the same environment share a panel. A story names no optimizer, of which the task knows nothing.

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
    shown = film(
        recordings,
        [
            _panel(recording, lane, names[index] if len(distinct) > 1 else "", caption.color(index))
            for index, recording in distinct
        ],
    )
    return replace(
        shown, story=lambda: replace(shown, scene=lambda step: replace(shown.scene(step), readouts=(), steps=-1))
    )


def _same(one: Recording, other: Recording, lane: int) -> bool:
    return bool(np.array_equal(one["environment"][0, lane], other["environment"][0, lane], equal_nan=True))


def _panel(recording: Recording, lane: int, name: str, color: str) -> MovingPanel:
    marks = _centers(recording, lane) if has(recording, "true_centers") else []
    panel = true_classes(recording, lane, marks, [Readout(name, color)] if name else [])
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
