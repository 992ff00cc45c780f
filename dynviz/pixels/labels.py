"""Names of lines: at their ends where there is room, else in a legend."""

from collections.abc import Sequence
from dataclasses import dataclass

from dynviz.layout.arrange import Rect
from dynviz.layout.naming import Label, names, spread
from dynviz.pixels.pen import Pen
from dynviz.pixels.sizes import Sizes
from dynviz.pixels.words import Placed, Words
from dynviz.scene.marks import Panel, Readout


@dataclass(frozen=True)
class Labels:
    """Where the names of a panel's marks go.

    Attributes:
        ends: At the ends of lines.
        width: Of the widest of them, in pixels.
        legend: The others.
    """

    ends: tuple[Label, ...]
    width: float
    legend: tuple[Words, ...]


def labels(panel: Panel, others: Sequence[Readout], width: int, pen: Pen, sizes: Sizes) -> Labels:
    """The same at every step of a film: they depend on where lines end, not on where they are now.

    Args:
        panel: What is labelled.
        others: Readouts of the scene, which also say which colour is which.
        width: Of the panel, in pixels.
        pen: Measures.
        sizes: Of letters.
    """
    found = names(panel, others, width, lambda text: pen.measure(text, sizes.words))
    legend = tuple(Words(text, sizes.words, sample.color, sample) for text, sample in found.legend)
    return Labels(found.ends, found.width, legend)


def end_words(found: Labels, plot: Rect, sizes: Sizes) -> list[Placed]:
    """The names at the ends of lines, right of the plot and none over another."""
    rows = spread(
        [plot.bottom - label.height * plot.height for label in found.ends],
        1.15 * sizes.words.size,
        plot.top,
        plot.bottom,
    )
    left = plot.right + 0.55 * sizes.em
    return [
        Placed(Words(label.text, sizes.words, label.color), left, round(row + 0.36 * sizes.words.size))
        for label, row in zip(found.ends, rows, strict=True)
    ]
