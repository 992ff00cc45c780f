"""One scene as SVG or PDF, written by matplotlib: text as text, lines as paths. The page is that of the pixels."""

import io
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from dynviz.layout.counter import step_words
from dynviz.layout.page import Page
from dynviz.layout.place import PanelPlace, ReadoutSpot
from dynviz.layout.plot_words import PlotWords
from dynviz.layout.step_scale import StepScalePlace
from dynviz.layout.words import PlacedWords, fit
from dynviz.pixels.arrows import arrow_swatch
from dynviz.pixels.easel import PixelEasel
from dynviz.pixels.elements import draw_marks
from dynviz.pixels.metrics import SWATCH, PixelMetrics, color_bar, pixel_page, swatch_width
from dynviz.pixels.pen import DASHES, Pen
from dynviz.pixels.shapes import VectorPen
from dynviz.pixels.sizes import FAMILY, SCREEN, Lettering, Sizes
from dynviz.pixels.still import ramp_pixels
from dynviz.scene.marks import Readout, Scene
from dynviz.scene.theme import Theme
from dynviz.text import clean, xml

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "dynviz",
    "svg.image_inline": True,
    "pdf.fonttype": 42,
    "pdf.use14corefonts": False,
    "pdf.compression": 9,
    "pdf.inheritcolor": False,
    "path.simplify": False,
    "path.sketch": None,
    "savefig.bbox": None,
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "font.sans-serif": [FAMILY],
}
"""Text stays text, fonts travel with a PDF, and the same scene is the same bytes whatever the user's settings are."""
FALLBACKS = {FAMILY: ("Verdana", "sans-serif"), "STIXGeneral": ("Times New Roman", "serif")}
"""An SVG holds no fonts: letters of these are the most alike where there are none of ours."""


class Vector:
    """Draws scenes as shapes."""

    def __init__(
        self, width: int, height: int, theme: Theme, *, ground: bool = True, lettering: Lettering = SCREEN
    ) -> None:
        """Take paper.

        Args:
            width: In pixels; of a PDF and in print, in points.
            height: In pixels.
            theme: Its colours.
            ground: Whether the picture stands on the theme's ground, or on nothing.
            lettering: Its letters.
        """
        self._pen, self._theme, self._ground = Pen(width, height, lettering), theme, ground

    def svg(self, scene: Scene, description: str = "", recipe: str = "") -> str:
        """A document of the scene, which viewers read the description of aloud, and the recipe as metadata."""
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        data, lengths = self._written(scene, "svg", nothing)
        width, height = self._pen.width, self._pen.height
        unit = "pt" if self._pen.lettering.printed else ""
        pixels = f'width="{width}{unit}" height="{height}{unit}" role="img"'
        document = data.decode().replace(f'width="{width}pt" height="{height}pt"', pixels, 1)
        head, root_end, drawn = document.partition('version="1.1">\n')
        words = f" <title>{xml(scene.title)}</title>\n <desc>{xml(description, lines=True)}</desc>\n"
        words += f" <metadata>{recipe}</metadata>\n" if recipe else ""
        # With their lengths given, words keep their places in a viewer that has another font.
        long = (f'<text textLength="{length:.1f}" lengthAdjust="spacingAndGlyphs" ' for length in lengths)
        return f"{head}{root_end}{words}{re.sub('<text ', lambda _: next(long), drawn)}"

    def pdf(self, scene: Scene, description: str = "", recipe: str = "") -> bytes:
        """A document of the scene with its fonts, one point for each pixel, and the recipe as keywords."""
        nothing = dict.fromkeys(("CreationDate", "Producer"))
        words = {"Creator": "dynviz", "Title": clean(scene.title), "Subject": clean(description, lines=True)}
        words |= {"Keywords": recipe} if recipe else {}
        return self._written(scene, "pdf", {**nothing, **words})[0]

    def _written(
        self, scene: Scene, kind: Literal["svg", "pdf"], metadata: dict[str, str | None]
    ) -> tuple[bytes, list[float]]:
        """The file, and the length of each of its words."""
        file = io.BytesIO()
        with matplotlib.rc_context(SETTINGS):
            # At 72 dots to the inch, matplotlib's points are pixels.
            figure = Figure((self._pen.width / 72, self._pen.height / 72), dpi=72)
            figure.patch.set_visible(False)
            letters = self._pen.lettering
            own = letters.families[:1] if kind == "svg" and letters.family in FALLBACKS else letters.families
            families = (*own, *FALLBACKS.get(letters.family, ("sans-serif",))) if kind == "svg" else own
            pen_on = partial(VectorPen, pen=self._pen, theme=self._theme, ground=self._ground, families=families)
            drawing = _Drawing(scene, pen_on)
            figure.add_artist(drawing)
            figure.savefig(file, format=kind, dpi=72, metadata=metadata)
        return file.getvalue(), drawing.lengths


class _Drawing(Artist):
    """A scene as an artist that a figure draws."""

    def __init__(self, scene: Scene, pen_on: Callable[[Any], VectorPen]) -> None:
        super().__init__()
        self._scene, self._pen_on = scene, pen_on
        self.lengths: list[float] = []

    def draw(self, renderer: Any) -> None:
        """Draw all of it."""
        pen = self._pen_on(renderer)
        draw_scene(self._scene, pen)
        self.lengths = pen.lengths


