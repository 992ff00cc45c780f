"""What the gradient and the update of a step take, against one option of the scenario."""

from collections.abc import Mapping, Sequence

import numpy as np

from dynviz.charts import caption, limits
from dynviz.charts.channels import written
from dynviz.charts.numbers import significant
from dynviz.frozen import frozen
from dynviz.scene.marks import Axis, Dash, Line, Panel, Readout, ReferenceLine, Scene

DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")


@frozen
class TimedSteps:
    """Microseconds of a step at each value of an option.

    Attributes:
        option: Its name.
        values: Ascending, all above zero.
        gradient: Of the loss and its gradient, at each value.
        updates: Of the update, by optimizer.
    """

    option: str
    values: Sequence[float]
    gradient: Sequence[float]
    updates: Mapping[str, Sequence[float]]


def scene(task: str, measured: TimedSteps, title: str = "") -> Scene:
    """The times, and which share of a step the update takes; without a title, it says what holds at the largest value.

    Args:
        task: What is trained.
        measured: The times.
        title: Of the picture.
    """
    values, gradient = np.array(measured.values, dtype=np.float64), np.array(measured.gradient)
    updates = [np.array(times) for times in measured.updates.values()]
    x = Axis((float(values[0]), float(values[-1])), "log", measured.option.replace("_", " "), whole=True)
    y = limits.axis([times[:, None] for times in (gradient, *updates)], "log")
    times = [Line(values, gradient, "muted", "gradient", width=1.5)]
    shares: list[Line] = []
    for place, (label, update) in enumerate(zip(measured.updates, updates, strict=True)):
        color, dash = caption.color(place), DASHES[place // caption.COLORS % len(DASHES)]
        name = written(label)
        times.append(Line(values, update, color, name, dash=dash, width=1.5))
        shares.append(Line(values, update / (update + gradient), color, name, dash=dash, width=1.5))
    panels = (
        Panel("time of the gradient and of each update, µs", x, y, tuple(times)),
        Panel("share of the update in a step", x, Axis((0.0, 1.02)), (ReferenceLine(0.5, dash="dotted"), *shares)),
    )
    readouts = tuple(Readout(written(name), caption.color(place)) for place, name in enumerate(measured.updates))
    return Scene(title or _in_words(measured), panels, 0, -1, (Readout(f"time of a step: {task}", "muted"), *readouts))


def _in_words(measured: TimedSteps) -> str:
    """Which updates take least and most at the largest value, or how long the only one takes.

    >>> _in_words(TimedSteps("batch", [8, 64], [200, 900], {"adam": [100, 140.2], "shampoo": [9000, 10200]}))
    'At batch 64 the update of shampoo takes 73 times as long as that of adam'
    >>> _in_words(TimedSteps("batch", [8, 64], [200, 900], {"adam": [100, 140.2]}))
    'At batch 64 the update of adam takes 0.14 ms'
    """
    where = f"{measured.option.replace('_', ' ')} {significant(measured.values[-1], 9)}"
    last = sorted((times[-1], written(name)) for name, times in measured.updates.items())
    (least, first), (most, slowest) = last[0], last[-1]
    if len(last) == 1:
        return f"At {where} the update of {first} takes {significant(least / 1000, 2)} ms"
    return f"At {where} the update of {slowest} takes {significant(most / least, 2)} times as long as that of {first}"
