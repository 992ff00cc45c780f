"""Where everything stands on a page, for windows of several sizes; the script takes the one that fits best."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dynviz.frozen import frozen
from dynviz.layout.arrange import map_shape
from dynviz.layout.metrics import Font
from dynviz.layout.page import Page, lay_out
from dynviz.layout.place import PanelPlace
from dynviz.layout.plot_words import PlotWords
from dynviz.layout.words import PlacedWords
from dynviz.pixels.easel import PixelEasel
from dynviz.pixels.hatched import hatching
from dynviz.pixels.metrics import COLOR_BAR, SWATCH, PixelMetrics, sized_metrics, swatch_width
from dynviz.pixels.pen import Pen, unhinted_width
from dynviz.pixels.sizes import SCREEN, Sizes
from dynviz.scene.marks import Bars, Contours, Field, Panel, Regions, Scene
from dynviz.scene.theme import light
from dynviz.text import clean

SCREENS = ((760, 600), (1080, 560), (1280, 500), (1500, 740))
"""Widths and heights of pages for windows that are wider than high."""
NARROW = 384
"""The width of the page for a telephone."""
LOW, STEEP, AROUND = 236, 0.9, (50, 84)
"""There, the height of curves, that of a picture in perspective as a share of its width, and the room around a map."""

Tree = dict[str, Any]
Written = list[Any]
"""Words: text, size, whether bold, role, left and baseline; then, unless they move, width and alignment to it."""


def web_sizes(width: int) -> Sizes:
    """Letters that are read on a screen, whatever the size of the page."""
    small = width < 2 * NARROW - 100
    return Sizes(
        title=Font(15, bold=True),
        panel=Font(14, bold=True),
        words=Font(12 if small else 13),
        ticks=Font(11 if small else 12),
        line=1.7 if small else 1.9,
        thin=1,
        dot=3.8 if small else 4.2,
    )


@functools.lru_cache(maxsize=1 << 15)
def _advance(text: str, font: Font) -> float:
    # Between two letters, since alone a text is measured by its ink, and a space has none.
    ends = (unhinted_width(written, font, SCREEN.families) for written in (f"n{clean(text)}n", "nn"))
    return next(ends) - next(ends)


@frozen(kw_only=True)
class WebMetrics(PixelMetrics):
    """A page whose letters a browser writes: they are not moved to whole pixels."""

    def measure(self, text: str, font: Font) -> float:
        """Width in pixels, in the font of the pixels, which is wider than most."""
        return _advance(text, font)


@dataclass
class WebLayout:
    """The page of one size, which is the same in all scenes of a film, and the words that move on it.

    Attributes:
        size: Its width and height.
        parts: Pages that stand below each other, and where each begins; the panels go on from one to the next.
    """

    size: tuple[int, int]
    parts: Sequence[tuple[Page[PixelMetrics], int]]

    def __post_init__(self) -> None:
        self._places = [_Placed(place, page.metrics, top) for page, top in self.parts for place in page.places]

    @property
    def count(self) -> int:
        """How many panels there is room for."""
        return len(self._places)

    def tree(self, scene: Scene) -> Tree:
        """What stands still."""
        sizes = self.parts[0][0].metrics.sizes
        return {
            "width": self.size[0],
            "height": self.size[1],
            "em": sizes.em,
            "ticks": sizes.ticks.size,
            "line": sizes.line,
            "thin": sizes.thin,
            "dot": sizes.dot,
            "panels": [placed.tree() for placed, _ in zip(self._places, scene.panels, strict=False)],
        }

    def moving(self, scene: Scene) -> list[list[Written]]:
        """The words in each panel's plot."""
        return [placed.moving(panel) for placed, panel in zip(self._places, scene.panels, strict=False)]