def draw_scene(scene: Scene, pen: VectorPen) -> None:
    """Draw a scene where the page of the pixels has it."""
    page = pixel_page(scene, pen.pen)
    if pen.ground:
        pen.rectangle((0, 0, pen.pen.width, pen.pen.height), "ground")
    _draw_head(page, scene, pen)
    for place, panel in zip(page.places, scene.panels, strict=False):
        _draw_axes(place, page.metrics.sizes, pen)
        draw_marks(panel.marks, PixelEasel(page.metrics, pen.theme, place.plot, panel.x, panel.y), pen)
        for placed in place.words:
            _draw_words(placed, page.metrics.sizes, pen)
        for placed in PlotWords(place, page.metrics).at(panel):
            pen.write_over(placed.words.text, placed.words.font, placed.words.color, (placed.left, placed.baseline))
        _draw_readouts(place.readouts(panel), place.spots, page.metrics, pen)
    if page.scale is not None:
        _draw_scale(page.scale, scene.step, page.metrics.sizes, pen)


def _draw_head(page: Page[PixelMetrics], scene: Scene, pen: VectorPen) -> None:
    title, metrics = page.title, page.metrics
    for placed in title.words:
        _draw_words(placed, metrics.sizes, pen)
    _draw_readouts(scene.readouts, title.spots, metrics, pen)
    if title.counter:
        text, font = step_words(scene), metrics.fonts.words
        pen.write(text, font, "muted", title.counter.left - metrics.measure(text, font), title.counter.baseline)


def _draw_scale(place: StepScalePlace, step: int, sizes: Sizes, pen: VectorPen) -> None:
    """The scale of steps, as the pixels have it."""
    thin, length, column = sizes.thin, round(0.3 * sizes.ticks.size), place.column(step)
    pen.rectangle((place.left, place.row, place.right + 1, place.row + thin), "grid")
    for tick in place.ticks:
        pen.rectangle((tick, place.row, tick + thin, place.row + thin + length), "muted")
    for placed in place.words:
        _draw_words(placed, sizes, pen)
    pen.rectangle((place.left, place.row, column + 1, place.row + thin), "muted")
    pen.markers("dot", np.array([[column + thin / 2, place.row + thin / 2]]), sizes.dot, "text")


def _draw_readouts(
    readouts: Sequence[Readout], spots: Sequence[ReadoutSpot], metrics: PixelMetrics, pen: VectorPen
) -> None:
    font = metrics.fonts.words
    for readout, spot in zip(readouts, spots, strict=False):
        text = fit(readout.in_words(readout.text, named=spot.named), font, spot.room, metrics)
        pen.write(text, font, readout.color, spot.left, spot.baseline)


def _draw_words(placed: PlacedWords, sizes: Sizes, pen: VectorPen) -> None:
    """Words, and the swatch before those of a legend."""
    words, left = placed.words, placed.left
    swatch, size = words.swatch, words.font.size
    if swatch:
        x, y, right = left + SWATCH / 2 * size, placed.baseline - 0.36 * size, left + SWATCH * size
        if swatch.kind == "line":
            pen.stroke(np.array([[left, y], [right, y]]), swatch.color, sizes.line, dash=DASHES[swatch.dash])
        elif swatch.kind == "arrow":
            pen.arrows(arrow_swatch(left, right, y, sizes), swatch.color)
        elif swatch.kind == "marker":
            pen.markers(swatch.marker, np.array([[x, y]]), 0.3 * size, swatch.color)
        elif swatch.kind == "ramp":
            bar = color_bar(placed)
            pixels = ramp_pixels(swatch.color, (bar.width, bar.height), pen.theme)
            pen.image(pixels, (bar.left, bar.top, bar.right, bar.bottom))
        else:
            pen.rectangle((x - 0.3 * size, y - 0.3 * size, x + 0.3 * size, y + 0.3 * size), swatch.color)
        left += swatch_width(swatch, words.font)
    pen.write(words.text, words.font, words.color, left, placed.baseline)


def _draw_axes(place: PanelPlace, sizes: Sizes, pen: VectorPen) -> None:
    """Grid, axes and ticks, on the pixels that those of the pixels have."""
    plot, thin, length = place.plot, sizes.thin, round(0.3 * sizes.ticks.size)
    for _, column in place.x:
        pen.rectangle((column, plot.top, column + thin, plot.bottom), "grid")
        pen.rectangle((column, plot.bottom, column + thin, plot.bottom + thin + length), "muted")
    for _, row in place.y:
        pen.rectangle((plot.left, row - thin + 1, plot.right, row + 1), "grid")
        pen.rectangle((plot.left - thin - length, row - thin + 1, plot.left, row + 1), "muted")
    if place.axes:
        pen.rectangle((plot.left - thin, plot.top, plot.left, plot.bottom + thin), "muted")
        pen.rectangle((plot.left - thin, plot.bottom, plot.right, plot.bottom + thin), "muted")
