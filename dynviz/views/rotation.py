"""How the leading quarter of an optimizer's statistics turns over time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, preconditioning
from dynviz.charts.curves import Curve, panel
from dynviz.charts.forks import own_from
from dynviz.charts.moving import STEP, MovingPanel, film, step_axis
from dynviz.charts.numbers import significant
from dynviz.charts.preconditioning import StatisticsAxis
from dynviz.charts.samples import index_at, lane_of, need
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Dash, Field, Line, Panel, Readout, ReferenceLine
from dynviz.scene.norm import Norm
from dynviz.views import _null

Array: TypeAlias = NDArray[Any]

SAMPLES = 200
"""At so many steps the directions are compared with earlier ones."""
PAIRS = 48
"""So many samples are compared with one another."""
NULLS = 16
"""At so many steps the overlap of noise is drawn."""
CHANCE = 0.25
"""The overlap of two spaces that have nothing to do with each other."""
JUMP = 20.0
"""A space jumps where it turns by so many times the median of its turns from sample to sample."""
LEAST_JUMP = 0.01
"""Smaller turns are no jumps, even of a space that stood still before."""
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")
DRAWN: Mapping[Dash, str] = {"solid": "━", "dashed": "╸╸", "dotted": "┈"}
"""What looks like such a line, in words."""


def view(recordings: Sequence[Recording], *, parameter: str = "", lane: int = 0, lag: int = 0) -> Film:
    """The overlap of the spaces spanned by the top quarter of the eigenvectors at two steps.

    It is the mean squared cosine between one space's directions and the other space: 1 if they are equal, about 1/4
    for two that have nothing to do with each other. Where the statistics forget old gradients the space turns with the
    gradients; what is drawn in grey is how much it turns for noise that is averaged in the same way. A story calls the
    top quarter the main directions, and marks where those of a lone recording jump.

    Args:
        recordings: What is shown; shampoo or sketchy with `--record 'state.*:every=10'`.
        parameter: Name of the parameter; by default the largest one.
        lane: Which lane of each recording.
        lag: How many steps apart the two spaces are; 0 for a tenth of the run.
    """
    need("rotation", recordings)
    lane_of(recordings, lane)
    if lag < 0:
        raise DynvizError(f"lag={lag} is not a number of steps; write 1 or more, or 0 for a tenth of the run")
    chosen = preconditioning.chosen("rotation", recordings, parameter, "directions")
    lag = lag or max(1, max(recording.recorded for recording in recordings) // 10)
    spaces = [
        TopSpaces(recording, axis, lane, tag, begins)
        for recording, tag, begins in zip(recordings, caption.tags(recordings), own_from(recordings, lane), strict=True)
        for axis in preconditioning.axes(recording, "directions", chosen)
    ]
    title = f"top quarter of {preconditioning.titled(recordings[0], chosen)}: overlap with {lag} steps before"
    own = [one for one in spaces if one.recording is spaces[0].recording]
    notes = caption.chosen(recordings, lane)
    opened = film(recordings, [_turning(recordings, spaces, lag, title), *map(_pairs, own)], notes)

    def story() -> Film:
        plain = f"overlap with {lag} steps before (1: unchanged)"
        least = min(space.chance for space in spaces)
        turning = _turning(recordings, spaces, lag, plain, ("random gradients", ""), samples=True, least=least)
        jumps = [mark for one in own for mark in _jumps(one, lag)] if len(recordings) == 1 else []
        maps = [_plain(_pairs(one, one.chance)) for one in own]
        shown = preconditioning.without_vectors(recordings, film(recordings, [*maps, _over(turning, jumps)], notes))
        return replace(shown, scene=lambda step: replace(shown.scene(step), lead=len(maps)))

    return replace(opened, story=story)


def _plain(panel: MovingPanel) -> MovingPanel:
    """The panel as a map without its number; in the end without the lines of now, which then are its edge."""

    def at(step: int) -> Panel:
        drawn = panel.at(step)
        marks = drawn.marks if step < panel.steps[-1] else drawn.marks[:1]
        title = drawn.title.replace("any two steps", "step against step")
        return replace(drawn, title=title, marks=marks, readouts=(), square=True)

    return MovingPanel(panel.steps, at, panel.notes)


def _over(panel: MovingPanel, lines: Sequence[ReferenceLine]) -> MovingPanel:
    """The panel with lines behind its curves, each from its step on."""

    def at(step: int) -> Panel:
        drawn = panel.at(step)
        return replace(drawn, marks=(*(one for one in lines if one.at <= step), *drawn.marks))

    return MovingPanel(panel.steps, at, panel.notes)


def _jumps(space: "TopSpaces", lag: int) -> list[ReferenceLine]:
    """Where the space jumps, once it has turned slowly for some steps."""
    steps = space.steps
    directions = (space.at(index) for index in range(len(steps)))
    turns = np.array([1 - overlap(*pair) for pair in pairwise(directions)])
    least = max(JUMP * np.nanmedian(turns), LEAST_JUMP) if np.isfinite(turns).any() else np.inf
    found = steps[1:][(turns > least) & (steps[1:] > 2 * lag)]
    return [ReferenceLine(float(step), vertical=True, label=f"{space.axis.words} jump") for step in found]


@frozen
class TopSpaces:
    """The leading directions of one axis of one lane.

    Attributes:
        recording: Which records them.
        axis: Of the parameter.
        lane: Of the recording.
        tag: Of the recording.
        begins: The first step that no other recording draws.
    """

    recording: Recording
    axis: StatisticsAxis
    lane: int
    tag: caption.Tag
    begins: int

    @property
    def steps(self) -> NDArray[np.int64]:
        """Of the samples."""
        return self.recording.steps(self.axis.channel)

    @property
    def chance(self) -> float:
        """The overlap to be expected of two such spaces that have nothing to do with each other."""
        count, entries = self.recording[self.axis.channel].shape[-2:]
        return float(count / entries)

    def at(self, index: int) -> Array:
        """Orthonormal rows [quarter, entries]; those of which there is no estimate yet are zero."""
        return np.asarray(self.recording[self.axis.channel][index, self.lane], dtype=np.float64)

    def overlaps(self, lag: int) -> tuple[NDArray[np.int64], Array]:
        """Steps, and the overlap of each with the space so many steps before; NaN where there is none yet."""
        steps = self.steps
        ends = evenly(len(steps), SAMPLES)
        values = []
        for end in ends:
            before = index_at(steps, int(steps[end]) - lag)
            early = steps[end] < lag or steps[before] == 0
            values.append(np.nan if early else overlap(self.at(before), self.at(int(end))))
        return steps[ends], np.array(values)

    def noise(self, lag: int) -> tuple[NDArray[np.int64], Array]:
        """Steps and overlaps of averages of Gaussian noise."""
        size = self.recording[self.axis.channel].shape[-1]
        beta = preconditioning.beta(self.recording, self.lane)
        last = int(self.steps[-1])
        steps = np.unique(np.linspace(lag + 1, max(last, lag + 1), NULLS).astype(np.int64))
        columns = self.axis.columns(size)
        return steps, np.array([_null.overlap((size, columns), beta, int(step), lag) for step in steps])


def overlap(one: Array, other: Array) -> float:
    """The mean squared cosine between the smaller space's directions [q, n] and the other space; NaN without any.

    >>> overlap(np.eye(3)[:2], np.eye(3)[1:])
    0.5
    """
    count = min(int(one.any(axis=1).sum()), int(other.any(axis=1).sum()))
    return float(np.square(one @ other.T).sum() / count) if count else float("nan")


def _turning(
    recordings: Sequence[Recording],
    spaces: Sequence[TopSpaces],
    lag: int,
    title: str,
    names: tuple[str, str] = ("noise", "chance"),
    *,
    samples: bool = False,
    least: float = 0.0,
) -> MovingPanel:
    """The overlap with the space of some steps before, and that of noise.

    Args:
        recordings: What is shown.
        spaces: Whose overlaps are drawn.
        lag: So many steps before.
        title: Of the panel.
        names: Of noise and of chance; of an empty one there is no name, and of chance no line.
        samples: Whether the name of a curve begins with a sample of its line.
        least: Where the axis begins.
    """
    curves: list[Curve] = []
    nulls: dict[tuple[float, ...], Line] = {}
    several = len({space.axis.number for space in spaces}) > 1
    for space in spaces:
        dash = DASHES[space.axis.number % len(DASHES)]
        steps, values = space.overlaps(lag)
        # Of several recordings the colour says which it is, and a note what the dashes are.
        sample = f"{DRAWN[dash]} " if samples else ""
        name = f"{sample}{space.axis.words}" if several and len(recordings) == 1 else ""
        label = space.tag.name if space.axis.number == spaces[0].axis.number and len(recordings) > 1 else name
        curves.append(Curve(steps, values[:, None], space.tag.color, dash, label, begins=space.begins))
        steps, values = space.noise(lag)
        if tuple(values) not in nulls:
            nulls[tuple(values)] = Line(steps, values, "muted", "" if nulls else names[0], dash=dash, dot=False)
    drawn = panel(title, curves, step_axis(recordings), Axis((_low(least, curves, nulls.values()), 1.02)))
    chance = [ReferenceLine(CHANCE, dash="dotted", label=names[1])] if names[1] else []

    def at(step: int) -> Panel:
        whole = drawn.at(step)
        return replace(whole, marks=(*chance, *(line.at(step) for line in nulls.values()), *whole.marks))

    notes = ("dashed: columns",) if several and len(recordings) > 1 else ()
    return MovingPanel(drawn.steps, at, notes)


def _low(least: float, curves: Sequence[Curve], nulls: Iterable[Line]) -> float:
    """Where an axis begins: at the least overlap to be expected, or at 0 where some are smaller."""
    values = np.concatenate([*(curve.values.ravel() for curve in curves), *(line.y for line in nulls)])
    return least if np.nanmin(values, initial=np.inf) >= least else 0.0


def _pairs(space: TopSpaces, least: float = 0.0) -> MovingPanel:
    """The overlap of each sample's space with that of each other one, in colours from the least to 1."""
    steps = space.steps
    ends = evenly(len(steps), PAIRS, first=min(1, len(steps) - 1))
    directions = [space.at(int(end)) for end in ends]
    values = np.array([[overlap(one, other) for one in directions] for other in directions])
    low, high = float(steps[ends[0]]), float(steps[ends[-1]])
    half = (high - low) / max(1, len(ends) - 1) / 2 or 0.5
    extent = (low - half, high + half, low - half, high + half)
    axis = Axis(extent[:2], label=STEP, whole=True)
    label = f"overlap {significant(least, 2)} (unrelated) to 1" if least else "overlap 0 to 1"
    field = Field(values, extent, Norm(least, 1.0), "ordered", missing="no gradient yet", label=label)
    title = f"{space.axis.words}, any two steps"

    def at(step: int) -> Panel:
        index = index_at(steps[ends], step)
        here = float(steps[ends[index]])
        first = values[index, 0]
        text = significant(float(first), 2) if np.isfinite(first) else ""
        marks = (field, ReferenceLine(here, "text", vertical=True), ReferenceLine(here, "text"))
        return Panel(title, axis, axis, marks, (Readout(text, name="with the first", widest="0.00"),))

    return MovingPanel(steps[ends], at)
