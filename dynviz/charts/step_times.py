"""What the gradient and the update of a step take, against one option of the scenario."""

from collections.abc import Mapping, Sequence

import numpy as np

from dynviz.charts import caption, limits
from dynviz.charts.channels import written
from dynviz.charts.endings import joined
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


def scene(title: str, measured: TimedSteps) -> Scene:
    """The times, and which share of a step the update takes; in words the times at the largest value."""
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
    return Scene(title, panels, 0, -1, (*readouts, Readout(_in_words(measured))))


def _in_words(measured: TimedSteps) -> str:
    """How long an update takes at the largest value.

    >>> _in_words(TimedSteps("batch", [8, 64], [200, 900], {"adam": [100, 140.2], "shampoo": [9000, 10200]}))
    'At batch 64 an update takes 0.14 ms (adam) and 10 ms (shampoo).'
    """
    where = f"{measured.option.replace('_', ' ')} {significant(measured.values[-1], 9)}"
    updates = joined(
        [f"{significant(times[-1] / 1000, 2)} ms ({written(name)})" for name, times in measured.updates.items()]
    )
    return f"At {where} an update takes {updates}."
