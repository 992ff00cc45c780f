"""The pen: matplotlib's Agg and its font, giving coverages. One pen serves one size of canvas."""

import functools
import re
from collections import OrderedDict
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import LoadFlags
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox
from numpy.typing import NDArray

from dynviz.layout.arrange import Rect
from dynviz.layout.metrics import Font
from dynviz.pixels.coverage import EMPTY, Coverage, crop, grown, union
from dynviz.pixels.sizes import SCREEN, Lettering
from dynviz.scene.marks import Dash
from dynviz.text import clean

KEPT_WORDS = 2000
GAP = 0.8
"""Of a space between words, at least."""
DASHES: dict[Dash, tuple[float, ...] | None] = {"solid": None, "dashed": (4.0, 2.6), "dotted": (1.0, 1.8)}
"""On and off, in widths of the line."""
CLOSING = ",;:.)]"
"""Signs that stand at the word before them."""
PIECES = re.compile(r"[^\W\d_]+|.", re.DOTALL)
"""Words are kept whole, for their kerning; digits and signs one by one, since numbers change from frame to frame."""


@functools.lru_cache(maxsize=64)
def properties(font: Font, families: tuple[str, ...] = SCREEN.families) -> FontProperties:
    """A font as matplotlib knows it, the first of these families that has a letter."""
    return FontProperties(family=families, size=font.size, weight="bold" if font.bold else "normal")


def unhinted_width(text: str, font: Font, families: tuple[str, ...]) -> float:
    """The width of a text in pixels, of letters that are not moved to whole ones.

    Agg moves each letter, by up to a pixel and a half over one number; viewers of SVG files move none.
    """
    face = get_font([findfont(properties(font, (family,))) for family in families])
    face.set_size(font.size, 72)
    face.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    return float(face.get_width_height()[0]) / 64


