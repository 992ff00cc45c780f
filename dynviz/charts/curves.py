"""Curves over the steps as marks: lines, medians of lanes with bands, and marks where lanes diverged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits, trend
from dynviz.charts.exits import Exits
from dynviz.charts.forks import without_past
from dynviz.charts.moving import MovingPanel, union
from dynviz.charts.numbers import resolved
from dynviz.charts.reading import median
from dynviz.charts.samples import index_at
from dynviz.charts.settings import medians
from dynviz.charts.swings import calm
from dynviz.recording.metadata import Better
from dynviz.scene import scales
from dynviz.scene.decimate import decimate, evenly, last_until
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Axis, Band, Dash, Line, Mark, Panel, Readout, Text

Array: TypeAlias = NDArray[Any]

THIN_LINES = 8
"""How many lanes get a thin line of their own besides the median; of more, the least and the largest value do."""
SETTING_LINES = 40
"""How many settings of hyperparameters are drawn as lines at most; of more, evenly spaced ones."""
VERTICES, COLUMNS = 1 << 18, 1 << 14
"""Lines of more vertices are drawn by the extremes in so many columns, more than any picture has."""
MEDIAN, THIN, FAINT = 1.15, 0.42, 0.25
"""Widths of the median of lanes and of the thin lines, and how solid these are."""
LABELS = 5
"""Of many settings, evenly spaced ones have their values at the ends of their lines."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One entry of one recording's channel.

    Attributes:
        x: Steps [samples].
        values: [samples, lanes].
        color: The colour of the recording.
        dash: The dash of the entry.
        label: The label at the end of the line.
        noise: The 10th and 90th percentile [samples, 2] of the samples of which `values` is the mean; None if it is not
            a mean.
        swings: The number of samples of which `values` is the mean where the curve swings; `noise` then holds the least
            and the largest of them.
        groups: The lanes of each setting of hyperparameters, if there are several; each setting is a line.
        better: Which values are better; in medians, a diverged lane is worse than all others.
        settings: The name of each group, if groups differ in the value of one number, in ascending order.
        begins: The first step that no other curve draws, see `dynviz.charts.forks`.
        share: Which share of the samples is drawn: of a very long channel evenly spaced ones.
        whose: The name of the recording, for what happens to its lanes.
        direct: Whether its label and its value travel with its dot.
    """

    x: NDArray[np.int64]
    values: Array
    color: str
    dash: Dash = "solid"
    label: str = ""
    noise: Array | None = None
    swings: int = 0
    groups: tuple[tuple[int, ...], ...] = ()
    better: Better = "neither"
    settings: tuple[str, ...] = ()
    begins: int = 0
    share: float = 1.0
    whose: str = ""
    direct: bool = True

    def own(self) -> "Curve":
        """The curve without the samples that another one draws."""
        if not self.begins:
            return self
        noise = None if self.noise is None else without_past(self.noise, self.x, self.begins)
        return replace(self, values=without_past(self.values, self.x, self.begins), noise=noise, begins=0)


def panel(title: str, curves: Sequence[Curve], x: Axis, y: Axis | None = None) -> MovingPanel:
    """A panel of computed curves, each with a readout of its last sample."""
    y = y or limits.axis([curve.values for curve in curves])
    moving = Moving(curves, y)
    steps = [curve.x for curve in curves]

    def at(step: int) -> Panel:
        last = (median(curve.values[index_at(curve.x, step)].tolist()) for curve in curves)
        texts = zip(curves, (resolved(value, y.limits, y.scale) for value in last), strict=True)
        values = [Readout(text, curve.color, curve.label, ends, curve.direct) for curve, text in texts]
        return Panel(title, x, y, moving.at(step), tuple(values))

    ends = widest(y)
    return MovingPanel(union(steps), at)


class Moving:
    """The marks of curves at each step."""

    def __init__(self, curves: Sequence[Curve], y: Axis) -> None:
        """Prepare everything that is the same at every step."""
        curves = [curve.own() for curve in curves]
        first = {(curve.color, curve.whose): curve for curve in reversed(curves)}
        # Of several entries of a recording the first says it.
        self._exits = [(exits(curve, y), curve in first.values()) for curve in curves]
        self._y = y
        self._empty = _empty(curves, y)
        drawn = [(curve, _marks(curve, y)) for curve in curves]
        self.steps = [(curve, marks[-1].x) for curve, marks in drawn]
        """Of each curve the steps that are drawn: some of those that there are."""
        # A value alone says whose it is where there is one curve.
        named = [(curve, marks[-1]) for curve, marks in drawn if curve.label or len(curves) == 1]
        self._direct = [(curve, line) for curve, line in named if curve.direct]
        self._marks = [mark for _, marks in drawn for mark in marks]
        # Bands at the back, medians in front of the thin lines of all recordings.
        self._marks.sort(key=lambda mark: 0.0 if isinstance(mark, Band) else mark.width)

    def at(self, step: int) -> tuple[Mark, ...]:
        """The marks at a step."""
        out = (mark for one, said in self._exits for mark in one.at(step, said=said))
        labels = (_label(curve, line, self._y, step) for curve, line in self._direct if isinstance(line, Line))
        return (*(mark.at(step) for mark in self._marks), *out, *labels, *self._empty)


def _label(curve: Curve, line: Line, y: Axis, step: int) -> DirectLabel:
    """The name of a curve and its value where its dot is."""
    now = last_until(line.x, step)
    index = index_at(line.x, int(now))
    value = float(line.y[index]) if len(line.y) and line.x[0] <= step else float("nan")
    words = resolved(value, y.limits, y.scale) if np.isfinite(value) else ""
    return DirectLabel(float(now), value, curve.label, curve.color, words, widest(y))


def widest(y: Axis) -> str:
    """The longest words of a value on an axis."""
    return max((resolved(end, y.limits, y.scale) for end in y.limits), key=len)


def exits(curve: Curve, y: Axis) -> Exits:
    """Where the lanes of a curve leave the axis."""
    x = np.broadcast_to(curve.x[:, None], curve.values.shape)
    reach = (float(curve.x[0]), float(curve.x[-1])) if len(curve.x) else (0.0, 0.0)
    name = curve.whose or curve.label
    # A damaged file may hold NaN of a kind that no cast takes in silence.
    with np.errstate(invalid="ignore"):
        places = np.stack([x, curve.values], axis=-1)
    return Exits(places, curve.x, (Axis(reach), y), color=curve.color, name=name)


def _empty(curves: Sequence[Curve], y: Axis) -> tuple[Text, ...]:
    """Why there is no curve, where an axis can show no value of any."""
    finite = [limits.finite(curve.values).any() for curve in curves]
    if not curves or any(np.isfinite(limits.drawable(curve.values, y.scale)).any() for curve in curves):
        return ()
    word = "no value is above zero" if any(finite) else "no value is finite"
    middle = float(scales.values(y, 0.5))
    return (Text(float(curves[0].x[[0, -1]].mean()), middle, word, "muted", "center"),)


SWINGS = "where a curve swings: its mean"
RANGE = "bands: how far a curve swings"


def notes(curve: Curve, y: Axis) -> list[str]:
    """What the marks of a curve stand for, where a line is not simply a lane, and what they leave out."""
    some = [f"lines: one of {round(1 / curve.share)} samples"] if curve.share < 1 else []
    return some + _lanes_note(curve, y)


def _lanes_note(curve: Curve, y: Axis) -> list[str]:
    lanes = curve.values.shape[1]
    if curve.groups:
        many = len(curve.groups) > SETTING_LINES
        return [f"{SETTING_LINES} of {len(curve.groups)} settings are drawn"] if many else []
    if lanes > THIN_LINES:
        return [f"bold: median, band: middle half, thin: least and largest of {lanes} runs"]
    if lanes > 1:
        thin = caption.lanes(min(lanes, THIN_LINES), of=lanes)
        swing = any(calm(lane, y) is not lane for lane in curve.values.T[:THIN_LINES])
        return [f"bold: median, band: middle half, thin: {thin}", *([SWINGS] if swing else ())]
    if curve.swings:
        return [RANGE]
    return ["band: 10 to 90 % of the last batches"] if curve.noise is not None else []


def _outline(x: NDArray[np.int64], y: Array) -> tuple[NDArray[np.int64], Array]:
    """The vertices of a line of very many that any picture shows: the others lie between two of them."""
    if len(y) <= VERTICES:
        return x, y
    kept = decimate(np.linspace(0, COLUMNS, len(y)), y)
    return x[kept], y[kept]


def _extremes(values: Array, y: Axis) -> list[Array]:
    """The least and the largest value [samples] of those lanes that an axis can show."""
    shown = limits.drawable(values, y.scale)
    known = np.isfinite(shown).any(axis=1)
    ends = np.stack([np.fmin.reduce(shown, axis=1), np.fmax.reduce(shown, axis=1)])
    return [*np.where(known, ends, np.nan)]


def _marks(curve: Curve, y: Axis) -> list[Band | Line]:
    def drawable(values: Array) -> Array:
        return limits.drawable(values, y.scale)

    def line(values: Array) -> Line:
        steps, heights = _outline(curve.x, drawable(values))
        return Line(steps, heights, curve.color, curve.label, dash=curve.dash, width=1.5)

    bold = line(curve.values[:, 0])
    if curve.values.shape[1] == 1:
        if curve.noise is None:
            return [bold]
        return [Band(curve.x, drawable(curve.noise[:, 0]), drawable(curve.noise[:, 1]), curve.color), bold]
    at = evenly(len(curve.x), trend.POINTS)
    if curve.groups:
        kept = evenly(len(curve.groups), SETTING_LINES)
        values = medians(curve.values[at], [curve.groups[place] for place in kept], curve.better)
        lines = [replace(bold, x=curve.x[at], y=drawable(lane), label="", width=0.8, dot=False) for lane in values.T]
        if not curve.settings:
            return lines  # type: ignore[return-value]
        named = kept[evenly(len(kept), LABELS)]
        return [
            replace(
                line,
                color=caption.ordered(int(place), len(curve.groups)),
                label=curve.settings[place] if place in named else "",
            )
            for place, line in zip(kept, lines, strict=True)
        ]
    few = curve.values.shape[1] <= THIN_LINES
    lanes = [calm(lane, y) for lane in curve.values.T] if few else _extremes(curve.values, y)
    thin = [replace(line(lane), label="", width=THIN, ghost=False, dot=False, alpha=FAINT) for lane in lanes]
    low, median, high = (drawable(part) for part in trend.middle(curve.values[at], curve.better))
    x = curve.x[at]
    return [Band(x, low, high, curve.color), *thin, replace(bold, x=x, y=calm(median, y), width=MEDIAN)]
