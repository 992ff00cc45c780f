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
from dynviz.scene.marks import Axis, Bars, Line, Mark, Panel, Readout, Scene, Text

COLORS: dict[Effect, str] = {
    "start": "lane0",
    "helps": "lane2",
    "hurts": "lane3",
    "within noise": "muted",
    "missed": "muted",
    "too few seeds": "muted",
}
ROOM = 1.75
"""Of the axis for the longest bar, with the words above it."""
ROW = 0.105
"""From one line of these words to the next, as a share of the axis."""
ABOVE = 1.04
"""Of the axis for the longest interval."""
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
    panels = tuple(_panel([rung for rung in rungs if rung.size == size], size, unit) for size in sizes)
    words = "bars: medians over seeds; lines: 95 % intervals"
    if any(math.isinf(rung.time.high) and math.isfinite(rung.time.value) for rung in rungs):
        words += ", without an end where many seeds miss the target"
    title = message(rungs).removesuffix(".")
    return Scene(title, panels, 0, -1, (Readout(f"{task}.", "text"), Readout(words, "muted")))


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


def _panel(rungs: Sequence[Rung], size: str, unit: str) -> Panel:
    ends = [end for rung in rungs for end in (rung.time.value,) if math.isfinite(end)]
    # No interval runs off the top, unless it has no end.
    highs = [rung.time.high for rung in rungs if math.isfinite(rung.time.high) and math.isfinite(rung.time.value)]
    top = max(ROOM * max(ends, default=1.0), ABOVE * max(highs, default=0.0))
    marks: list[Mark] = [
        Bars(np.array([float(rung.number)]), np.array([_height(rung)]), COLORS[rung.effect], 0.84) for rung in rungs
    ]
    for rung in rungs:
        place, time = float(rung.number), rung.time
        low, high = min(time.low, top), min(time.high, top)
        if math.isfinite(time.value) and low < high:
            # Beside the words, which may stand higher than it ends.
            marks.append(Line(np.full(2, place - 0.4), np.array([low, high]), "text", width=1.0, dot=False))
        # Of an infinite median no bar is drawn; its words say why.
        lines = (
            [*_words(rung), significant(time.value)] if math.isfinite(time.value) else [*_named(rung), *_missing(rung)]
        )
        for row, words in enumerate(reversed(lines)):
            color = COLORS[rung.effect] if rung.number and words == rung.effect else "text"
            marks.append(Text(place, _height(rung) + (0.6 + row) * ROW * top, words, color, "center"))
    x = Axis((-0.6, len(rungs) - 0.4), label="changes stacked, from the left", whole=True)
    return Panel(written(size) if size else f"{unit} to the target", x, Axis((0.0, top), label=unit), tuple(marks))


def _height(rung: Rung) -> float:
    return rung.time.value if math.isfinite(rung.time.value) else 0.0


def _words(rung: Rung) -> list[str]:
    """The change and what it does, in lines above a bar."""
    return [*_named(rung), *([rung.effect] if rung.number else [])]


def _missing(rung: Rung) -> tuple[str, str]:
    return f"{rung.missed} of {len(rung.steps)} seeds", "miss the target"


def _named(rung: Rung) -> list[str]:
    """The change in lines."""
    name = _short(rung.change).removeprefix("+")
    return textwrap.wrap(f"+ {name}" if rung.number else name, LETTERS, break_long_words=False)


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
