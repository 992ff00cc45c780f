"""Curves over the steps as marks: lines, medians of lanes with their bands, and where lanes diverged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits, trend
from dynviz.charts.moving import MovingPanel, union
from dynviz.charts.numbers import DIVERGED, resolved
from dynviz.charts.reading import median
from dynviz.charts.samples import index_at
from dynviz.charts.settings import medians
from dynviz.recording.metadata import Better
from dynviz.scene import scales
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Band, Dash, Line, Mark, Panel, Points, Readout, Text

Array: TypeAlias = NDArray[Any]

THIN_LINES = 8
"""How many lanes get a thin line of their own besides the median."""
SETTING_LINES = 40
"""How many settings of hyperparameters are drawn as lines at most; of more, evenly spaced ones."""
LABELS = 5
"""Of many settings, evenly spaced ones have their values at the ends of their lines."""


@dataclass(frozen=True)
class Curve:
    """One entry of one recording's channel.

    Attributes:
        x: Steps [samples].
        values: [samples, lanes].
        color: Of the recording.
        dash: Of the entry.
        label: At the line's end.
        noise: Tenth and ninetieth percentile [samples, 2] of what `values` is the mean of; none where it is not.
        groups: Lanes of one setting of hyperparameters each, where there are several: each is a line.
        better: Which values are better: a lane that diverged is worse than all others in the median.
        settings: What each group is called, where they are one number's values in rising order.
        begins: The first step that no other curve draws, see `dynviz.charts.forks`.
    """

    x: NDArray[np.int64]
    values: Array
    color: str
    dash: Dash = "solid"
    label: str = ""
    noise: Array | None = None
    groups: tuple[tuple[int, ...], ...] = ()
    better: Better = "neither"
    settings: tuple[str, ...] = ()
    begins: int = 0


def panel(title: str, curves: Sequence[Curve], x: Axis, y: Axis | None = None) -> MovingPanel:
    """A panel of computed curves, each with the value of its last sample."""
    y = y or limits.axis([curve.values for curve in curves])
    moving = Moving(curves, y)
    steps = [curve.x for curve in curves]

    def at(step: int) -> Panel:
        last = (median(curve.values[index_at(curve.x, step)].tolist()) for curve in curves)
        texts = zip(curves, (resolved(value, y.limits, y.scale) for value in last), strict=True)
        values = [Readout(text, curve.color, curve.label, ends) for curve, text in texts]
        return Panel(title, x, y, moving.at(step), tuple(values))

    ends = max((resolved(end, y.limits, y.scale) for end in y.limits), key=len)
    return MovingPanel(union(steps), at)


class Moving:
    """The marks of curves as time goes on."""

    def __init__(self, curves: Sequence[Curve], y: Axis) -> None:
        """Prepare what stays the same at every step."""
        self._lost = [Lost(curve, y) for curve in curves]
        self._empty = _empty(curves, y)
        self._marks = [mark for curve in curves for mark in _marks(curve, y.scale)]
        # Bands at the back, medians in front of the thin lines of all recordings.
        self._marks.sort(key=lambda mark: 0.0 if isinstance(mark, Band) else mark.width)

    def at(self, step: int) -> tuple[Mark, ...]:
        """The marks at a step."""
        lost = (mark for curve in self._lost for mark in curve.at(step))
        return (*(mark.at(step) for mark in self._marks), *lost, *self._empty)


class Lost:
    """Crosses where lanes of a curve end because they diverged, and the word where all of them did."""

    def __init__(self, curve: Curve, y: Axis, *, announced: bool = True) -> None:
        """Find the last value of each lane that is not a number at the end."""
        good = limits.finite(curve.values)
        ended = np.flatnonzero(~good[-1] & good.any(axis=0)) if len(good) else np.empty(0, np.int64)
        last = len(good) - 1 - good[::-1, ended].argmax(axis=0) if len(ended) else ended
        order = np.argsort(last, kind="stable")
        self._steps = curve.x[last[order]].astype(np.float64)
        self._values = np.clip(curve.values[last, ended][order].astype(np.float64), *y.limits)
        self._all = announced and 0 < len(ended) == curve.values.shape[1]
        self._color = curve.color
        self._last: tuple[int, tuple[Points, Text]] | None = None

    def at(self, step: int) -> tuple[Points | Text, ...]:
        """The marks at a step; none for a curve whose lanes all stay finite."""
        if not len(self._steps):
            return ()
        count = int(np.searchsorted(self._steps, step, side="left"))
        if self._last is None or self._last[0] != count:
            crosses = Points(self._steps[:count], self._values[:count], self._color, 4.5, "cross")
            word = DIVERGED if self._all and count == len(self._steps) else ""
            place = float(self._steps[-1]), float(self._values[-1])
            self._last = count, (crosses, Text(*place, f"  {word}" if word else "", self._color))
        return self._last[1]


def _empty(curves: Sequence[Curve], y: Axis) -> tuple[Text, ...]:
    """Why there is no curve, where an axis can show no value of any."""
    finite = [limits.finite(curve.values).any() for curve in curves]
    if not curves or any(np.isfinite(limits.drawable(curve.values, y.scale)).any() for curve in curves):
        return ()
    word = "no value is above zero" if any(finite) else "no value is finite"
    middle = float(scales.values(y, 0.5))
    return (Text(float(curves[0].x[[0, -1]].mean()), middle, word, "muted", "center"),)


def notes(curve: Curve) -> list[str]:
    """What the marks of a curve stand for, where a line is not simply a lane."""
    lanes = curve.values.shape[1]
    if curve.groups:
        many = len(curve.groups) > SETTING_LINES
        return [f"{SETTING_LINES} of {len(curve.groups)} settings are drawn"] if many else []
    if lanes > 1:
        return [f"bold: median, band: middle half, thin: {caption.lanes(min(lanes, THIN_LINES), of=lanes)}"]
    return ["band: 10 to 90 % of the last batches"] if curve.noise is not None else []


def _marks(curve: Curve, scale: str) -> list[Band | Line]:
    def drawable(values: Array) -> Array:
        return limits.drawable(values, scale)

    bold = Line(curve.x, drawable(curve.values[:, 0]), curve.color, curve.label, dash=curve.dash, width=1.5)
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
    thin = [
        replace(bold, y=drawable(lane), label="", width=0.5, ghost=False, dot=False)
        for lane in curve.values.T[:THIN_LINES]
    ]
    low, median, high = (drawable(part) for part in trend.middle(curve.values[at], curve.better))
    x = curve.x[at]
    return [Band(x, low, high, curve.color), *thin, replace(bold, x=x, y=median, width=2.0)]