class Pen:
    """Draws shapes, gives their coverages, and keeps nothing of them but words.

    Places are in pixels from the upper left corner; the middle of the first pixel is at (.5, .5).
    """

    def __init__(self, width: int, height: int, lettering: Lettering = SCREEN) -> None:
        self.width, self.height, self.lettering = width, height, lettering
        # At 72 dots to the inch, matplotlib's points are pixels.
        renderer: Any = RendererAgg(width, height, 72)  # type: ignore[no-untyped-call]
        self._renderer, self._buffer = renderer, np.asarray(renderer.buffer_rgba())
        self._flip = Affine2D().scale(1, -1).translate(0, height)
        self._words: OrderedDict[tuple[str, Font], tuple[Coverage, float, float]] = OrderedDict()
        self._halos: OrderedDict[tuple[str, Font], Coverage] = OrderedDict()

    def stroke(
        self,
        points: NDArray[np.float64],
        width: float,
        clip: Rect,
        dash: Dash = "solid",
        offset: float = 0.0,
    ) -> Coverage:
        """A line through points [points, 2], broken where they are NaN.

        Args:
            points: Its vertices.
            width: In pixels.
            clip: It is cut at this rectangle.
            dash: Its pattern.
            offset: Where in the pattern it begins, in pixels.
        """
        path = Path(points)
        path.should_simplify = False
        context = self._context(clip)
        context.set_linewidth(width)
        context.set_joinstyle("round")
        pattern = DASHES[dash]
        context.set_capstyle("round" if pattern is None else "butt")
        if pattern is not None:
            context.set_dashes(offset, [length * width for length in pattern])
        self._renderer.draw_path(context, path, self._flip, None)
        return self._lift(points, width, clip)

    def fill(self, path: Path, clip: Rect) -> Coverage:
        """The inside of a closed path."""
        context = self._context(clip)
        context.set_linewidth(0)
        context.set_antialiased(True)
        self._renderer.draw_path(context, path, self._flip, (1.0, 1.0, 1.0, 1.0))
        return self._lift(np.asarray(path.vertices), 1, clip)

    def measure(self, text: str, font: Font) -> float:
        """How far the pen moves when it writes the text, in pixels."""
        return self.places(text, font)[1]

    def places(self, text: str, font: Font) -> tuple[list[tuple[str, float]], float]:
        """The pieces of a text and where each begins, and where the last one ends.

        Agg moves letters to whole pixels, so that words are wider or narrower than in an SVG. The spaces after them
        make up for it, as long as a gap is left that is seen.
        """
        pieces, true, end = [], 0.0, 0.0
        for piece in PIECES.findall(clean(text)):
            _, drawn, advance = self._word(piece, font)
            # A comma stands at its word, also where that is narrower than in an SVG.
            end = end if piece in CLOSING else max(true, end)
            pieces.append((piece, end))
            true += advance
            end = max(end + GAP * advance, true) if piece.isspace() else end + (drawn if len(piece) > 1 else advance)
        return pieces, max(true, end)

    def write(self, text: str, font: Font, left: float, baseline: int, *, halo: bool = False) -> Coverage:
        """Words from `left` on, or what is around their letters; what would leave the canvas is left out."""
        shapes = []
        for piece, x in self.places(text, font)[0]:
            shape, drawn, advance = self._word(piece, font)
            shape = self._halo(piece, font) if halo else shape
            room, at = 2 * font.size, round(left + x)
            inside = at >= 0 and at + max(drawn, advance) + 2 <= self.width
            if inside and font.size <= baseline < self.height - font.size // 3:
                shapes.append(shape.moved((baseline - room) * self.width + at - font.size))
        return union(shapes)

    def _word(self, text: str, font: Font) -> tuple[Coverage, float, float]:
        """The coverage of a word that begins at (size, 2 x size), its advance as drawn, and without hinting."""
        key = (text, font)
        if key in self._words:
            self._words.move_to_end(key)
            return self._words[key]
        # Between two letters, since alone it is measured by its ink, and a space has none.
        families = self.lettering.families
        drawn, advance = (
            width(f"n{text}n", font, families) - width("nn", font, families) for width in (self._width, unhinted_width)
        )
        shape = EMPTY
        if not text.isspace():
            context = self._context(Rect(0, 0, self.width, self.height))
            self._renderer.draw_text(
                context, font.size, 2 * font.size, text, properties(font, self.lettering.families), 0
            )
            corners = np.array([[0, 0], [drawn + 2 * font.size, 3 * font.size]])
            shape = self._lift(corners, 1, Rect(0, 0, self.width, self.height))
        self._words[key] = shape, drawn, advance
        if len(self._words) > KEPT_WORDS:
            self._words.popitem(last=False)
        return self._words[key]

    def _halo(self, text: str, font: Font) -> Coverage:
        """A word with a border all around its letters."""
        key = (text, font)
        if key not in self._halos:
            self._halos[key] = grown(self._word(text, font)[0], self.width)
            if len(self._halos) > KEPT_WORDS:
                self._halos.popitem(last=False)
        return self._halos[key]

    def _width(self, text: str, font: Font, families: tuple[str, ...]) -> float:
        known = properties(font, families)
        return float(self._renderer.get_text_width_height_descent(text, known, False)[0])  # noqa: FBT003

    def _context(self, clip: Rect) -> Any:
        context = self._renderer.new_gc()
        context.set_foreground((1.0, 1.0, 1.0, 1.0), isRGBA=True)
        context.set_snap(False)
        context.set_clip_rectangle(Bbox.from_bounds(clip.left, self.height - clip.bottom, clip.width, clip.height))
        return context

    def _lift(self, points: NDArray[np.float64], width: float, clip: Rect) -> Coverage:
        """Take what was drawn around these points off the paper."""
        seen = points[np.isfinite(points).all(axis=1)]
        if not len(seen):
            return EMPTY
        low = np.floor(seen.min(axis=0) - width - 1).clip(-1e6, 1e6).astype(int)
        high = np.ceil(seen.max(axis=0) + width + 1).clip(-1e6, 1e6).astype(int)
        left, right = max(low[0], clip.left, 0), min(high[0], clip.right, self.width)
        top, bottom = max(low[1], clip.top, 0), min(high[1], clip.bottom, self.height)
        if left >= right or top >= bottom:
            return EMPTY
        piece = self._buffer[top:bottom, left:right]
        coverage = crop(piece[..., 3], left, top, self.width)
        piece[...] = 0
        return coverage
