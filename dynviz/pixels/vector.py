"""One scene as SVG: text as text, lines as paths, fields as small pictures. The page is that of the pixels."""

from collections.abc import Callable, Sequence

import numpy as np

from dynviz.layout.counter import step_words
from dynviz.layout.page import Page
from dynviz.layout.place import PanelPlace, ReadoutSpot
from dynviz.layout.words import PlacedWords, fit
from dynviz.pixels import shapes
from dynviz.pixels.arrows import arrow_swatch
from dynviz.pixels.coverage import Image
from dynviz.pixels.easel import PixelEasel
from dynviz.pixels.elements import Ink, elements
from dynviz.pixels.metrics import PixelMetrics, pixel_page, swatch_width
from dynviz.pixels.pen import DASHES, FAMILY, Pen
from dynviz.scene.marks import Axis, Marker, Panel, Readout, Scene
from dynviz.scene.theme import Theme
from dynviz.text import xml

Encode = Callable[[Image], bytes]
"""From pixels to the bytes of a PNG."""


class Vector:
    """Draws scenes as SVG."""

    def __init__(self, width: int, height: int, theme: Theme, encode: Encode, *, ground: bool = True) -> None:
        """Take paper.

        Args:
            width: In pixels.
            height: In pixels.
            theme: Its colours.
            encode: What makes a PNG of the pixels of a field.
            ground: Whether the picture stands on the theme's ground, or on nothing.
        """
        self._pen = Pen(width, height)
        self._ink = Ink(theme, self._pen, encode, ground)

    def draw(self, scene: Scene, description: str = "") -> str:
        """The document of a scene."""
        page, width, height = pixel_page(scene, self._pen), self._pen.width, self._pen.height
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="{FAMILY}, Verdana, sans-serif" role="img">',
            f"<title>{xml(scene.title)}</title>",
            f"<desc>{xml(description, lines=True)}</desc>",
        ]
        if self._ink.ground:
            parts.append(f'<rect width="{width}" height="{height}" fill="{self._ink.color("ground")}"/>')
        parts += self._head(page, scene)
        for index, (place, panel) in enumerate(zip(page.places, scene.panels, strict=False)):
            easel = PixelEasel(page.metrics, self._ink.theme, place.plot, panel.x, panel.y)
            parts += self._panel(index, place, panel, easel)
        return "\n".join([*parts, "</svg>", ""])

    def _head(self, page: Page[PixelMetrics], scene: Scene) -> list[str]:
        title, font = page.title, page.metrics.fonts.words
        easel = PixelEasel(page.metrics, self._ink.theme, title.area, Axis((0.0, 1.0)), Axis((0.0, 1.0)))
        parts = [part for placed in title.words for part in self._placed(placed, easel)]
        parts += self._readouts(scene.readouts, title.spots, page.metrics)
        if title.counter:
            text = step_words(scene)
            left = title.counter.left - self._pen.measure(text, font)
            parts.append(self._ink.words(text, font, "muted", left, title.counter.baseline))
        return parts

    def _panel(self, index: int, place: PanelPlace, panel: Panel, easel: PixelEasel) -> list[str]:
        clip, name = easel.clip, f"plot{index}"
        parts = [
            f"<g><title>{xml(panel.title)}</title>",
            f'<clipPath id="{name}"><rect x="{clip.left}" y="{clip.top}" '
            f'width="{clip.width}" height="{clip.height}"/></clipPath>',
            *shapes.axes(place, easel.sizes, self._ink.color("grid"), self._ink.color("muted")),
            '<g fill="none" stroke-linejoin="round" stroke-linecap="round">',
            *elements(panel.marks, easel, self._ink, name),
            "</g>",
        ]
        parts += [part for placed in place.words for part in self._placed(placed, easel)]
        return [*parts, *self._readouts(panel.readouts, place.spots, easel.metrics), "</g>"]

    def _readouts(self, readouts: Sequence[Readout], spots: Sequence[ReadoutSpot], metrics: PixelMetrics) -> list[str]:
        found, font = [], metrics.fonts.words
        for readout, spot in zip(readouts, spots, strict=False):
            said = readout.in_words(readout.text, named=spot.named)
            text = fit(said, font, spot.room, metrics)
            found.append(self._ink.words(text, font, readout.color, spot.left, spot.baseline))
        return found

    def _placed(self, placed: PlacedWords, easel: PixelEasel) -> list[str]:
        """Words, and the swatch before those of a legend."""
        item, left, parts = placed.words, placed.left, []
        if item.swatch:
            swatch, size = item.swatch, item.font.size
            x, y = left + 0.7 * size, placed.baseline - 0.36 * size
            if swatch.kind == "line":
                ends = np.array([[left, y], [left + 1.4 * size, y]])
                parts.append(shapes.stroke(ends, self._ink.color(swatch.color), easel.sizes.line, DASHES[swatch.dash]))
            elif swatch.kind == "arrow":
                found = arrow_swatch(left, left + 1.4 * size, y, easel.sizes)
                parts += shapes.arrows(found, self._ink.color(swatch.color))
            else:
                marker: Marker | None = swatch.marker if swatch.kind == "marker" else None
                parts.append(shapes.shape(marker, x, y, 0.3 * size, self._ink.color(swatch.color)))
            left += swatch_width(item.font)
        return [*parts, self._ink.words(item.text, item.font, item.color, left, placed.baseline)]
