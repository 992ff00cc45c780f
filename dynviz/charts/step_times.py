"""What the gradient and the update of a step take, against one option of the scenario."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.channels import written
from dynviz.charts.numbers import significant
from dynviz.frozen import frozen
from dynviz.scene.marks import Axis, Dash, Line, Mark, Panel, Points, Readout, ReferenceLine, Scene, Text

Array: TypeAlias = NDArray[Any]

LONG = 10_000
"""Microseconds from which on times are in milliseconds."""
UNUSED = Axis((0.0, 1.0))
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")


@frozen
class TimedSteps:
    """Microseconds of a step at each value of an option.

    Attributes:
        option: Its name.
        values: Ascending, all above zero.
        gradient: Of the loss and its gradient, at each value.
        updates: Of the update, by optimizer.
        words: What the option is called in the picture; empty: its name.
        variants: Whether the updates are two of one optimizer.
    """

    option: str
    values: Sequence[float]
    gradient: Sequence[float]
    updates: Mapping[str, Sequence[float]]
    words: str = ""
    variants: bool = False


def scene(task: str, measured: TimedSteps, title: str = "") -> Scene:
    """The times, and which share of a step the update takes; without a title, it says what holds at the largest value.

    Of two variants of one optimizer, how many times as fast the second is stands in place of the shares.

    Args:
        task: What is trained.
        measured: The times.
        title: Of the picture.
    """
    values = np.array(measured.values, dtype=np.float64)
    # Room for half a dot at both ends.
    margin = (values[-1] / values[0]) ** 0.015
    x = Axis(
        (float(values[0] / margin), float(values[-1] * margin)),
        "log",
        measured.words or measured.option.replace("_", " "),
        at=tuple(values.tolist()),
    )
    second = _speedup(measured, values) if measured.variants else _shares(measured, values)
    panels = tuple(replace(panel, x=x) for panel in (_times(measured, values), second))
    return Scene(title or _in_words(measured), panels, 0, -1, (Readout(f"{task}: what a step takes", "muted"),))


def _times(measured: TimedSteps, values: Array) -> Panel:
    """The time of the gradient and of each update, in milliseconds where they are long."""
    every = [np.array(measured.gradient), *map(np.array, measured.updates.values())]
    unit, size = ("ms", 1000.0) if max(times.max() for times in every) >= LONG else ("µs", 1.0)
    every = [times / size for times in every]
    marks = _dotted(values, every[0], "muted", "gradient")
    for place, (label, update) in enumerate(zip(measured.updates, every[1:], strict=True)):
        marks += _of_optimizer(place, values, update, label)
    y = limits.axis([times[:, None] for times in every], "log")
    return Panel(f"time of the gradient and of each update, {unit}", UNUSED, y, tuple(marks))


def _shares(measured: TimedSteps, values: Array) -> Panel:
    gradient = np.array(measured.gradient)
    marks: list[Mark] = [ReferenceLine(50.0, dash="dotted", label="half the step")]
    for place, (label, update) in enumerate(measured.updates.items()):
        marks += _of_optimizer(place, values, 100 * np.array(update) / (np.array(update) + gradient), label)
    return Panel("share of the update in a step, %", UNUSED, Axis((0.0, 102.0)), tuple(marks))


def _speedup(measured: TimedSteps, values: Array) -> Panel:
    """The time of the first update over that of the second, and where they are equal, if that is at one value."""
    (first, slow), (second, fast) = measured.updates.items()
    times = np.array(slow) / np.array(fast)
    y = limits.axis([times[:, None], np.ones((1, 1))], "log")
    marks: list[Mark] = [ReferenceLine(1.0, dash="dotted", label="equally fast")]
    marks += _dotted(values, times, caption.color(1), "")
    crossings = np.flatnonzero(np.diff(times > 1))
    if len(crossings) == 1:
        before = int(crossings[0])
        heights, places = np.log(times[before : before + 2]), np.log(values[before : before + 2])
        equal = float(np.exp(places[0] - heights[0] * np.diff(places)[0] / np.diff(heights)[0]))
        marks.append(Points(np.array([equal]), np.array([1.0]), "text", 6.0, "ring"))
        # Times that are measured say no more than one digit of it.
        about = significant(float(f"{equal:.0e}"))
        marks.append(Text(equal, 1.0, f"equal at about {about}", "text", "beside"))
    return Panel(f"how many times as fast: {written(second)} against {written(first)}", UNUSED, y, tuple(marks))


def _of_optimizer(place: int, x: Array, y: Array, label: str) -> list[Mark]:
    return _dotted(x, y, caption.color(place), written(label), DASHES[place // caption.COLORS % len(DASHES)])


def _dotted(x: Array, y: Array, color: str, label: str, dash: Dash = "solid") -> list[Mark]:
    """A line through what was measured, with a dot at each value."""
    return [Line(x, y, color, label, dash=dash, width=1.5), Points(x, y, color, 4.0)]


def _in_words(measured: TimedSteps) -> str:
    """Which updates take least and most at the largest value, or how long the only one takes.

    >>> _in_words(TimedSteps("batch", [8, 64], [200, 900], {"adam": [100, 140.2], "shampoo": [9000, 10200]}))
    'At batch 64 the update of shampoo takes 73 times as long as that of adam'
    >>> _in_words(TimedSteps("batch", [8, 64], [200, 900], {"adam": [100, 140.2]}))
    'At batch 64 the update of adam takes 0.14 ms'
    """
    where = f"{measured.words or measured.option.replace('_', ' ')} {significant(measured.values[-1], 9)}"
    last = sorted((times[-1], written(name)) for name, times in measured.updates.items())
    (least, first), (most, slowest) = last[0], last[-1]
    if len(last) == 1:
        return f"At {where} the update of {first} takes {significant(least / 1000, 2)} ms"
    return f"At {where} the update of {slowest} takes {significant(most / least, 2)} times as long as that of {first}"
