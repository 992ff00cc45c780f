"""Maps: the output of a model at each point of a plane."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.endings import joined
from dynviz.charts.moving import MovingPanel
from dynviz.charts.numbers import percent
from dynviz.charts.samples import Latest, has, index_at
from dynviz.film import Film, Sentence
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Band, Extent, Field, Mark, Panel, Points, Readout, Regions, Text
from dynviz.scene.norm import Norm

Array: TypeAlias = NDArray[Any]

UNDECIDED = 0.15
"""A map is undecided while the shares of two classes differ by less than this on average."""
FEW_CENTERS = 256
"""At most so many learned centers are drawn over a map; more would hide it."""


COLORS = 6
"""Classes that can be told apart by colour."""


@frozen
class ClassFacts:
    """The properties of a classification of points of a plane.

    Attributes:
        extent: The extent of the plane.
        classes: The names of the classes.
    """

    extent: Extent = (0.0, 1.0, 0.0, 1.0)
    classes: tuple[str, ...] = ()


def extent_of(recording: Recording) -> Extent:
    """The left, right, bottom and top of the plane that a recording's maps show."""
    return recording.facts_as(ClassFacts).extent


def class_names(recording: Recording) -> tuple[str, ...]:
    """The names of the two classes of a recording's task."""
    known = recording.facts_as(ClassFacts).classes
    return known if len(known) == 2 else ("class 0", "class 1")


def class_colors(count: int) -> tuple[str, ...]:
    """The colours of so many classes, none of which a lane in front has."""
    return tuple(f"class{index % COLORS}" for index in range(count))


def plane(extent: Extent) -> tuple[Axis, Axis]:
    """The x and y axes of a map."""
    return Axis((extent[0], extent[1])), Axis((extent[2], extent[3]))


def class_maps(recordings: Sequence[Recording], lane: int) -> list[MovingPanel]:
    """A panel for each recording with the channel `prediction`: the predicted class at each point, and the accuracy.

    Args:
        recordings: The recordings; those without `prediction` are ignored.
        lane: The lane to show.
    """
    tagged = zip(recordings, caption.tags(recordings), strict=True)
    return [_class_map(recording, lane, tag) for recording, tag in tagged if has(recording, "prediction")]


def true_classes(recording: Recording, lane: int, more: Sequence[Mark] = (), readouts: Sequence[Readout] = ()) -> Panel:
    """A panel of the channel `environment`: the true class at each point.

    Args:
        recording: The recording.
        lane: The lane to show.
        more: What is drawn over it.
        readouts: What is said before the names of the classes.
    """
    extent = extent_of(recording)
    x, y = plane(extent)
    classes = np.nan_to_num(recording["environment"][0, lane]).astype(np.int64)
    colors = class_colors(max(2, int(classes.max()) + 1))
    names = class_names(recording)
    words = [Readout(name, color) for name, color in zip(names, class_colors(len(names)), strict=True)]
    regions = Regions(classes, extent, colors)
    return Panel("true classes", x, y, (regions, *more), (*readouts, *words), square=True)


def with_truth(recordings: Sequence[Recording], lane: int, maps: Sequence[MovingPanel]) -> list[MovingPanel]:
    """Maps of predicted classes, and after them the true classes where they are recorded."""
    known = next((recording for recording in recordings if has(recording, "environment")), None)
    if known is None or not maps:
        return list(maps)
    panel = true_classes(known, lane)
    return [*maps, MovingPanel(np.zeros(1, dtype=np.int64), lambda _: panel)]


def right(recordings: Sequence[Recording], lane: int) -> list[Sentence]:
    """How many of the unseen points are right in the end: what is said at the last maps, the most first."""
    told: list[tuple[float, str]] = []
    for recording, tag in zip(recordings, caption.tags(recordings), strict=True):
        if not has(recording, "prediction") or not has(recording, "val_accuracy"):
            return []
        told.append((float(recording["val_accuracy"][-1, lane]), f" for {tag.name}" if tag.name else ""))
    if not told or not all(math.isfinite(share) for share, _ in told):
        return []
    step = max(int(recording.steps("val_accuracy")[-1]) for recording in recordings)
    words = [f"{percent(share)}{name}" for share, name in sorted(told, key=lambda one: -one[0])]
    return [Sentence(step, f"In the end {joined(words)} of unseen points are right.")]


def led(film: Film, count: int) -> Film:
    """The film, whose story has so many of its first panels in the lead."""
    return replace(film, story=lambda: replace(film, scene=lambda step: replace(film.scene(step), lead=count)))


def _class_map(recording: Recording, lane: int, tag: Readout) -> MovingPanel:
    extent = extent_of(recording)
    x, y = plane(extent)
    title = caption.with_seed("prediction", recording, lane)
    steps = recording.steps("prediction")
    answers = _answers(extent, lane, " to ".join(class_names(recording)))
    moving: list[Latest[tuple[Mark, ...]]] = [Latest(recording, "prediction", answers)]
    if has(recording, "centers") and recording["centers"].shape[2] <= FEW_CENTERS:
        moving.append(Latest(recording, "centers", lambda past: (_dots(past[-1][lane]),)))
    accuracy = None
    if has(recording, "val_accuracy"):
        accuracy = Latest(recording, "val_accuracy", lambda past: _right(float(past[-1][lane])))

    def at(step: int) -> Panel:
        # All of the step of the map, whatever else is sampled more often.
        shown = int(steps[index_at(steps, step)])
        value = replace(tag, text=accuracy.at(shown), widest="100.0 % right") if accuracy else tag
        readouts = (value,) if value.name or value.text else ()
        marks = tuple(mark for part in moving for mark in part.at(shown))
        return Panel(title, x, y, marks, readouts, square=True)

    return MovingPanel(steps, at)


def _right(share: float) -> str:
    return f"{percent(share)} right" if math.isfinite(share) else percent(share)


def _answers(extent: Extent, lane: int, label: str) -> Callable[[Array], tuple[Mark, ...]]:
    over = _undecided(extent)

    def answers(past: Array) -> tuple[Mark, ...]:
        shares = past[-1][lane]
        if shares.shape[-1] == 2:
            field = Field(shares[..., 1], extent, Norm(0.0, 1.0), "classes", label=label)
            return field, *over(shares[..., 1])
        best = np.where(np.isnan(shares), -np.inf, shares).argmax(axis=-1).astype(np.float64)
        best[np.isnan(shares).all(axis=-1)] = np.nan
        return (Regions(best, extent, class_colors(shares.shape[-1])),)

    return answers


def _undecided(extent: Extent) -> Callable[[Array], tuple[Band, Text]]:
    """A function of shares: a tint over a map that has not decided, which would look empty, and the word for it."""
    left, right, bottom, top = extent
    low, high = np.full(2, bottom), np.full(2, top)
    # The same arrays at every step, so that what was drawn of them is kept.
    tint = Band(np.array([left, right]), low, high, "muted")
    nothing = Band(np.full(2, np.nan), low, high, "muted")

    def undecided(shares: Array) -> tuple[Band, Text]:
        known = shares[np.isfinite(shares)].astype(np.float64)
        unsure = len(known) > 0 and float(np.abs(2 * known - 1).mean()) < UNDECIDED
        word = Text((left + right) / 2, (bottom + top) / 2, "undecided" if unsure else "", "text", "center")
        return tint if unsure else nothing, word

    return undecided


def _dots(centers: Array) -> Points:
    there = centers[np.isfinite(centers).all(axis=-1)]
    return Points(there[:, 0], there[:, 1], "text", size=2.0, alpha=0.7)
