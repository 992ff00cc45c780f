"""How many lanes have reached a target by each step: optimizers race to it."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.arrivals import first_at, usual_goal
from dynviz.charts.moving import step_axis, union
from dynviz.charts.numbers import percent, significant
from dynviz.charts.samples import index_at, missing, need
from dynviz.film import Film
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Axis, Line, Mark, Panel, Readout, Scene

Array: TypeAlias = NDArray[Any]

STEPS = 200
"""At so many steps the picture changes."""


@frozen
class Racers:
    """The lanes of an optimizer.

    Attributes:
        name: Its name.
        color: Its role.
        recordings: Those of its lanes.
    """

    name: str
    color: str
    recordings: tuple[Recording, ...]


def view(recordings: Sequence[Recording], *, channel: str = "loss", target: float | None = None) -> Film:
    """A line is the share of an optimizer's lanes that have been at the target, at this step or before.

    Of a sweep, or of the trials of `dynviz compare` and `dynviz score`, the lanes of all settings of an optimizer count
    together, so that the lines are what is won by trying as many of them.

    Args:
        recordings: What is shown; of a sweep all.
        channel: Channel with a single number per lane and step.
        target: The value to reach; by default the one at which half of the lanes of the best optimizer end.
    """
    need("reached", recordings, channel)
    for recording in recordings:
        if len(recording.metadata.channels[channel].shape) or not len(recording[channel]):
            raise missing("reached", recording, "loss")
    higher = recordings[0].metadata.channels[channel].better == "higher"
    racers = _racers(recordings)
    goal = usual_goal([one.recordings for one in racers], channel, higher=higher) if target is None else target
    steps = union([recording.steps(channel) for recording in recordings])
    steps = steps[evenly(len(steps), STEPS)]
    shares = [_shares(one, channel, goal, steps, higher=higher) for one in racers]
    x, y = step_axis(recordings), Axis((0.0, 1.04))
    title = f"share of the runs at {caption.words(channel, *recordings)} {'≥' if higher else '≤'} {significant(goal)}"
    lines = [Line(steps, share, one.color, now=0) for one, share in zip(racers, shares, strict=True)]
    names = tuple(Readout(one.name, one.color) for one in racers)
    counts = {sum(len(recording.seeds) for recording in one.recordings) for one in racers}
    many = (Readout(f"{caption.lanes(counts.pop())} each", "muted"),) if len(counts) == 1 else ()
    heading, before = caption.title(recordings), (*caption.what(recordings), *names, *many)
    total = max(recording.total for recording in recordings)

    def scene(step: int) -> Scene:
        at = index_at(steps, step)
        marks: list[Mark] = [line.at(step) for line in lines]
        marks += [
            DirectLabel(float(steps[at]), float(share[at]), one.name, one.color, percent(float(share[at])), "100.0 %")
            for one, share in zip(racers, shares, strict=True)
        ]
        return Scene(heading, (Panel(title, x, y, tuple(marks)),), step, total, before)

    return Film(steps, scene)


def _racers(recordings: Sequence[Recording]) -> list[Racers]:
    """The optimizers; settings of one that stand in recordings of their own, as in a sweep, are one."""
    names = [tag.name or recording.label for tag, recording in zip(caption.tags(recordings), recordings, strict=True)]
    labels = [recording.label for recording in recordings]
    if len(set(labels)) < len(labels):
        names = labels
    return [
        Racers(
            name,
            caption.color(index),
            tuple(one for one, own in zip(recordings, names, strict=True) if own == name),
        )
        for index, name in enumerate(dict.fromkeys(names))
    ]


def _shares(racers: Racers, channel: str, goal: float, steps: Array, *, higher: bool) -> Array:
    """The share of the lanes that have reached a value by each step [steps]."""
    reached = np.concatenate([first_at(recording, channel, goal, higher=higher) for recording in racers.recordings])
    return np.searchsorted(np.sort(reached), steps, side="right") / len(reached)
