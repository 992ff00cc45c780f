"""One scene as SVG: text as text, lines as paths, fields as small pictures. The page is that of the pixels."""

from collections.abc import Callable, Sequence

import numpy as np

from dynviz.layout.counter import step_words
from dynviz.pixels import shapes
from dynviz.pixels.arrows import arrow_sample
from dynviz.pixels.coverage import Image
from dynviz.pixels.easel import Easel
from dynviz.pixels.elements import Ink, elements
from dynviz.pixels.page import Page, lay_out
from dynviz.pixels.pen import DASHES, FAMILY, Font, Pen
from dynviz.pixels.place import Place, Spot
from dynviz.pixels.words import Placed, fit, sample_width
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
        page, width, height = lay_out(scene, self._pen), self._pen.width, self._pen.height
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
            easel = Easel(self._pen, self._ink.theme, page.sizes, place.plot, panel.x, panel.y)
            parts += self._panel(index, place, panel, easel)
        return "\n".join([*parts, "</svg>", ""])

    def _head(self, page: Page, scene: Scene) -> list[str]:
        font, counter = page.sizes.words, page.counter
        easel = Easel(self._pen, self._ink.theme, page.sizes, page.head, Axis((0.0, 1.0)), Axis((0.0, 1.0)))
        parts = [part for placed in page.title for part in self._placed(placed, easel)]
        parts += self._readouts(scene.readouts, page.spots, font)
        text = step_words(scene)
        left = counter.left - self._pen.measure(text, font)
        return [*parts, self._ink.words(text, font, "muted", left, counter.baseline)]

    def _panel(self, index: int, place: Place, panel: Panel, easel: Easel) -> list[str]:
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
        return [*parts, *self._readouts(panel.readouts, place.spots, easel.sizes.words), "</g>"]

    def _readouts(self, readouts: Sequence[Readout], spots: Sequence[Spot], font: Font) -> list[str]:
        found = []
        for readout, spot in zip(readouts, spots, strict=False):
            said = readout.said(readout.text, named=spot.named)
            text = fit(said, font, spot.room, self._pen)
            found.append(self._ink.words(text, font, readout.color, spot.left, spot.baseline))
        return found

    def _placed(self, placed: Placed, easel: Easel) -> list[str]:
        """Words, and the sample before those of a legend."""
        item, left, parts = placed.words, placed.left, []
        if item.sample:
            sample, size = item.sample, item.font.size
            x, y = left + 0.7 * size, placed.baseline - 0.36 * size
            if sample.kind == "line":
                ends = np.array([[left, y], [left + 1.4 * size, y]])
                parts.append(shapes.stroke(ends, self._ink.color(sample.color), easel.sizes.line, DASHES[sample.dash]))
            elif sample.kind == "arrow":
                found = arrow_sample(left, left + 1.4 * size, y, easel.sizes)
                parts += shapes.arrows(found, self._ink.color(sample.color))
            else:
                marker: Marker | None = sample.marker if sample.kind == "marker" else None
                parts.append(shapes.shape(marker, x, y, 0.3 * size, self._ink.color(sample.color)))
            left += sample_width(item.font)
        return [*parts, self._ink.words(item.text, item.font, item.color, left, placed.baseline)]
