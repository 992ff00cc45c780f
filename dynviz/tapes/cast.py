"""Recordings for asciinema: asciicast, version 3.

Source: https://docs.asciinema.org/manual/asciicast/v3
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from dynviz.cells.cells import Cells
from dynviz.cells.encode import Encoder
from dynviz.cells.wide import LEFT
from dynviz.tapes.playing import TapedScreen
from dynviz.text import clean

BEGIN = "\x1b[?25l\x1b[2J"
"""Hides the cursor and clears the screen."""


def cast(screens: Sequence[TapedScreen], title: str) -> str:
    """Screens as an asciicast: a header, then lines of interval, code and data.

    The first event draws the whole screen, the others what differs from the one before. There is no time of day in it.

    Args:
        screens: At least one.
        title: What it is called.
    """
    first = screens[0].cells
    header = {
        "version": 3,
        "term": {"cols": first.columns, "rows": first.rows, "type": "xterm-256color"},
        "title": clean(title),
        "env": {"COLORTERM": "truecolor"},
    }
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in chain([header], _events(screens)))


def _events(screens: Sequence[TapedScreen]) -> Iterator[list[object]]:
    before: Cells | None = None
    interval = 0
    for screen in screens:
        yield [interval / 1000, "o", changes(before, screen.cells)]
        before, interval = screen.cells, screen.milliseconds
    yield [interval / 1000, "x", "0"]


def changes(before: Cells | None, after: Cells) -> str:
    """What a terminal has to be sent that shows one screen, or anything at all, to show another one."""
    spans = [(row, 0, after.columns) for row in range(after.rows)] if before is None else _spans(before, after)
    encoder = Encoder(after.palette, "true")
    texts = [f"\x1b[{row + 1};{left + 1}H{_encoded(encoder, after, row, left, right)}" for row, left, right in spans]
    return "".join([BEGIN if before is None else "", *texts])


def _spans(before: Cells, after: Cells) -> Iterator[tuple[int, int, int]]:
    """Row, first column and the column after the last one of what differs, row by row."""
    different = (before.glyphs != after.glyphs) | (before.bold != after.bold)
    for place in ("ink", "ground"):
        one, other = (cells.palette[getattr(cells, place)] for cells in (before, after))
        different |= (one != other).any(axis=-1)
    for row in np.flatnonzero(different.any(axis=1)).tolist():
        columns = np.flatnonzero(different[row])
        left, right = int(columns[0]), int(columns[-1]) + 1
        # Half of a wide character cannot be sent.
        if (before.glyphs[row] >= LEFT).any() or (after.glyphs[row] >= LEFT).any():
            left, right = 0, after.columns
        yield row, left, right


def _encoded(encoder: Encoder, cells: Cells, row: int, left: int, right: int) -> str:
    part = np.s_[row : row + 1, left:right]
    names = ("glyphs", "ink", "ground", "bold")
    return encoder.rows(replace(cells, **{name: getattr(cells, name)[part] for name in names}))[0]
