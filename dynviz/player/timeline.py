"""The timeline: the present step, what is recorded, what is to come, and the events."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.player.playback import Playback
from dynviz.player.words import Row, Word, cut

Steps: TypeAlias = Sequence[int] | NDArray[np.int64]

LEFT, RIGHT, MARGIN = "├", "┤", 1
PAST, RECORDED, COMING, EDGE, EVENT, CURSOR = "─", "━", "┄", "┃", "◆", "●"
DENSITY = "▁▂▃▅▇"
"""The number of frequent events in a column, relative to the fullest column."""
SIDE = 9
"""Columns to the right of the line, for the speed."""


@dataclass(frozen=True)
class TimelineState:
    """What the timeline shows.

    Attributes:
        step: The shown step.
        recorded: The newest step.
        total: The last planned step.
        live: Whether more steps will come.
        events: The steps of events.
        dense: The steps of events that are too frequent for individual marks.
    """

    step: int
    recorded: int
    total: int
    live: bool = False
    events: Steps = ()
    dense: Steps = ()


@dataclass(frozen=True)
class Track:
    """Maps columns of a row to steps.

    Attributes:
        left: The first column of the line.
        columns: The number of columns.
        total: The step of the last column.
    """

    left: int
    columns: int
    total: int

    def column(self, step: int) -> int:
        """The column of a step in the row."""
        share = min(max(step / self.total, 0.0), 1.0) if self.total > 0 else 0.0
        return self.left + round(share * (self.columns - 1))

    def columns_of(self, steps: Steps) -> NDArray[np.int64]:
        """The columns of steps on the line, counted from its left end."""
        shares = np.clip(np.asarray(steps, dtype=np.float64) / max(self.total, 1), 0, 1)
        return np.rint(shares * (self.columns - 1)).astype(np.int64)

    def step(self, column: int) -> int:
        """The step at a column; beyond the line, that of the nearest end."""
        share = min(max((column - self.left) / max(self.columns - 1, 1), 0.0), 1.0)
        return round(share * self.total)


def track(width: int, total: int) -> Track:
    """The line in a row of this width."""
    return Track(MARGIN + 1, max(width - 2 * MARGIN - 2 - SIDE, 1), total)


def layout(width: int, state: TimelineState, side: Sequence[Word] = ()) -> Row:
    """The row, exactly this wide: the line, and words after it.

    >>> row = layout(40, TimelineState(step=50, recorded=75, total=100, live=True, events=(60,)), [Word("  1x")])
    >>> "".join(word.text for word in row)
    ' ├─────────────●━━◆━━━┃┄┄┄┄┄┄┤   1x     '
    """
    line = track(width, state.total)
    glyphs = _glyphs(line, state)
    pieces = [Word(" " * MARGIN), Word(LEFT, "muted")]
    for glyph, role in glyphs:
        if pieces[-1].role == role and pieces[-1].text != LEFT:
            pieces[-1] = Word(pieces[-1].text + glyph, role)
        else:
            pieces.append(Word(glyph, role))
    return cut([*pieces, Word(RIGHT, "muted"), Word(" "), *side], width)


def _glyphs(line: Track, state: TimelineState) -> list[tuple[str, str]]:
    at, edge = line.column(state.step) - line.left, line.column(state.recorded) - line.left
    whole = state.recorded >= state.total
    cells = [
        (PAST, "muted") if column < at else (RECORDED, "muted") if column <= edge else (COMING, "grid")
        for column in range(line.columns)
    ]
    if not whole:
        cells[edge] = EDGE, "lane2" if state.live else "muted"
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


def speed(value: float) -> str:
    """A speed in words.

    >>> speed(1.0), speed(0.25), speed(16)
    ('1x', '1/4x', '16x')
    """
    return f"{Fraction(value).limit_denominator(64)}x"
