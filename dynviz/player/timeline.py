"""The timeline: the present step, what is recorded, what is to come, and the events."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.frozen import frozen
from dynviz.player.playback import Playback
from dynviz.player.words import Row, Word, cut
from dynviz.scene.marks import Axis
from dynviz.scene.step_scale import StepScale
from dynviz.scene.ticks import ticks

Steps: TypeAlias = Sequence[int] | NDArray[np.int64]

LEFT, RIGHT, MARGIN = "├", "┤", 1
PAST, RECORDED, COMING, EDGE, EVENT, CURSOR = "─", "━", "┄", "┃", "◆", "●"
TICK, TICKS = "┴", 12
"""Of a line that is not evenly spaced, and how many there are at most."""
DENSITY = "▁▂▃▅▇"
"""The number of frequent events in a column, relative to the fullest column."""
SIDE = 9
"""Columns to the right of the line, for the speed."""
SIGN = 7
"""Columns after the line's end that the speed takes, before the sign of playing."""


@frozen
class TimelineState:
    """What the timeline shows.

    Attributes:
        step: The shown step.
        recorded: The newest step.
        total: The last planned step.
        edge: The newest step of what still grows; None if nothing does.
        events: The steps of events.
        dense: The steps of events that are too frequent for individual marks.
        scale: How the line is spaced; None for evenly.
    """

    step: int
    recorded: int
    total: int
    edge: float | None = None
    events: Steps = ()
    dense: Steps = ()
    scale: StepScale | None = None


@frozen
class Track:
    """Maps columns of a row to steps.

    Attributes:
        left: The first column of the line.
        columns: The number of columns.
        total: The step of the last column.
        scale: How steps are spaced; None for evenly.
    """

    left: int
    columns: int
    total: int
    scale: StepScale | None = None

    def column(self, step: int) -> int:
        """The column of a step in the row."""
        return self.left + int(self.columns_of([step])[0])

    def columns_of(self, steps: Steps) -> NDArray[np.int64]:
        """The columns of steps on the line, counted from its left end."""
        if self.scale is not None:
            shares = self.scale.places(steps)
        else:
            shares = np.clip(np.asarray(steps, dtype=np.float64) / max(self.total, 1), 0, 1)
        return np.rint(shares * (self.columns - 1)).astype(np.int64)

    def step(self, column: int) -> int:
        """The step at a column; beyond the line, that of the nearest end."""
        share = min(max((column - self.left) / max(self.columns - 1, 1), 0.0), 1.0)
        return round(float(self.scale.steps(share)) if self.scale is not None else share * self.total)


def track(width: int, total: int, scale: StepScale | None = None) -> Track:
    """The line in a row of this width."""
    return Track(MARGIN + 1, max(width - 2 * MARGIN - 2 - SIDE, 1), total, scale)


def layout(width: int, state: TimelineState, side: Sequence[Word] = ()) -> Row:
    """The row, exactly this wide: the line, and words after it.

    >>> row = layout(40, TimelineState(step=50, recorded=75, total=100, edge=75, events=(60,)), [Word("  1x")])
    >>> "".join(word.text for word in row)
    ' ├─────────────●━━◆━━━┃┄┄┄┄┄┄┤   1x     '
    """
    line = track(width, state.total, state.scale)
    glyphs = _glyphs(line, state)
    pieces = [
        Word("".join(glyph for glyph, _ in run), role) for role, run in groupby(glyphs, key=lambda glyph: glyph[1])
    ]
    return cut([Word(" " * MARGIN), Word(LEFT, "muted"), *pieces, Word(RIGHT, "muted"), Word(" "), *side], width)


def _glyphs(line: Track, state: TimelineState) -> list[tuple[str, str]]:
    at, edge = line.column(state.step) - line.left, line.column(state.recorded) - line.left
    whole = state.recorded >= state.total
    cells = [
        (PAST, "muted") if column < at else (RECORDED, "muted") if column <= edge else (COMING, "grid")
        for column in range(line.columns)
    ]
    if not whole:
        cells[edge] = EDGE, "muted"
    if state.edge is not None and state.edge < state.total:
        cells[line.column(round(state.edge)) - line.left] = EDGE, "lane2"
    if state.scale is not None:
        marks = ticks(Axis((0.0, float(max(state.total, 1))), whole=True), TICKS)
        for column in line.columns_of([round(tick.value) for tick in marks]):
            cells[column] = TICK, cells[column][1]
    counts = np.bincount(line.columns_of(state.dense), minlength=line.columns)
    for column in np.flatnonzero(counts):
        level = -(-len(DENSITY) * counts[column] // counts.max()) - 1
        cells[column] = DENSITY[level], "muted"
    for column in np.unique(line.columns_of(state.events)):
        cells[column] = EVENT, "lane1"
    cells[at] = CURSOR, "text"
    return cells if state.total > 0 else [(COMING, "grid")] * line.columns


def side(playback: Playback) -> Row:
    """The words after the line: the speed, and whether it is playing."""
    return Word(speed(playback.speed).rjust(5)), Word(" "), Word("▶" if playback.playing else "‖", "muted")


def key_at(width: int, column: int) -> str | None:
    """The key that a click beside the line presses: faster on the speed, play or pause on the sign; else none.

    >>> key_at(40, 28), key_at(40, 33), key_at(40, 37)
    (None, 'right_square_bracket', 'space')
    """
    line = track(width, 1)
    beyond = column - line.left - line.columns
    if beyond <= 0:
        return None
    return "space" if beyond > SIGN else "right_square_bracket"


def speed(value: float) -> str:
    """A speed in words.

    >>> speed(1.0), speed(0.25), speed(16)
    ('1x', '1/4x', '16x')
    """
    return f"{Fraction(value).limit_denominator(64)}x"
