"""The values at a point of a panel, as text."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dynviz.charts.numbers import resolved, significant
from dynviz.player.words import Word, grouped, shortened
from dynviz.scene.marks import Axis, Field, Line, Panel, Readout, Regions
from dynviz.scene.scales import fractions, values

GAP = 2
"""Columns between two words."""


class LineValue(NamedTuple):
    """A line, its value at a place, and how far that is from the mouse."""

    line: Line
    value: float
    distance: float


class NamedValue(NamedTuple):
    """A curve's name, its value at a place, that in words, and its colour."""

    name: str
    value: float
    text: str
    color: str


class Pixel(NamedTuple):
    """A pixel of a map: its value in words, and the coordinates of its middle."""

    text: str
    x: float
    y: float


def readout(panel: Panel, x: float, y: float, readouts: Sequence[Readout] = (), room: int = 80) -> tuple[Word, ...]:
    """The coordinates and the value of the map at the point, or the values of all lines there, the nearest first.

    Values are those of an optimizer, which is named.

    Args:
        panel: The panel.
        x: The horizontal coordinate of the mouse.
        y: The vertical one.
        readouts: Those of the scene, which name colours.
        room: The number of columns for all words; lines without room are left out.
    """
    pixel = _pixel(panel, x, y)
    if pixel is not None:
        x, y = pixel.x, pixel.y
    place = [Word(f"{panel.x.label or 'x'} {_value(panel.x, x)}", "text")]
    if panel.square or pixel is not None:
        place.append(Word(f"{panel.y.label or 'y'} {_value(panel.y, y)}", "text", gap=GAP))
    title = f"{_owner(panel, readouts)} {panel.title.partition(',')[0]}".strip()
    if pixel is not None:
        return (*place, _named(title, pixel.text, "text", room - _width(place), bold=True))
    lines = sorted(_lines(panel, x, y), key=lambda one: one.distance)
    if not lines:
        return tuple(place) if panel.square else (*place, Word(_value(panel.y, y), "muted", gap=GAP))
    names = _names([*readouts, *panel.readouts])
    words = place
    for number, one in enumerate(lines):
        name = one.line.label or names.get(one.line.color, "" if number else title)
        value = resolved(one.value, panel.y.limits, panel.y.scale)
        left = room - _width(words)
        # A number is never cut; what has no name would say nothing.
        if number and (not name or left < GAP + len(name) + 1 + len(value)):
            continue
        words.append(_named(name, value, one.line.color, left, bold=not number))
    return tuple(words)


def curve_values(panel: Panel, x: float, y: float, readouts: Sequence[Readout]) -> list[NamedValue]:
    """The values of all lines that have a name, in the order of their colours' names, else of the picture."""
    names = _names([*readouts, *panel.readouts])
    alone = f"{_owner(panel, readouts)} {panel.title.partition(',')[0]}".strip()
    lines = _lines(panel, x, y)
    places = {color: place for place, color in enumerate(names)}
    found = []
    for one in sorted(lines, key=lambda one: places.get(one.line.color, len(places))):
        name = one.line.label or names.get(one.line.color, alone if len(lines) == 1 else "")
        if name:
            words = resolved(one.value, panel.y.limits, panel.y.scale)
            found.append(NamedValue(name, one.value, words, one.line.color))
    return found


def _owner(panel: Panel, readouts: Sequence[Readout]) -> str:
    """The optimizer that a panel is about, with what sets it apart; empty where that cannot be told, or are several."""
    after = panel.title.partition(", ")[2]
    if after and not after.startswith("seed "):
        return after
    apart = {"muted", "text"}
    shown = {one.color for one in panel.readouts if one.color not in apart}
    shown |= {mark.color for mark in panel.marks if isinstance(mark, Line) and mark.color not in apart}
    names = [one.name or one.text for one in readouts if one.color not in apart]
    if len(names) > 1:
        names = [one.name or one.text for one in readouts if shown == {one.color}]
    return names[0].partition(" ")[0] if len(names) == 1 else ""


def _named(name: str, value: str, color: str, room: int, *, bold: bool) -> Word:
    short = shortened(name, max(room - GAP - len(value) - 1, 0))
    return Word(f"{short} {value}".strip(), color, bold=bold, gap=GAP)


def _width(words: Sequence[Word]) -> int:
    return sum(word.width + (word.gap or 0) for word in words)


def _names(readouts: Sequence[Readout]) -> dict[str, str]:
    """The name of each colour; none where everything has one."""
    names = {one.color: one.name or one.text for one in readouts if one.color not in {"muted", "text"}}
    return names if len(names) > 1 else {}


def _value(axis: Axis, value: float) -> str:
    return grouped(value) if axis.whole else resolved(value, axis.limits, axis.scale)


def _lines(panel: Panel, x: float, y: float) -> list[LineValue]:
    """The lines over x that have a value there."""
    lines = []
    for mark in panel.marks:
        if not isinstance(mark, Line) or mark.along is not None or len(mark.x) == 0 or mark.width < 1:
            continue
        index = int(np.searchsorted(mark.x, x, side="right")) - 1
        if index < 0 or x > mark.x[-1] + 0.02 * abs(panel.x.limits[1] - panel.x.limits[0]):
            continue
        value = float(mark.y[index])
        if math.isfinite(value):
            lines.append(LineValue(mark, value, abs(_height(panel.y, value) - _height(panel.y, y))))
    return lines


def _height(axis: Axis, value: float) -> float:
    return math.log10(value) if axis.scale == "log" and value > 0 else value


def _pixel(panel: Panel, x: float, y: float) -> Pixel | None:
    """The pixel of the frontmost map at a point."""
    for mark in reversed(panel.marks):
        if not isinstance(mark, Field | Regions):
            continue
        grid = mark.values if isinstance(mark, Field) else mark.classes
        left, right, bottom, top = mark.extent
        across = _cell(panel.x, left, right, grid.shape[1], x)
        upward = _cell(panel.y, bottom, top, grid.shape[0], y)
        if across is None or upward is None:
            continue
        value = float(grid[upward[0], across[0]])
        return Pixel(significant(value) if isinstance(mark, Field) else f"{value:.0f}", across[1], upward[1])
    return None


def _cell(axis: Axis, low: float, high: float, count: int, place: float) -> tuple[int, float] | None:
    """Which of `count` pixels that look equal a coordinate is in, and the coordinate of its middle."""
    begin, end, at = fractions(axis, [low, high, place]).tolist()
    if begin == end or not math.isfinite(at):
        return None
    index = math.floor((at - begin) / (end - begin) * count)
    middle = float(values(axis, begin + (index + 0.5) / count * (end - begin)))
    return (index, middle) if 0 <= index < count else None
