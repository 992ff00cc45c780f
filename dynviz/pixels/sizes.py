"""Sizes of letters, lines and gaps, from the size of the picture."""

from dynviz.frozen import frozen
from dynviz.layout.metrics import Font

FAMILY = "DejaVu Sans"
"""It comes with matplotlib, so that every machine writes the same letters."""
SMALLEST = 9
"""Pixels; smaller letters of this font cannot be read."""
ROW = 20.0
"""Pixels of a row of a terminal beside which letters have the sizes that they have in a picture of 800 x 600."""
PRINTED = (9, 8, 8, 7)
"""Points of a title, a panel's title, words and ticks in print, beside a text of 10 points."""


@frozen
class Lettering:
    """The letters of a page.

    Attributes:
        family: The font.
        printed: Whether letters and lines have the sizes of print, a pixel being a point, whatever the page's size.
        row: Height in pixels of the rows of text that the picture stands among, whose letters its own resemble
            whatever the page's size; 0 where it stands alone.
    """

    family: str = FAMILY
    printed: bool = False
    row: float = 0.0

    @property
    def families(self) -> tuple[str, ...]:
        """The font, and the one with signs that it may not have."""
        return tuple(dict.fromkeys([self.family, FAMILY]))


SCREEN = Lettering()


@frozen
class Sizes:
    """All in pixels.

    Attributes:
        title: Letters of what made the picture.
        panel: Letters of a panel's title.
        words: Letters of readouts, labels and legends.
        ticks: Letters at the ticks.
        line: Width of a line.
        thin: Width of axes and reference lines, whole.
        dot: Radius of the dot that is the present.
    """

    title: Font
    panel: Font
    words: Font
    ticks: Font
    line: float
    thin: int
    dot: float

    @property
    def em(self) -> int:
        """The unit that gaps are measured in: the size of plain words."""
        return self.words.size

    @property
    def row(self) -> int:
        """From one line of words to the next."""
        return round(1.45 * self.words.size)


def printed_sizes() -> Sizes:
    """The sizes of a figure in print, which are the same in every figure of a document."""
    title, panel, words, ticks = PRINTED
    return Sizes(
        title=Font(title, bold=True),
        panel=Font(panel, bold=True),
        words=Font(words),
        ticks=Font(ticks),
        line=0.8,
        thin=1,
        dot=1.8,
    )


def sizes(width: int, height: int, panels: int, row: float = 0.0) -> Sizes:
    """The sizes of a picture: in proportion, but letters no smaller than can be read.

    Args:
        width: Of the canvas in pixels.
        height: Of the canvas.
        panels: How many share it; more than four make letters a little smaller.
        row: Of `Lettering`.
    """
    unit: float = row / ROW or min(width / 800, height / 600) ** 0.9
    crowd = min(1.0, (4 / max(panels, 1)) ** 0.2)

    def letters(size: float) -> int:
        return max(SMALLEST, round(size * unit))

    return Sizes(
        title=Font(letters(16), bold=True),
        panel=Font(letters(14.5 * crowd), bold=True),
        words=Font(letters(14 * crowd)),
        ticks=Font(letters(13 * crowd)),
        line=max(1.2, 1.9 * unit),
        thin=max(1, round(unit)),
        dot=max(2.4, 4.2 * unit),
    )
