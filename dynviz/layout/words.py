"""Words in lines: wrapped, and cut where there is no room."""

import re
from collections.abc import Sequence
from dataclasses import replace

from dynviz.frozen import frozen
from dynviz.layout.metrics import Font, Metrics
from dynviz.layout.naming import Swatch

ELLIPSIS = "…"
NUMBER = re.compile(r"[-+−]?(\d[\d.]*|\.\d+)( \d{3})*(e[-+]?\d+)?")


@frozen
class Words:
    """Words that have no place yet; the colour is a role, the swatch what a legend shows before them."""

    text: str
    font: Font
    color: str = "text"
    swatch: Swatch | None = None


@frozen
class FlowedWords:
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
    left: float
    room: float
    item: int


@frozen
class PlacedWords:
    """Words with a place: where they begin, and the row that they stand on."""

    words: Words
    left: float
    baseline: int


def before(words: Words, metrics: Metrics) -> int:
    """Width of the swatch before words, and of the gap after it."""
    return metrics.swatch_width(words.swatch, words.font) if words.swatch else 0


def width(words: Words, metrics: Metrics) -> float:
    """Of words and the swatch before them."""
    return metrics.measure(words.text, words.font) + before(words, metrics)


def fit(text: str, font: Font, room: float, metrics: Metrics) -> str:
    """The text, cut so that it fits; an ellipsis says that it was."""
    text = metrics.plain(text)
    if metrics.measure(text, font) <= room:
        return text
    if metrics.measure(ELLIPSIS, font) > room:
        return ""
    kept = text
    while kept and metrics.measure(kept + ELLIPSIS, font) > room:
        kept = kept[:-1].rstrip()
    return (_whole(text, len(kept)) if metrics.head.whole_numbers else kept) + ELLIPSIS


def _whole(text: str, end: int) -> str:
    """The text up to there, without the number that would be cut: half of it would be another one."""
    numbers = (number.start() for number in NUMBER.finditer(text) if number.start() < end < number.end())
    return text[: next(numbers, end)].rstrip(" ,")


def flow(blocks: Sequence[Sequence[Words]], rooms: Sequence[float], metrics: Metrics) -> list[FlowedWords]:
    """Break blocks of items into lines. A block that does not fit on the rest of a line begins a new one.

    Args:
        blocks: In order.
        rooms: The width of each line there may be. An item that is too wide for a line of its own is cut; what does not
            fit on the last one is left out, and an ellipsis says so where it would not touch a number.
        metrics: Of the page.
    """
    flowed: list[FlowedWords] = []
    line, x, count = 0, 0.0, 0
    for block in blocks:
        if x > 0 and x + _length(block, metrics) > rooms[line] and line + 1 < len(rooms):
            line, x = line + 1, 0.0
        for item in block:
            full = x > 0 and x + width(item, metrics) > rooms[line]
            if full and line + 1 < len(rooms):
                line, x, full = line + 1, 0.0, False
            if full and metrics.head.ellipsis_apart:
                return _with_ellipsis(flowed, rooms[line], metrics)
            # A wide swatch of words that are left out would lie over those before it.
            words = replace(item, swatch=None) if full else item
            swatch = before(words, metrics)
            # The sign that something was cut always finds room, if need be in the gap before it or in place of letters.
            left = min(x, rooms[line] - metrics.measure(ELLIPSIS, item.font) - swatch) if full else x
            if full and left < flowed[-1].left + width(flowed[-1].words, metrics):
                return [*flowed[:-1], _shortened(flowed[-1], rooms[line], metrics)]
            text = fit(item.text, item.font, rooms[line] - left - swatch, metrics)
            flowed.append(FlowedWords(replace(words, text=text), line, left, rooms[line] - left, count))
            if full:
                return flowed
            count += 1
            x += width(item, metrics) + metrics.head.gap * item.font.size
    return flowed


def _shortened(last: FlowedWords, room: float, metrics: Metrics) -> FlowedWords:
    """The last words of a line with an ellipsis in place of their last letters."""
    words, free = last.words, room - last.left - before(last.words, metrics)
    kept = words.text
    while kept and metrics.measure(kept + ELLIPSIS, words.font) > free:
        kept = kept[:-1].rstrip()
    text = kept + ELLIPSIS
    return replace(last, words=replace(words, text=text), room=min(last.room, metrics.measure(text, words.font)))


def _length(block: Sequence[Words], metrics: Metrics) -> float:
    gap = metrics.head.gap
    whole = sum(width(item, metrics) + gap * item.font.size for item in block)
    return whole - gap * (block[0].font.size if block else 0)


def _with_ellipsis(flowed: list[FlowedWords], room: float, metrics: Metrics) -> list[FlowedWords]:
    """With a sign after the last words that something was left out, unless they were cut, which says so too.

    It is empty where it would touch a number, which would then look cut.
    """
    last = flowed[-1]
    if last.words.text.endswith(ELLIPSIS):
        return flowed
    end = last.left + width(last.words, metrics)
    left = min(end + 1, room - 1)
    sign = "" if left == end and last.words.text[-1:].isdigit() else ELLIPSIS
    words = Words(sign, metrics.fonts.words, "muted")
    return [*flowed, FlowedWords(words, last.line, left, 1, -1)] if end <= left else flowed
