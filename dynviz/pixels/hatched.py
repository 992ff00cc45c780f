"""Places without a finite value in pixels: thin stripes, and between them what they mean where there is room."""

import numpy as np
from matplotlib.path import Path
from numpy.typing import NDArray

from dynviz.frozen import frozen
from dynviz.layout.arrange import Rect
from dynviz.pixels.easel import PixelEasel
from dynviz.pixels.layers import Layer
from dynviz.scene.hatching import COLOR, SHARE, gaps, meaning, room, stripes
from dynviz.scene.marks import Bars, Contours, Field, Regions

APART = 0.6
"""Between two stripes along a row, in heights of the text."""
PAD = 0.35
"""Around the words, likewise."""


@frozen
class Hatching:
    """Stripes and words in a plot.

    Attributes:
        stripes: A broken line [points, 2].
        width: Of a stripe.
        text: What they mean.
        words: A clear rectangle for the text, where it begins, and the row that it stands on; none without room.
    """

    stripes: NDArray[np.float64]
    width: float
    text: str
    words: tuple[Rect, float, int] | None


def hatching(mark: Field | Regions | Contours | Bars, easel: PixelEasel) -> Hatching | None:
    """What is hatched of a mark; none where all of it is finite."""
    plot, font = easel.plot, easel.sizes.ticks
    mask = gaps(mark, (easel.x, easel.y), (plot.width, plot.height))
    if not mask.size:
        return None
    lines = np.array([plot.left + 0.5, plot.top + 0.5]) + stripes(mask, max(round(APART * font.size), 3))
    wide, pad = easel.pen.measure(meaning(mark), font), round(PAD * font.size)
    box = round(wide) + 2 * pad, round(font.size) + 2 * pad
    corner = room(mask, *box)
    words = None
    if corner:
        rect = Rect(plot.left + corner[0], plot.top + corner[1], *box)
        words = rect, rect.left + float(pad), rect.bottom - pad - round(0.13 * font.size)
    return Hatching(lines, max(1.0, 0.5 * easel.sizes.line), meaning(mark), words)


def hatched(mark: Field | Regions | Contours | Bars, easel: PixelEasel) -> list[Layer]:
    """The layers of what is hatched of a mark."""
    drawn = hatching(mark, easel)
    if drawn is None:
        return []
    layers: list[Layer] = [easel.stain(easel.pen.stroke(drawn.stripes, drawn.width, easel.plot), COLOR, SHARE)]
    if drawn.words:
        rect, left, baseline = drawn.words
        corners = [(rect.left, rect.top), (rect.right, rect.top), (rect.right, rect.bottom), (rect.left, rect.bottom)]
        layers.append(easel.stain(easel.pen.fill(Path([*corners, corners[0]], closed=True), easel.plot), "ground"))
        layers.append(easel.words(easel.pen.write(drawn.text, easel.sizes.ticks, left, baseline), COLOR))
    return layers
