"""The picture of a ladder: a bar for each rung that falls as changes are stacked."""

import math
from collections.abc import Sequence

import numpy as np

from dynviz.charts.numbers import significant
from dynviz.comparison.ladder import Effect, Rung
from dynviz.scene.marks import Axis, Bars, Line, Mark, Panel, Readout, Scene, Text

COLORS: dict[Effect, str] = {
    "start": "lane0",
    "helps": "lane2",
    "hurts": "lane3",
    "within noise": "muted",
    "missed": "muted",
    "too few seeds": "muted",
}
ROOM = 1.16
"""Of the axis for the longest bar, with the number on it."""


def picture(rungs: Sequence[Rung], title: str, unit: str) -> Scene:
    """A panel for each size, on an axis of its own, because larger models take other times.

    Args:
        rungs: The rungs of all sizes.
        title: What was trained, and the target.
        unit: What time is measured in.
    """
    sizes = list(dict.fromkeys(rung.size for rung in rungs))
    panels = tuple(_panel([rung for rung in rungs if rung.size == size], size, unit) for size in sizes)
    return Scene(title, panels, 0, -1, (Readout("median over seeds, 95 % interval", "muted"),))


def _panel(rungs: Sequence[Rung], size: str, unit: str) -> Panel:
    ends = [end for rung in rungs for end in (rung.time.value, rung.time.high) if math.isfinite(end)]
    top = ROOM * max(ends, default=1.0)
    marks: list[Mark] = []
    for rung in rungs:
        place, value = float(rung.number), rung.time.value
        label = rung.change if not rung.number else f"{rung.number} {rung.change}: {rung.effect}"
        color = COLORS[rung.effect]
        height = value if math.isfinite(value) else 0.0
        marks.append(Bars(np.array([place]), np.array([height]), color, 0.7, label=label))
    for rung in rungs:
        place, time = float(rung.number), rung.time
        low, high = min(time.low, top), min(time.high, top)
        if math.isfinite(time.value) and low < high:
            marks.append(Line(np.array([place, place]), np.array([low, high]), "text", width=1.0, dot=False))
        # Beside the interval, which may end above the picture.
        height = time.value if math.isfinite(time.value) else 0.0
        words = significant(time.value) if math.isfinite(time.value) else "missed"
        marks.append(Text(place + 0.04, height + 0.045 * top, words))
    x = Axis((-0.6, len(rungs) - 0.4), label="changes stacked", whole=True)
    return Panel(f"{unit} to the target{size and f', {size}'}", x, Axis((0.0, top)), tuple(marks))


def description(rungs: Sequence[Rung], unit: str) -> str:
    """The picture in words."""
    listed = "; ".join(
        f"{rung.size + ' ' if rung.size else ''}{rung.change}: "
        f"{significant(rung.time.value) if math.isfinite(rung.time.value) else 'missed'} {unit}, {rung.effect}"
        for rung in rungs
    )
    return f"Time to a target as changes are stacked, a bar for each. {listed}."