class _Placed:
    """A panel's place on a page that begins so far down, and its words."""

    def __init__(self, place: PanelPlace, metrics: PixelMetrics, top: int) -> None:
        self._place, self._metrics, self._top = place, metrics, top
        self._words = PlotWords(place, metrics)

    def tree(self) -> Tree:
        place, top = self._place, self._top
        plot = place.plot
        return {
            "plot": [plot.left, plot.top + top, plot.width, plot.height],
            "x": [column for _, column in place.x],
            "y": [row + top for _, row in place.y],
            "axes": place.axes,
            "direct": place.direct,
            "words": [self._written(placed, self._alignment(placed)) for placed in place.words],
            "spots": [
                [round(spot.left, 1), spot.baseline + top, round(spot.room, 1), spot.named] for spot in place.spots
            ],
        }

    def moving(self, panel: Panel) -> list[Written]:
        return [*map(self._short, self._words.at(panel)), *self._hatched(panel)]

    def _alignment(self, placed: PlacedWords) -> str:
        """How words keep their place in letters of another width: those of ticks stand beside their ticks."""
        if placed.baseline > self._place.plot.bottom:
            return "center"
        return "right" if placed.left + self._wide(placed) <= self._place.plot.left else "left"

    def _wide(self, placed: PlacedWords) -> float:
        return self._metrics.measure(placed.words.text, placed.words.font)

    def _written(self, placed: PlacedWords, align: str) -> Written:
        words, left = placed.words, placed.left
        swatch = words.swatch
        shift = swatch_width(swatch, words.font) if swatch else 0
        written: Written = [words.text, words.font.size, int(words.font.bold), words.color, round(left + shift, 1)]
        written += [placed.baseline + self._top, round(self._wide(placed), 1), align]
        if swatch:
            wide = round((COLOR_BAR if swatch.kind == "ramp" else SWATCH) * words.font.size, 1)
            written.append([swatch.kind, swatch.color, swatch.dash, swatch.marker, round(left, 1), wide])
        return written

    def _short(self, placed: PlacedWords) -> Written:
        """Words that move, of which there are many."""
        words = placed.words
        return [words.text, words.font.size, 0, words.color, round(placed.left), placed.baseline + self._top]

    def _hatched(self, panel: Panel) -> list[Written]:
        """What hatching means, on a clear rectangle."""
        metrics, written = self._metrics, []
        # Where stripes are does not depend on the theme.
        easel = PixelEasel(metrics, light, self._place.plot, panel.x, panel.y)
        for mark in panel.marks:
            drawn = hatching(mark, easel) if isinstance(mark, Field | Regions | Contours | Bars) else None
            if drawn is not None and drawn.words is not None:
                (rect, left, baseline), font = drawn.words, metrics.fonts.ticks
                clear = ["clear", rect.left, rect.top + self._top, rect.width, rect.height]
                wide = round(metrics.measure(drawn.text, font), 1)
                written.append([drawn.text, font.size, 0, "muted", left, baseline + self._top, wide, "left", clear])
        return written


def layouts(scene: Scene) -> list[WebLayout]:
    """Pages for windows of several sizes, the narrowest first."""
    return [_narrow(scene), *(WebLayout(size, [(web_page(scene, size), 0)]) for size in SCREENS)]


def _narrow(scene: Scene) -> WebLayout:
    """A page that is scrolled: one panel below the other, small ones in pairs."""
    beside = 2 if scene.columns > 1 else 1
    parts, top = [], 0
    for start in range(0, len(scene.panels), beside):
        panels = scene.panels[start : start + beside]
        height = max(_height(panel, NARROW // beside) for panel in panels)
        alone = replace(scene, panels=panels, columns=beside if beside > 1 else 0, lead=0)
        parts.append((web_page(alone, (NARROW, height)), top))
        top += height
    return WebLayout((NARROW, max(top, 1)), parts or [(web_page(scene, (NARROW, LOW)), 0)])


def _height(panel: Panel, width: int) -> int:
    """How high a panel so wide is."""
    if panel.perspective:
        return round(STEEP * width)
    return round((width - AROUND[0]) / map_shape(panel) + AROUND[1]) if panel.square else LOW


def web_page(scene: Scene, size: tuple[int, int]) -> Page[PixelMetrics]:
    """Where everything of a scene stands on a page of this size."""
    pen = Pen(*size)
    own = web_sizes(size[0])
    return lay_out(scene, lambda _: sized_metrics(pen, own, WebMetrics), title=False)
