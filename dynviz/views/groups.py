"""The loss of frequent and of rare classes, apart for each optimizer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.caption import Tag
from dynviz.charts.curves import Curve, panel
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.numbers import significant
from dynviz.charts.samples import Latest, lane_of, need
from dynviz.charts.series import series
from dynviz.charts.settings import parted
from dynviz.film import Film, Sentence
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Line, Panel, Points, Readout

Array: TypeAlias = NDArray[Any]

ROOM = 1.2
"""How high the axis of the groups' losses reaches, in units of their largest one before training."""
EQUAL = 1.01
"""Classes whose shares differ by less than this factor are equally frequent."""


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Open the view: how frequent the classes are, the training loss, and the loss of each group of classes.

    Groups hold about a tenth of the data each. Their colours go from the most frequent classes to the rarest. A story
    has the loss of the rarest group under all optimizers in the lead; of equally frequent classes the training loss.

    Args:
        recordings: What is shown; each has a panel of its own, all on the same axes.
        lane: Whose groups are shown of each recording; the training loss is of all lanes.
    """
    lane_of(recordings, lane)
    need("groups", recordings, "group_loss", "class_share", "class_group", "train_loss")
    recordings = parted(recordings)
    tags = caption.tags(recordings)
    panels = [_classes(recordings[0], lane), series(recordings, "train_loss")]
    values = [recording["group_loss"][:, lane].astype(np.float64) for recording in recordings]
    # A step that is too long may make a group much worse for a while; what matters is below where it began.
    first = max(float(np.nanmax(losses[0], initial=0.0)) for losses in values)
    y = Axis((0.0, ROOM * first if 0 < first < limits.HUGE else 1.0))
    x = step_axis(recordings)
    for recording, losses, tag in zip(recordings, values, tags, strict=True):
        panels.append(_losses(recording, losses, (x, y), tag, lane))

    def story() -> Film:
        if all(_equal(recording, lane) for recording in recordings):
            return film(recordings, [panels[1], *_slowest(recordings, values, tags)], caption.chosen(recordings, lane))
        curves = _ends(recordings, values, tags)
        rare = panel("loss of the rarest classes", [last for _, last in curves], x)
        frequent = panel("loss of the most frequent", [first for first, _ in curves], x)
        told = _sentences([last for _, last in curves])
        return film(recordings, [rare, frequent, panels[1]], caption.chosen(recordings, lane), told=told)

    return replace(film(recordings, panels), story=story)


def _equal(recording: Recording, lane: int) -> bool:
    """Whether all classes that occur are equally frequent, so that none is rare."""
    shares = recording["class_share"][0, lane].astype(np.float64)
    seen = shares[shares > 0]
    return bool(seen.size and seen.max() <= EQUAL * seen.min())


def _slowest(recordings: Sequence[Recording], values: Sequence[Array], tags: Sequence[Tag]) -> list[MovingPanel]:
    """The losses of the groups that are worst and best at each step."""
    panels = []
    for words, pick in (("worst", np.max), ("best", np.min)):
        curves = [
            Curve(recording.steps("group_loss"), pick(losses, axis=1)[:, None], tag.color, tag.dash, tag.name)
            for recording, losses, tag in zip(recordings, values, tags, strict=True)
        ]
        panels.append(panel(f"{words} of {values[0].shape[1]} groups of classes", curves, step_axis(recordings)))
    return panels


def _ends(recordings: Sequence[Recording], values: Sequence[Array], tags: Sequence[Tag]) -> list[tuple[Curve, Curve]]:
    """The losses of the most frequent and of the rarest group of each recording."""
    curves = []
    for recording, losses, tag in zip(recordings, values, tags, strict=True):
        steps = recording.steps("group_loss")
        ends = (Curve(steps, losses[:, place, None], tag.color, tag.dash, tag.name) for place in (0, -1))
        curves.append((next(ends), next(ends)))
    return curves


def _sentences(curves: Sequence[Curve]) -> list[Sentence]:
    """Whose loss of the rarest group ends lowest and whose highest; nothing of one recording or where one diverged."""
    ends = [float(curve.values[-1, 0]) for curve in curves]
    if len(ends) < 2 or not np.isfinite(ends).all():
        return []
    low, high = int(np.argmin(ends)), int(np.argmax(ends))
    of = f"{significant(ends[low], 2)} ({curves[low].label}) and {significant(ends[high], 2)} ({curves[high].label})"
    return [Sentence(max(int(curve.x[-1]) for curve in curves), f"The loss of the rarest classes ends between {of}.")]


def _classes(recording: Recording, lane: int) -> MovingPanel:
    """The share of each class against its rank, in the colour of its group."""
    shares = recording["class_share"][0, lane].astype(np.float64)
    groups = recording["class_group"][0, lane].astype(np.int64)
    seen = shares > 0
    ranks = np.arange(1.0, len(shares) + 1)
    count = recording["group_loss"].shape[2]
    x = Axis((0.8, 1.25 * len(shares)), "log", "class, by frequency", whole=True)
    y = Axis((float(shares[seen].min()) / 2, 2 * float(shares.max())), "log", "share of the data")
    marks = tuple(
        Points(ranks[own], shares[own], caption.ordered(group, count), 4.0)
        for group in range(count)
        for own in [seen & (groups == group)]
    )
    readouts = (Readout(f"{np.count_nonzero(seen)} classes in {count} groups", "muted"),)
    panel = Panel("frequency of the classes", x, y, marks, readouts)
    return MovingPanel(recording.steps("class_share"), lambda step: panel)  # noqa: ARG005


def _losses(recording: Recording, values: Array, axes: tuple[Axis, Axis], tag: Tag, lane: int) -> MovingPanel:
    """The loss of each group over the steps."""
    x, y = axes
    steps, count = recording.steps("group_loss"), values.shape[1]
    names = {0: "frequent", count - 1: "rare"}
    lines = [
        Line(
            steps,
            limits.drawable(values[:, group], y.scale),
            caption.ordered(group, count),
            names.get(group, ""),
            width=1.3,
            dot=False,
        )
        for group in range(count)
    ]

    def ends(past: Array) -> Readout:
        first, last = (significant(float(past[-1][lane, place]), 2) for place in (0, -1))
        return Readout(f"frequent {first}, rare {last}", tag.color, widest="frequent 0.0088, rare 0.0088")

    latest = Latest(recording, "group_loss", ends)
    # The name stands alone: of a long one with words behind it, what tells it from the others would be cut.
    words = caption.words("group_loss", recording)
    title = caption.with_seed(tag.name or words, recording, lane)
    y = replace(y, label=words if tag.name else "")

    def at(step: int) -> Panel:
        return Panel(title, x, y, tuple(line.at(step) for line in lines), (latest.at(step),))

    return MovingPanel(latest.steps, at)
