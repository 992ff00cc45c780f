"""Eigenvalues of an optimizer's statistics, how few dominate, and chance level."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits, preconditioning
from dynviz.charts.curves import Curve, exits
from dynviz.charts.forks import own_from
from dynviz.charts.moving import MovingPanel, film, step_axis, union
from dynviz.charts.numbers import resolved
from dynviz.charts.preconditioning import StatisticsAxis
from dynviz.charts.samples import index_at, lane_of, lined, need
from dynviz.film import Film
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Dash, Line, Panel, Text
from dynviz.views import _null

Array: TypeAlias = NDArray[Any]

SHOWN = 9
"""So many eigenvalues are drawn of each axis, from the largest to the smallest."""
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")
NULLS = 24
"""At so many steps the null is drawn; it is a straight line in between."""
ROUNDING = 1e-15
"""Eigenvalues below this share of the largest, for each row, are rounding: the matrix is singular."""


@frozen
class PreconditionerStatistics:
    """The eigenvalues of one axis of one parameter, of one lane of one recording.

    Attributes:
        steps: [samples].
        values: [samples, entries], the largest first.
        place: Of the recording among those shown.
        axis: Whose they are.
        beta: What stays of the statistics at each step.
        begins: The first step that no other recording draws.
    """

    steps: NDArray[np.int64]
    values: Array
    place: int
    axis: StatisticsAxis
    beta: float
    begins: int = 0

    @property
    def number(self) -> int:
        """Of the axis: 0 for rows, 1 for columns."""
        return self.axis.number

    @property
    def columns(self) -> int:
        """How many columns one gradient has, unfolded along the axis."""
        return self.axis.columns(self.values.shape[1])

    @property
    def dash(self) -> Dash:
        """Of the lines of this axis."""
        return DASHES[self.number % len(DASHES)]

    @property
    def shares(self) -> Array:
        """The share of the top quarter [samples]; NaN before the first gradient."""
        return _null.top_quarter(self.values)

    @property
    def conditions(self) -> Array:
        """The largest over the smallest eigenvalue [samples]; infinite while that one is zero up to rounding."""
        largest, smallest = self.values[:, 0], self.values[:, -1]
        singular = smallest <= ROUNDING * self.values.shape[1] * largest
        return np.where(singular, np.inf, largest / np.where(singular, 1.0, smallest))

    def null(self) -> tuple[Array, Array]:
        """Steps and shares that averages of Gaussian noise would have."""
        count = self.values.shape[1]
        last = max(int(self.steps[-1]), 1)
        steps = np.unique(np.geomspace(1, last, NULLS).round().astype(np.int64))
        return steps, np.array([_null.share(count, self.columns, self.beta, int(step)) for step in steps])


def view(recordings: Sequence[Recording], *, parameter: str = "", lane: int = 0) -> Film:
    """Eigenvalues for each axis of one parameter, the share of the top quarter, and condition numbers.

    Args:
        recordings: What is shown; those that recorded `state.*` of statistics with eigenvalues.
        parameter: Name of the parameter whose statistics are shown; by default the largest one.
        lane: Which lane of each recording.
    """
    need("preconditioner", recordings)
    lane_of(recordings, lane)
    chosen = preconditioning.chosen("preconditioner", recordings, parameter)
    own = own_from(recordings, lane)
    statistics = [
        replace(axis, begins=own[place])
        for place, recording in enumerate(recordings)
        for axis in _statistics(recording, place, chosen, lane)
    ]
    axes = sorted({axis.number for axis in statistics})
    panels = [_spectrum(recordings, [one for one in statistics if one.number == axis], chosen) for axis in axes]
    panels += [_shares(recordings, statistics), _conditions(recordings, statistics)]
    # Two panels of spectra stand over two of what follows from them.
    return film(recordings, panels, caption.chosen(recordings, lane), columns=2 if len(axes) == 2 else 0)


def _statistics(recording: Recording, place: int, parameter: str, lane: int) -> list[PreconditionerStatistics]:
    statistics = []
    for axis in preconditioning.axes(recording, "eigenvalues", parameter):
        steps, values = lined(recording, axis.channel, lane)
        values, beta = values.astype(np.float64), preconditioning.beta(recording, lane)
        statistics.append(PreconditionerStatistics(steps, values, place, axis, beta))
    return statistics


def _spectrum(recordings: Sequence[Recording], axes: Sequence[PreconditionerStatistics], parameter: str) -> MovingPanel:
    """Some eigenvalues over the steps, evenly chosen from the largest to the smallest."""
    first = recordings[axes[0].place]
    title = f"eigenvalues of {preconditioning.titled(first, parameter)}" if parameter else "eigenvalues"
    if len(axes[0].axis.shape) > 1:
        title += f", {axes[0].axis.words}"
    entries = max(axis.values.shape[1] for axis in axes)
    title += f", {SHOWN} of {entries}" if entries > SHOWN else ""
    curves: list[Curve] = []
    for axis in axes:
        count = axis.values.shape[1]
        floor = ROUNDING * count * axis.values.max(axis=1, keepdims=True)
        seen = np.where(axis.values > floor, axis.values, np.where(np.isnan(axis.values), np.nan, 0.0))
        color = caption.color(axis.place)
        curves += [Curve(axis.steps, seen[:, place, None], color, begins=axis.begins) for place in evenly(count, SHOWN)]
    y = limits.axis([curve.values for curve in curves], "log")
    panel = _panel(recordings, title, curves, y, led=True)
    out = [exits(curve.own(), y) for curve in {curve.color: curve for curve in reversed(curves)}.values()]

    def at(step: int) -> Panel:
        drawn = panel.at(step)
        return replace(drawn, marks=(*drawn.marks, *(mark for one in out for mark in one.at(step))))

    return MovingPanel(panel.steps, at)


def _shares(recordings: Sequence[Recording], axes: Sequence[PreconditionerStatistics]) -> MovingPanel:
    """The share of the top quarter, and the null: of noise averaged in the same way."""
    curves: list[Curve] = []
    nulls: dict[tuple[int, int, float, int], PreconditionerStatistics] = {}
    several = len({axis.number for axis in axes}) > 1
    for axis in axes:
        label = axis.axis.words if several and axis.place == axes[0].place else ""
        color = caption.color(axis.place)
        curves.append(Curve(axis.steps, axis.shares[:, None], color, axis.dash, label, begins=axis.begins))
        nulls[axis.values.shape[1], axis.columns, axis.beta, axis.number] = axis
    lines: list[Line] = []
    for axis in nulls.values():
        steps, shares = axis.null()
        label = "noise" if not lines else ""
        lines.append(Line(steps, shares, "muted", label, dash=axis.dash, dot=False))
    low = min([0.25, *(float(np.nanmin(curve.values, initial=1.0)) for curve in curves)])
    y = Axis((max(0.0, low - 0.05), 1.02))
    return _panel(recordings, "share of the top quarter", curves, y, behind=lines)


def _conditions(recordings: Sequence[Recording], axes: Sequence[PreconditionerStatistics]) -> MovingPanel:
    curves = [
        Curve(axis.steps, axis.conditions[:, None], caption.color(axis.place), axis.dash, begins=axis.begins)
        for axis in axes
    ]
    y = limits.axis([curve.values for curve in curves], "log")
    return _panel(recordings, "condition number", curves, y)


def _panel(
    recordings: Sequence[Recording],
    title: str,
    curves: Sequence[Curve],
    y: Axis,
    *,
    behind: Sequence[Line] = (),
    led: bool = False,
) -> MovingPanel:
    """Curves of one lane as time goes on, and the value of each recording's first one, which may lead the others."""
    x = step_axis(recordings)
    firsts = {curve.color: curve for curve in reversed(curves)}
    lines = [_line(curve, y, thin=led and firsts[curve.color] is not curve) for curve in curves]
    # What is thin stands behind.
    lines.sort(key=lambda line: line.width)
    tags = caption.tags(recordings)
    widest = max((resolved(end, y.limits, y.scale) for end in y.limits), key=len)
    nothing = not any(np.isfinite(line.y).any() for line in lines)
    middle = float(np.sqrt(y.limits[0] * y.limits[1])) if y.scale == "log" else sum(y.limits) / 2
    word = Text(sum(x.limits) / 2, middle, "singular" if nothing else "", "muted", "center")

    def at(step: int) -> Panel:
        moved = [line.at(step) for line in (*behind, *lines)]
        readouts = []
        for tag in tags:
            curve = firsts.get(tag.color)
            if curve is not None:
                index = index_at(curve.x, step)
                value = float(curve.values[index, 0])
                # Before the first gradient there are no statistics, and nothing diverged.
                text = resolved(value, y.limits, y.scale) if index or np.isfinite(value) else ""
                readouts.append(replace(tag, text=text, widest=widest))
        return Panel(title, x, y, (*moved, word), tuple(readouts))

    return MovingPanel(union([line.x for line in lines]), at)


def _line(curve: Curve, y: Axis, *, thin: bool) -> Line:
    values = limits.drawable(curve.own().values[:, 0], y.scale)
    width = 0.7 if thin else 1.5
    return Line(curve.x, values, curve.color, curve.label, dash=curve.dash, width=width, dot=not thin)
