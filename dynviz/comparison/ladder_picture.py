"""The picture of a ladder: a bar for each rung that falls as changes are stacked."""

import math
import re
import textwrap
from collections.abc import Sequence

import numpy as np

from dynviz.charts.channels import written
from dynviz.charts.endings import joined
from dynviz.charts.numbers import significant
from dynviz.comparison.ladder import Effect, Rung
from dynviz.scene.marks import Axis, Bars, Line, Mark, Panel, Points, Readout, Scene, Text

COLORS: dict[Effect, str] = {
    "start": "lane0",
    "helps": "lane2",
    "hurts": "lane3",
    "within noise": "muted",
    "missed": "muted",
    "too few seeds": "muted",
}
BAR = 0.84
"""Width of a bar, of the place that it stands in."""
CAP = 0.07
"""Half the width of the ends of an interval, of the same."""
SIDES = 0.1
"""Left and right of the bars, in places."""
ROW = 0.055
"""From one line of the words to the next, as a share of the axis of one panel alone: of several it is so much more."""
LEAST = 0.3
"""Of the axis for the bars, at least, whatever the words want."""
ABOVE, BEYOND = 1.06, 1.25
"""Of that for the longest bar or interval; where an interval has no end, that an arrow says above the bars."""
LETTERS = 15
"""Letters of such a line, about."""


def picture(rungs: Sequence[Rung], task: str, unit: str) -> Scene:
    """A panel for each size, on an axis of its own, because larger models take other times.

    The title is what holds at all sizes.

    Args:
        rungs: The rungs of all sizes.
        task: What was trained, and the target.
        unit: What time is measured in.
    """
    sizes = list(dict.fromkeys(rung.size for rung in rungs))
    row = ROW * len(sizes)
    panels = tuple(_panel([rung for rung in rungs if rung.size == size], size, unit, row) for size in sizes)
    words = "bars: medians over seeds; lines: 95 % intervals"
    if any(_endless(rung) for rung in rungs):
        words += "; arrows: no upper end, as many seeds miss the target"
    title = message(rungs).removesuffix(".")
    return Scene(title, panels, 0, -1, (Readout(f"{task}.", "text"), Readout(words, "muted")), columns=1)


def message(rungs: Sequence[Rung]) -> str:
    """What holds at all sizes, in a sentence; else how many changes do anything.

    Of several changes those are named that help at every size, or hurt at every size.
    """
    changed = [rung for rung in rungs if rung.number]
    parts = []
    for effect, verb in (("helps", "helps"), ("hurts", "hurts")):
        numbers = list(dict.fromkeys(rung.number for rung in changed))
        there = [[rung for rung in changed if rung.number == number] for number in numbers]
        names = [same[0].change for same in there if all(rung.effect == effect for rung in same)]
        if names:
            parts.append(f"{joined([_short(name) for name in names])} {verb if len(names) == 1 else verb[:-1]}")
    where = " at all sizes" if len({rung.size for rung in rungs}) > 1 else ""
    if parts:
        return f"{', '.join(parts)}{where}."
    return f"No change helps or hurts{where}."


def _panel(rungs: Sequence[Rung], size: str, unit: str, row: float) -> Panel:
    """Bars with their intervals, under words that stand at the top, so that none is over an interval."""
    words = [_words(rung) for rung in rungs]
    names, results = max(len(name) for name, _ in words), max(len(result) for _, result in words)
    times = [rung.time for rung in rungs if math.isfinite(rung.time.value)]
    highest = max((end for time in times for end in (time.value, time.high) if math.isfinite(end)), default=1.0)
    room = max(1.0 - (names + results + 0.5) * row, LEAST)
    top = (BEYOND if any(map(_endless, rungs)) else ABOVE) * highest / room
    # Between whole numbers, so that the horizontal axis has no ticks.
    wide = len(rungs) + 2 * SIDES
    marks: list[Mark] = []
    for index, (rung, (name, result)) in enumerate(zip(rungs, words, strict=True)):
        place = (SIDES + index + 0.5) / wide
        marks.append(Bars(np.array([place]), np.array([_height(rung)]), COLORS[rung.effect], BAR / wide))
        marks += _interval(rung, place, CAP / wide, room * top)
        for number, line in [*enumerate(name), *enumerate(result, names)]:
            color = COLORS[rung.effect] if rung.number and line == rung.effect else "text"
            marks.append(Text(place, top * (1 - (number + 0.6) * row), line, color, "center"))
    x = Axis((0.001, 0.999), label="changes stacked, from the left", whole=True)
    return Panel(written(size) if size else f"{unit} to the target", x, Axis((0.0, top), label=unit), tuple(marks))


def _interval(rung: Rung, place: float, cap: float, top: float) -> list[Mark]:
    """The line of an interval, through the middle of its bar, with a cap at each end; an arrow where it has no end."""
    low, high = rung.time.low, rung.time.high
    if not math.isfinite(rung.time.value) or low >= high:
        return []
    x, y = [place - cap, place + cap, np.nan, place, place], [low, low, np.nan, low, min(high, top)]
    if _endless(rung):
        tip: list[Mark] = [Points(np.array([place]), np.array([top]), "text", 5.0, "up")]
    else:
        x, y, tip = [*x, np.nan, place - cap, place + cap], [*y, np.nan, high, high], []
    return [Line(np.array(x), np.array(y), "text", width=1.0, dot=False), *tip]


def _endless(rung: Rung) -> bool:
    """Whether an interval has no upper end."""
    return math.isinf(rung.time.high) and math.isfinite(rung.time.value)


def _height(rung: Rung) -> float:
    return rung.time.value if math.isfinite(rung.time.value) else 0.0


def _words(rung: Rung) -> tuple[list[str], list[str]]:
    """The change in lines, and what it does."""
    name = _short(rung.change).removeprefix("+")
    lines = textwrap.wrap(f"+ {name}" if rung.number else name, LETTERS, break_long_words=False)
    # Of an infinite median no bar is drawn; its words say why.
    if math.isinf(rung.time.value):
        return lines, [f"{rung.missed} of {len(rung.steps)} seeds", "miss the target"]
    return lines, [rung.effect, significant(rung.time.value)]


def _short(change: str) -> str:
    """A change in words; of several schedules after one another the names, without their numbers."""
    words = written(change)
    return re.sub(r"\([^()]*\)", "", words) if " then " in words else words


def description(rungs: Sequence[Rung], unit: str) -> str:
    """The picture in words."""
    listed = "; ".join(
        f"{rung.size + ' ' if rung.size else ''}{rung.change}: "
        f"{significant(rung.time.value) if math.isfinite(rung.time.value) else 'missed'} {unit}, {rung.effect}"
        for rung in rungs
    )
    return f"Time to a target as changes are stacked, a bar for each. {listed}."
