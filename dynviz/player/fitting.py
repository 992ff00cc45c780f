"""Axes of steps as the user wants them: of what is recorded, of the plan, of the last steps, logarithmic, zoomed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from dynviz.charts import limits, trend
from dynviz.charts.moving import STEP
from dynviz.charts.numbers import resolved
from dynviz.frozen import frozen
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Axis, Band, Field, Line, Mark, Panel, Readout

SHORTEST = 100
"""Steps that are always shown."""
LAST = 10
"""The last steps are one of so many parts of the plan."""
SMOOTHED = (1, 10, 100)
"""Samples of which curves are the trailing mean."""
ENOUGH = 4
"""Curves of fewer than so many times the samples of a mean stay as they are."""
Span: TypeAlias = Literal["recorded", "plan", "last"]
SPANS: tuple[Span, ...] = ("recorded", "plan", "last")


@frozen
class AxisChoice:
    """What the axes of curves show.

    Attributes:
        span: The steps `recorded` so far, the whole `plan`, or the `last` steps up to the shown one.
        between: Two steps between which all curves are shown instead.
        log_x: Whether axes of steps are logarithmic.
        log_y: Whether vertical axes are logarithmic, where there is a value above zero.
        smooth: The number of samples of which curves are the trailing mean.
    """

    span: Span = "recorded"
    between: tuple[float, float] | None = None
    log_x: bool = False
    log_y: bool = False
    smooth: int = 1

    def steps(self, step: int, recorded: int, total: int, *, live: bool) -> tuple[float, float] | None:
        """The first and last step of axes; None for those of the view.

        >>> AxisChoice("last").steps(1_260, 5_000, 10_000, live=True)
        (500.0, 1500.0)
        """
        if self.between is not None:
            return self.between
        if self.span == "last":
            count = max(-(-total // LAST), SHORTEST)
            # In quarters, so that the axis stands still for a while.
            quarter = max(count // 4, 1)
            end = max(-(-step // quarter) * quarter, count)
            return float(end - count), float(end)
        return (0.0, float(end_of(recorded, total))) if self.span == "recorded" and live else None


AS_IT_IS = AxisChoice("plan")


def end_of(recorded: int, total: int) -> int:
    """The last step of an axis: the plan's, halved as often as what is recorded allows, so that it rarely moves.

    >>> [end_of(recorded, 10_000) for recorded in (0, 700, 2_600, 9_000)]
    [157, 1250, 5000, 10000]
    """
    end = total
    while end >= 2 * SHORTEST and -(-end // 2) > recorded:
        end = -(-end // 2)
    return end


def fitted(panels: Sequence[Panel], choice: AxisChoice, steps: tuple[float, float] | None) -> tuple[Panel, ...]:
    """The panels with the axes that were chosen, between these steps; maps keep theirs."""
    return tuple(_fitted(panel, choice, steps) if has_steps(panel) else panel for panel in panels)


def _fitted(panel: Panel, choice: AxisChoice, steps: tuple[float, float] | None) -> Panel:
    if choice.smooth > 1:
        panel = _smoothed(panel, choice.smooth)
    if steps is not None and (steps[1] < panel.x.limits[1] or steps[0] > panel.x.limits[0]):
        panel = replace(panel, x=replace(panel.x, limits=steps))
        if steps[0] > 0:
            panel = replace(panel, y=_seen(panel))
    if choice.log_x:
        low, high = panel.x.limits
        x = replace(panel.x, limits=(max(low, 1.0), max(high, 10.0)), scale="log")
        panel = replace(panel, x=x, marks=tuple(_above_zero(mark) for mark in panel.marks))
    if choice.log_y and panel.y.scale == "linear":
        panel = _logarithmic(panel)
    if steps is None and not choice.log_x:
        return panel
    low, high = panel.x.limits
    inside = (mark for mark in panel.marks if not isinstance(mark, DirectLabel) or low <= mark.x <= high)
    return replace(panel, marks=tuple(inside))


def _logarithmic(panel: Panel) -> Panel:
    values = [value[value > 0] for value in _values(panel)]
    if not any(len(value) for value in values):
        return panel
    y = limits.axis([value[:, None] for value in values if len(value)], "log", panel.y.label)
    return replace(panel, y=y, marks=tuple(_positive(mark) for mark in panel.marks))


def _seen(panel: Panel) -> Axis:
    """The vertical axis of what is shown between the limits of the other."""
    values = [value[:, None] for value in _values(panel) if len(value)]
    if not values:
        return panel.y
    shown = limits.axis(values, panel.y.scale, panel.y.label)
    return replace(panel.y, limits=shown.limits) if shown.scale == panel.y.scale else panel.y


def _values(panel: Panel) -> list[np.ndarray]:
    """The finite values of the lines and bands between the limits of the steps."""
    low, high = panel.x.limits
    found = []
    for mark in panel.marks:
        for values in (mark.y,) if isinstance(mark, Line) else (mark.low, mark.high) if isinstance(mark, Band) else ():
            x = mark.x  # type: ignore[union-attr]
            kept = (x >= low) & (x <= high) & np.isfinite(values)
            found.append(np.asarray(values)[kept])
    return found


def _above_zero(mark: Mark) -> Mark:
    """The curve without its samples at step zero and before."""
    if isinstance(mark, Line):
        kept = mark.x > 0
        along = mark.along if mark.along is None else mark.along[kept]
        return replace(mark, x=mark.x[kept], y=mark.y[kept], along=along)
    if isinstance(mark, Band):
        kept = mark.x > 0
        return replace(mark, x=mark.x[kept], low=mark.low[kept], high=mark.high[kept])
    return mark


def _positive(mark: Mark) -> Mark:
    if isinstance(mark, Line):
        return replace(mark, y=limits.drawable(mark.y, "log"))
    if isinstance(mark, Band):
        return replace(mark, low=limits.drawable(mark.low, "log"), high=limits.drawable(mark.high, "log"))
    return mark


def _smoothed(panel: Panel, samples: int) -> Panel:
    """The panel with trailing means for its lines, and their dots and values."""
    marks = [_mean(mark, samples) if isinstance(mark, Line) and mark.along is None else mark for mark in panel.marks]
    lines = [mark for mark in marks if isinstance(mark, Line)]
    for place, mark in enumerate(marks):
        if isinstance(mark, DirectLabel):
            own = [line for line in lines if line.color == mark.color and line.label in ("", mark.name)]
            value = (
                own[-1].y[np.searchsorted(own[-1].x, mark.x, side="right") - 1] if own and len(own[-1].x) else mark.y
            )
            words = resolved(float(value), panel.y.limits, panel.y.scale) if np.isfinite(value) else ""
            marks[place] = replace(mark, y=float(value), value=words if mark.value else "")
    if not any(new is not old for new, old in zip(marks, panel.marks, strict=True) if isinstance(old, Line)):
        return panel
    note = Readout(f"mean of {samples} samples", "muted")
    return replace(panel, marks=tuple(marks), readouts=(*panel.readouts, note))


def _mean(line: Line, samples: int) -> Line:
    if len(line.y) < ENOUGH * samples:
        return line
    return replace(line, y=trend.trailing_mean(np.asarray(line.y, np.float64), np.arange(len(line.y)), samples))


def has_steps(panel: Panel) -> bool:
    """Whether a panel shows curves over the steps."""
    return panel.x.label == STEP and not panel.square and not any(isinstance(mark, Field) for mark in panel.marks)
