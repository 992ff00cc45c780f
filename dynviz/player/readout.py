"""The values at a point of a panel, as text."""

import math

import numpy as np

from dynviz.charts.numbers import resolved, significant
from dynviz.player.words import Word, grouped
from dynviz.scene.marks import Axis, Field, Line, Panel, Regions


def readout(panel: Panel, x: float, y: float) -> tuple[Word, ...]:
    """The coordinates, and the value of the nearest line or of the map at the point."""
    along = panel.x.label or "x"
    place = [Word(f"{along} {_value(panel.x, x)}", "text")]
    if panel.square:
        place.append(Word(f"{panel.y.label or 'y'} {_value(panel.y, y)}", "text", gap=2))
    nearest = _nearest(panel, x, y)
    if nearest is not None:
        line, value = nearest
        label = line.label or panel.title.partition(",")[0]
        return (
            *place,
            Word(f"{label} {resolved(value, panel.y.limits, panel.y.scale)}", line.color, bold=True),
        )
    mapped = _mapped(panel, x, y)
    if mapped is not None:
        return (*place, Word(f"{panel.title.partition(',')[0]} {mapped}", "text", bold=True))
    if not panel.square:
        place.append(Word(_value(panel.y, y), "muted", gap=2))
    return tuple(place)


def _value(axis: Axis, value: float) -> str:
    return grouped(value) if axis.whole else resolved(value, axis.limits, axis.scale)


def _nearest(panel: Panel, x: float, y: float) -> tuple[Line, float] | None:
    """The line nearest to y at x, and its value there."""
    best: tuple[float, Line, float] | None = None
    for mark in panel.marks:
        if not isinstance(mark, Line) or mark.along is not None or len(mark.x) == 0 or mark.width < 1:
            continue
        index = int(np.searchsorted(mark.x, x, side="right")) - 1
        if index < 0 or x > mark.x[-1] + 0.02 * abs(panel.x.limits[1] - panel.x.limits[0]):
            continue
        value = float(mark.y[index])
        if not math.isfinite(value):
            continue
        distance = abs(_height(panel.y, value) - _height(panel.y, y))
        if best is None or distance < best[0]:
            best = distance, mark, value
    return best[1:] if best is not None else None


def _height(axis: Axis, value: float) -> float:
    return math.log10(value) if axis.scale == "log" and value > 0 else value


def _mapped(panel: Panel, x: float, y: float) -> str | None:
    """The value of the frontmost map at a point."""
    for mark in reversed(panel.marks):
        if not isinstance(mark, Field | Regions):
            continue
        values = mark.values if isinstance(mark, Field) else mark.classes
        left, right, bottom, top = mark.extent
        rows, columns = values.shape
        row, column = int((y - bottom) / (top - bottom) * rows), int((x - left) / (right - left) * columns)
        if not (0 <= row < rows and 0 <= column < columns and right != left):
            continue
        value = float(values[row, column])
        return significant(value) if isinstance(mark, Field) else f"{value:.0f}"
    return None
