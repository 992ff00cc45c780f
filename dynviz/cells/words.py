"""Words in cells: one character a column, wrapped, and cut where there is no room."""

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dynviz.layout.naming import Sample
from dynviz.scene.marks import Dash, Marker

ELLIPSIS = "…"
GAP = 2
"""Columns between words of one line."""
MARKERS: dict[Marker, str] = {"dot": "●", "ring": "○", "cross": "×", "star": "★"}
LINES: dict[Dash, str] = {"solid": "──", "dashed": "╌╌", "dotted": "┈┈"}
UNKNOWN = "\ufffd"
NUMBER = re.compile(r"[-+−]?(\d[\d.]*|\.\d+)( \d{3})*(e[-+]?\d+)?")


@dataclass(frozen=True)
class Words:
    """Words that have no place yet; the colour is a role."""

    text: str
    color: str = "text"
    bold: bool = False
    sample: Sample | None = None

    @property
    def width(self) -> int:
        """Columns of the words and the sample before them."""
        return len(plain(self.text)) + self.before

    @property
    def before(self) -> int:
        """Columns of the sample and the gap after it."""
        return len(swatch(self.sample)) + 1 if self.sample else 0


@dataclass(frozen=True)
class Flowed:
    """Words in a line.

    Attributes:
        words: As much of them as there is room for.
        line: Which one.
        left: How far from its left end.
        room: How much of it is free from there on.
        item: Which of the items it is, counted from 0; -1 for the sign that some were left out.
    """

    words: Words
    line: int
    left: int
    room: int
    item: int


@dataclass(frozen=True)
class Placed:
    """Words with a place."""

    words: Words
    left: int
    row: int


def swatch(sample: Sample) -> str:
    """What stands before a word of a legend."""
    if sample.kind == "line":
        return LINES[sample.dash]
    if sample.kind == "marker":
        return MARKERS[sample.marker]
    return "→" if sample.kind == "arrow" else "■"


@functools.lru_cache(maxsize=1024)
def plain(text: str) -> str:
    r"""The text with one character for each column: what would take two, or none, or move the cursor, is replaced.

    >>> plain("caf\u0065\u0301 \u2009 2")
    'café   2'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_one_column, unicodedata.normalize("NFC", text)))


def _one_column(character: str) -> str:
    kind = unicodedata.category(character)
    if kind[0] in "ZC":
        # Spaces of any width, ends of lines, tabs; what is invisible is left out.
        return "" if kind == "Cf" else " " if kind[0] == "Z" or character in "\t\n\r\v\f" else UNKNOWN
    if kind[0] == "M":
        return ""
    return UNKNOWN if unicodedata.east_asian_width(character) in "WF" else character


@functools.lru_cache(maxsize=1024)
def codes(text: str) -> NDArray[np.uint32]:
    """Code points, one a column."""
    return np.frombuffer(plain(text).encode("utf-32-le"), dtype=np.uint32)


def fit(text: str, room: int) -> str:
    """The text, cut so that it fits into so many columns; an ellipsis says that it was. Numbers are whole or not there.

    >>> fit("validation loss", 10), fit("loss", 4), fit("loss", 0), fit("1.2 to 13.4", 9)
    ('validatio…', 'loss', '', '1.2 to…')
    """
    text = plain(text)
    if len(text) <= room:
        return text
    # Half a number would be another one.
    end = next(
        (number.start() for number in NUMBER.finditer(text) if number.start() < room - 1 < number.end()), room - 1
    )
    return text[:end].rstrip(" ,") + ELLIPSIS if room > 0 else ""


def flow(blocks: Sequence[Sequence[Words]], rooms: Sequence[int]) -> list[Flowed]:
    """Break blocks of items into lines. A block that does not fit on the rest of a line begins a new one.

    Args:
        blocks: In order.
        rooms: The width of each line there may be. What does not fit on the last one is left out, and an ellipsis says
            so; an item that is too wide for a line of its own is cut.
    """
    placed: list[Flowed] = []
    line, x, count = 0, 0, 0
    for block in blocks:
        whole = sum(item.width + GAP for item in block) - GAP
        if x > 0 and x + whole > rooms[line] and line + 1 < len(rooms):
            line, x = line + 1, 0
        for item in block:
            if x > 0 and x + item.width > rooms[line]:
                if line + 1 == len(rooms):
                    return _marked(placed, rooms[line])
                line, x = line + 1, 0
            text = fit(item.text, rooms[line] - x - item.before)
            placed.append(Flowed(replace(item, text=text), line, x, max(rooms[line] - x, 0), count))
            count += 1
            x += item.width + GAP
    return placed


def _marked(placed: list[Flowed], room: int) -> list[Flowed]:
    """With a sign after the last words that something was left out: half a number would be another one."""
    last = placed[-1]
    end = last.left + last.words.width
    at = min(end + 1, room - 1)
    return [*placed, Flowed(Words(ELLIPSIS, "muted"), last.line, at, 1, -1)] if end <= at else placed
