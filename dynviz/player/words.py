"""Rows of coloured words, from which the least important are dropped until they fit."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rich.cells import cell_len, set_cell_size

from dynviz.frozen import frozen
from dynviz.text import clean

GAP = 3
"""Columns between two words."""
KEPT = 16
"""Rows of a kind that are kept, since from frame to frame most stay as they are."""


@frozen
class Word:
    """A piece of text in a row.

    Attributes:
        text: The text.
        role: The colour, as a theme names it.
        bold: Whether it is bold.
        rank: Words with a higher rank are dropped first.
        gap: Columns before it; None for the default.
    """

    text: str
    role: str = "text"
    bold: bool = False
    rank: int = 0
    gap: int | None = None

    def __post_init__(self) -> None:
        """Replace control characters, which names and errors may contain."""
        if not self.text.isprintable():
            object.__setattr__(self, "text", clean(self.text))

    @property
    def width(self) -> int:
        """The width in columns."""
        # To look wide characters up for each word of each frame would take a tenth of its time.
        return len(self.text) if self.text.isascii() else cell_len(self.text)


Row = tuple[Word, ...]
"""Words that fill a row exactly, gaps included."""


def fit(left: Sequence[Word], right: Sequence[Word], width: int, margin: int = 1) -> Row:
    """A row of exactly this width: words at its left end and at its right end.

    >>> row = fit([Word("voronoi"), Word("environment 42", rank=2)], [Word("step 7", rank=1)], 20)
    >>> "".join(word.text for word in row)
    ' voronoi     step 7 '
    """
    left, right = [word for word in left if word.text], [word for word in right if word.text]
    while len(left) + len(right) > 1 and _used(left) + _used(right) + 2 * margin + (GAP if left else 0) > width:
        sides = ((side, index, word) for side, words in enumerate((left, right)) for index, word in enumerate(words))
        # Of equal ranks the last word goes first.
        _, side, index = max((word.rank, side, index) for side, index, word in sides)
        del (left, right)[side][index]
    if len(left) + len(right) == 1:
        words = left or right
        words[0] = replace(words[0], text=shortened(words[0].text, max(width - 2 * margin, 0)))
    pieces = [Word(" " * margin), *_spaced(left)]
    middle = width - sum(piece.width for piece in pieces) - _used(right) - margin
    return cut([*pieces, Word(" " * max(middle, 0)), *_spaced(right), Word(" " * margin)], width)


def _used(words: Sequence[Word]) -> int:
    return sum(piece.width for piece in _spaced(words))


def _spaced(words: Sequence[Word]) -> list[Word]:
    gaps = [
        Word("" if place == 0 else " " * (GAP if word.gap is None else word.gap)) for place, word in enumerate(words)
    ]
    return [piece for pair in zip(gaps, words, strict=True) for piece in pair if piece.text]


def cut(words: Iterable[Word], width: int) -> Row:
    """The words, cut off or padded with spaces to exactly this width."""
    row, left = [], width
    for word in words:
        row.append(word if word.width <= left else replace(word, text=set_cell_size(word.text, left)))
        left -= row[-1].width
    return tuple(word for word in [*row, Word(" " * left)] if word.text)


def shortened(text: str, width: int) -> str:
    """A text of at most this many columns, with an ellipsis where it is cut off.

    >>> shortened("benchmark", 6), shortened("benchmark", 9), shortened("学習率が大きい", 6)
    ('bench…', 'benchmark', '学習…')
    """
    if cell_len(text) <= width:
        return text
    # Where half of a wide character would be left, there is a blank.
    return f"{set_cell_size(text, width - 1).rstrip()}…" if width > 0 else ""


_separator = [" "]


def use_numbers(style: str) -> None:
    """Separate thousands by `space`, `comma` or `none` from now on, in all words of the player."""
    _separator[0] = {"space": " ", "comma": ",", "none": ""}[style]


def grouped(number: float) -> str:
    """A whole number with its thousands separated, by a space unless another style is used.

    >>> grouped(4312)
    '4 312'
    """
    return f"{round(number):,}".replace(",", _separator[0])


def rounded(number: float) -> str:
    """A measured number with two or three significant digits.

    >>> [rounded(number) for number in (12_345, 567, 56.7, 5.67)]
    ['12 300', '570', '57', '5.7']
    """
    if number < 10:
        return f"{number:.1f}"
    digits = 3 if number >= 1000 else 2
    return grouped(float(f"{number:.{digits - 1}e}"))


def duration(seconds: float) -> str:
    """An approximate duration in words.

    >>> [duration(seconds) for seconds in (0.4, 7.2, 190, 9000)]
    ['1 s', '7 s', '3 min', '2.5 h']
    """
    if seconds < 100:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
