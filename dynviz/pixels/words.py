"""Words in a row: measured, wrapped, and cut where there is no room."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dynviz.layout.naming import Sample
from dynviz.pixels.pen import Font, Pen

ELLIPSIS = "…"
GAP = 0.95
"""Between words of one line, in sizes of their font."""


@dataclass(frozen=True)
class Words:
    """Words that have no place yet; the colour is a role."""

    text: str
    font: Font
    color: str = "text"
    sample: Sample | None = None


@dataclass(frozen=True)
class Flowed:
    """Words in a line: which one, how far from its left end, and how much room there is from there on."""

    words: Words
    line: int
    left: float
    room: float


@dataclass(frozen=True)
class Placed:
    """Words with a place: where they begin, and the row of pixels that they stand on."""

    words: Words
    left: float
    baseline: int


def sample_width(font: Font) -> int:
    """Room for a legend's sample and the gap after it."""
    return round(1.9 * font.size)


def fit(text: str, font: Font, room: float, pen: Pen) -> str:
    """The text, cut so that it fits into so many pixels; an ellipsis says that it was."""
    if pen.measure(text, font) <= room:
        return text
    while text and pen.measure(text + ELLIPSIS, font) > room:
        text = text[:-1].rstrip()
    return text + ELLIPSIS if pen.measure(text + ELLIPSIS, font) <= room else ""


def flow(blocks: Sequence[Sequence[Words]], rooms: Sequence[float], pen: Pen) -> list[Flowed]:
    """Break blocks of items into lines. A block that does not fit on the rest of a line begins a new one.

    Args:
        blocks: In order.
        rooms: The width of each line there may be. What does not fit on the last one is cut, with an ellipsis; items
            after that are left out.
        pen: Measures.
    """
    placed: list[Flowed] = []
    line, x = 0, 0.0
    for block in blocks:
        whole = sum(width(item, pen) + GAP * item.font.size for item in block) - GAP * (
            block[0].font.size if block else 0
        )
        if x > 0 and x + whole > rooms[line] and line + 1 < len(rooms):
            line, x = line + 1, 0.0
        for item in block:
            full = x > 0 and x + width(item, pen) > rooms[line]
            if full and line + 1 < len(rooms):
                line, x, full = line + 1, 0.0, False
            # The sign that something was cut always finds room, if need be in the gap before it.
            left = min(x, rooms[line] - pen.measure(ELLIPSIS, item.font) - _before(item)) if full else x
            text = fit(item.text, item.font, rooms[line] - left - _before(item), pen)
            placed.append(Flowed(replace(item, text=text), line, left, rooms[line] - left))
            if full:
                return placed
            x += width(item, pen) + GAP * item.font.size
    return placed


def width(item: Words, pen: Pen) -> float:
    """Of words and the sample before them, in pixels."""
    return pen.measure(item.text, item.font) + _before(item)


def _before(item: Words) -> int:
    return sample_width(item.font) if item.sample else 0
