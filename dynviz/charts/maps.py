"""Maps: the output of a model at each place of a plane."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.moving import MovingPanel
from dynviz.charts.numbers import percent
from dynviz.charts.samples import Latest, has, index_at
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Extent, Field, Mark, Panel, Points, Readout, Regions
from dynviz.scene.norm import Norm

Array: TypeAlias = NDArray[Any]

FEW_CENTERS = 256
"""At most so many learned centers are drawn over a map; more would hide it."""


@dataclass(frozen=True)
class ClassFacts:
    """What is known of a classification of the places of a plane.

    Attributes:
        extent: Of the plane.
        classes: What they are called.
    """

    extent: Extent = (0.0, 1.0, 0.0, 1.0)
    classes: tuple[str, ...] = ()


def extent_of(recording: Recording) -> Extent:
    """Left, right, bottom and top of the plane that the recording's maps are of."""
    return recording.facts_as(ClassFacts).extent


def class_names(recording: Recording) -> tuple[str, ...]:
    """What the two classes of a recording's task are called."""
    known = recording.facts_as(ClassFacts).classes
    return known if len(known) == 2 else ("class 0", "class 1")


def plane(extent: Extent) -> tuple[Axis, Axis]:
    """The x and y axes of a map."""
    return Axis((extent[0], extent[1])), Axis((extent[2], extent[3]))


def class_maps(recordings: Sequence[Recording], lane: int) -> list[MovingPanel]:
    """A panel for each recording that has `prediction`: the class it predicts at each place, and the accuracy.

    Args:
        recordings: Those without `prediction` are passed over.
        lane: Which lane is shown.
    """
    tagged = zip(recordings, caption.tags(recordings), strict=True)
    return [_class_map(recording, lane, tag) for recording, tag in tagged if has(recording, "prediction")]


def _class_map(recording: Recording, lane: int, tag: Readout) -> MovingPanel:
    extent = extent_of(recording)
    x, y = plane(extent)
    title = caption.with_seed("prediction", recording, lane)
    steps = recording.steps("prediction")
    moving: list[Latest[Any]] = [
        Latest(recording, "prediction", _answers(extent, lane, " to ".join(class_names(recording))))
    ]
    if has(recording, "centers") and recording["centers"].shape[2] <= FEW_CENTERS:
        moving.append(Latest(recording, "centers", lambda past: _dots(past[-1][lane])))
    accuracy = None
    if has(recording, "val_accuracy"):
        accuracy = Latest(recording, "val_accuracy", lambda past: percent(float(past[-1][lane])))

    def at(step: int) -> Panel:
        # All of the step of the map, whatever else is sampled more often.
        shown = int(steps[index_at(steps, step)])
        value = replace(tag, text=accuracy.at(shown), widest="100.0 %") if accuracy else tag
        readouts = (value,) if value.name or value.text else ()
        return Panel(title, x, y, tuple(mark.at(shown) for mark in moving), readouts, square=True)

    return MovingPanel(steps, at)


def _answers(extent: Extent, lane: int, label: str) -> Callable[[Array], Mark]:
    def answers(past: Array) -> Mark:
        shares = past[-1][lane]
        if shares.shape[-1] == 2:
            return Field(shares[..., 1], extent, Norm(0.0, 1.0), "classes", label=label)
        best = np.where(np.isnan(shares), -np.inf, shares).argmax(axis=-1).astype(np.float64)
        best[np.isnan(shares).all(axis=-1)] = np.nan
        return Regions(best, extent, tuple(caption.color(index) for index in range(shares.shape[-1])))

    return answers


def _dots(centers: Array) -> Points:
    there = centers[np.isfinite(centers).all(axis=-1)]
    return Points(there[:, 0], there[:, 1], "text", size=2.0, alpha=0.7)
