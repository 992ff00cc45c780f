"""The first two rows: a title with the training status, and the tabs of the views."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from dynviz.player.status import TrainingStatus
from dynviz.player.words import GAP, KEPT, Row, Word, cut, fit, grouped, shortened
from dynviz.scene.marks import Scene

FIRST, PLACED = re.compile(r"\S*"), re.compile(r"\S*(?: in \S+)?")
"""The name of an optimizer, and the folder of its run beside it."""
RANKS = {"text": 4, "muted": 5}
"""The colours of what is said of no optimizer alone, such as a sentence about what happened, with its rank."""
LONGEST = 24
"""Maximum width of the name on a tab."""
SHORTEST = 12
"""Width down to which a title is cut for the names of optimizers."""


def header(width: int, scene: Scene | None, status: TrainingStatus, *, title: str = "dynviz", step: int = 0) -> Row:
    """The title row, exactly this wide."""
    if scene is None:
        return fit([Word(title, bold=True)], status.words, width)
    name, *options = scene.title.split(" · ")
    # The scenario stays longest, then the status, then the optimizers, then what happened.
    left = [Word(name, bold=True)]
    left += [Word(f"· {option}", "muted", rank=4, gap=1) for option in options]
    lanes = [Word(readout.text, readout.color, rank=3) for readout in scene.readouts if readout.color not in RANKS]
    more = [
        Word(readout.text, readout.color, rank=RANKS[readout.color])
        for readout in scene.readouts
        if readout.color in RANKS
    ]
    whole = f"of {grouped(scene.steps)}"
    # As wide as for the last step, so that the words before it do not move.
    counter = Word(f"step {grouped(step)} {whole}".rjust(len(f"step {grouped(scene.steps)} {whole}")), rank=1)
    signal, *rest = status.words or (Word(""),)
    right = [signal, counter, *rest]
    row = fit([*left, *lanes, *more], right, width)
    if set(lanes) <= set(row):
        return row
    # Prefer the names of all optimizers to the details of some, and to the end of a long title.
    for pattern in (FIRST, PLACED):
        names = [replace(word, text=pattern.match(word.text).group()) for word in lanes]  # type: ignore[union-attr]
        if len({name.text for name in names}) == len(names):
            break
    else:
        return row
    named = fit([*left, *names], right, width)
    if set(names) <= set(named):
        return named
    taken = sum(word.width + GAP for word in (*names, signal, counter)) + 2
    short = Word(shortened(name, max(width - taken, SHORTEST)), bold=True)
    return fit([short, *left[1:], *names], right, width)


def tabs(width: int, names: Sequence[str], current: str, note: Sequence[Word] = ()) -> Row:
    """The row of tabs, the current one bold, and a note at the right end.

    If not all tabs fit, those nearest to the current one are shown.
    """
    return _tabs(width, tuple(names), current, tuple(note))


@lru_cache(KEPT)
def _tabs(width: int, names: tuple[str, ...], current: str, note: tuple[Word, ...]) -> Row:
    index = names.index(current) if current in names else 0
    room = width - 2 - (sum(word.width + 2 for word in note) + 2 if note else 0)
    texts = [f"{place} {shortened(name, LONGEST)}" for place, name in enumerate(names, 1)]
    low, high = index, index + 1
    while True:
        wider = [(low - 1, high)] * (low > 0) + [(low, high + 1)] * (high < len(texts))
        fitting = [ends for ends in wider if _needed(texts, *ends) <= room]
        if not fitting:
            break
        low, high = fitting[0]
    left = [Word("‹", "muted")] if low > 0 else []
    for place in range(low, min(high, len(texts))):
        number, _, name = texts[place].partition(" ")
        chosen = place == index
        left.append(Word(number, "muted", rank=1))
        left.append(Word(name, "text" if chosen else "muted", bold=chosen, gap=1, rank=0 if chosen else 1))
    left += [Word("›", "muted", rank=2)] if high < len(texts) else []
    return fit(left, note, width) if left or note else cut([], width)


def _needed(texts: Sequence[str], low: int, high: int) -> int:
    return sum(len(text) + 3 for text in texts[low:high]) - 3 + 4 * (low > 0) + 4 * (high < len(texts))


def tab_at(row: Row, column: int, names: Sequence[str]) -> str | None:
    """The view whose tab is at a column."""
    end, number = 0, 0
    for word in row:
        number = int(word.text) if word.text.isdecimal() else number
        end += word.width
        if column < end:
            name = names[number - 1] if 0 < number <= len(names) else ""
            return name if name and word.text in {str(number), shortened(name, LONGEST)} else None
    return None
