"""One scene as shapes: text as text, lines as paths, fields as small pictures. The page is that of the pixels."""

import base64
from collections.abc import Callable, Sequence
from typing import Any
from xml.sax.saxutils import escape

import contourpy
import numpy as np
from numpy.typing import NDArray

from dynviz.pixels import shapes, still
from dynviz.pixels.coverage import Image
from dynviz.pixels.easel import Easel
from dynviz.pixels.layers import Tile
from dynviz.pixels.page import Page, lay_out, step_words
from dynviz.pixels.pen import DASHES, FAMILY, Font, Pen
from dynviz.pixels.place import Place, Spot
from dynviz.pixels.shapes import hexadecimal, number
from dynviz.pixels.still import SIZES
from dynviz.pixels.words import Placed, fit, sample_width
from dynviz.scene.marks import (
    Axis,
    Band,
    Bars,
    Contours,
    Field,
    Line,
    Marker,
    Panel,
    Points,
    Readout,
    Regions,
    Rule,
    Scene,
    Text,
    pixel_centers,
)
from dynviz.scene.scales import fractions
from dynviz.scene.theme import Theme

Floats = NDArray[np.float64]
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
        self._pen, self._theme, self._encode, self._ground = Pen(width, height), theme, encode, ground

    def draw(self, scene: Scene, description: str = "") -> str:
        """The document of a scene."""
        page, width, height = lay_out(scene, self._pen), self._pen.width, self._pen.height
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="{FAMILY}, Verdana, sans-serif" role="img">',
            f"<title>{escape(scene.title)}</title>",
            f"<desc>{escape(description)}</desc>",
        ]
        if self._ground:
            parts.append(f'<rect width="{width}" height="{height}" fill="{self._color("ground")}"/>')
        parts += self._head(page, scene)
        for index, (place, panel) in enumerate(zip(page.places, scene.panels, strict=False)):
            easel = Easel(self._pen, self._theme, page.sizes, place.plot, panel.x, panel.y)
            parts += self._panel(index, place, panel, easel)
        return "\n".join([*parts, "</svg>", ""])

    def _head(self, page: Page, scene: Scene) -> list[str]:
        font, counter = page.sizes.words, page.counter
        easel = Easel(self._pen, self._theme, page.sizes, page.head, Axis((0.0, 1.0)), Axis((0.0, 1.0)))
        parts = [part for placed in page.title for part in self._placed(placed, easel)]
        parts += self._readouts(scene.readouts, page.spots, font)
        text = step_words(scene)
        left = counter.left - self._pen.measure(text, font)
        return [*parts, self._words(text, font, "muted", left, counter.baseline)]

    def _panel(self, index: int, place: Place, panel: Panel, easel: Easel) -> list[str]:
        clip, name = easel.clip, f"plot{index}"
        parts = [
            f"<g><title>{escape(panel.title)}</title>",
            f'<clipPath id="{name}"><rect x="{clip.left}" y="{clip.top}" '
            f'width="{clip.width}" height="{clip.height}"/></clipPath>',
            *shapes.axes(place, easel.sizes, self._color("grid"), self._color("muted")),
            f'<g clip-path="url(#{name})" fill="none" stroke-linejoin="round" stroke-linecap="round">',
        ]
        for mark in panel.marks:
            parts += DRAW[type(mark)](self, mark, easel)
        parts.append("</g>")
        parts += [part for placed in place.words for part in self._placed(placed, easel)]
        return [*parts, *self._readouts(panel.readouts, place.spots, easel.sizes.words), "</g>"]

    def _color(self, role: str) -> str:
        return hexadecimal(self._theme.color(role))

    def _words(self, text: str, font: Font, role: str, left: float, baseline: float) -> str:
        # With the length given, a viewer that has another font keeps the arrangement.
        long = f' textLength="{self._pen.measure(text, font):.1f}" lengthAdjust="spacingAndGlyphs"' if text else ""
        bold = ' font-weight="bold"' if font.bold else ""
        return (
            f'<text x="{number(left)}" y="{number(baseline)}" font-size="{font.size}"{bold}{long} '
            f'fill="{hexadecimal(self._theme.ink(role))}">{escape(text)}</text>'
        )

    def _readouts(self, readouts: Sequence[Readout], spots: Sequence[Spot], font: Font) -> list[str]:
        found = []
        for readout, spot in zip(readouts, spots, strict=False):
            said = f"{readout.name} {readout.text}".strip() if spot.named else readout.text
            text = fit(said, font, spot.room, self._pen)
            found.append(self._words(text, font, readout.color, spot.left, spot.baseline))
        return found

    def _placed(self, placed: Placed, easel: Easel) -> list[str]:
        """Words, and the sample before those of a legend."""
        item, left, parts = placed.words, placed.left, []
        if item.sample:
            sample, size = item.sample, item.font.size
            x, y = left + 0.7 * size, placed.baseline - 0.36 * size
            if sample.kind == "line":
                ends = np.array([[left, y], [left + 1.4 * size, y]])
                parts.append(shapes.stroke(ends, self._color(sample.color), easel.sizes.line, DASHES[sample.dash]))
            else:
                marker: Marker | None = sample.marker if sample.kind == "marker" else None
                parts.append(shapes.shape(marker, x, y, 0.3 * size, self._color(sample.color)))
            left += sample_width(item.font)
        return [*parts, self._words(item.text, item.font, item.color, left, placed.baseline)]

    def field(self, mark: Field | Regions, easel: Easel) -> list[str]:
        """The picture of a field, a pixel for each value where the axes are linear."""
        if "log" in (easel.x.scale, easel.y.scale):
            tiles = still.field(mark, easel) if isinstance(mark, Field) else still.regions(mark, easel)
            return [
                self._image(tile.pixels, tile.rect.left, tile.rect.top, tile.rect.right, tile.rect.bottom)
                for tile in tiles
                if isinstance(tile, Tile)
            ]
        if isinstance(mark, Field):
            pixels = self._theme.ramp(mark.ramp)[mark.norm.levels(mark.values)]
        else:
            pixels = np.array([self._theme.color(role) for role in mark.colors], np.uint8)[mark.classes]
        (left, right), (bottom, top) = easel.columns(mark.extent[:2]).tolist(), easel.rows(mark.extent[2:]).tolist()
        return [self._image(pixels[::-1], left, top, right, bottom)]

    def _image(self, pixels: Image, left: float, top: float, right: float, bottom: float) -> str:
        data = base64.b64encode(self._encode(np.ascontiguousarray(pixels))).decode()
        return (
            f'<image x="{number(left)}" y="{number(top)}" '
            f'width="{number(right - left)}" height="{number(bottom - top)}" '
            'preserveAspectRatio="none" image-rendering="optimizeSpeed" style="image-rendering:pixelated" '
            f'href="data:image/png;base64,{data}"/>'
        )

    def contours(self, mark: Contours, easel: Easel) -> list[str]:
        """Lines of equal value."""
        if min(mark.values.shape) < 2:
            return []
        x, y = pixel_centers(mark.extent, *mark.values.shape)
        generator = contourpy.contour_generator(x, y, np.ma.masked_invalid(mark.values))
        lines = [easel.points(*np.asarray(line).T) for level in mark.levels for line in generator.lines(level)]
        color, width = self._color(mark.color), max(1.0, 0.5 * easel.sizes.line)
        return [shapes.stroke(line, color, width, opacity=still.CONTOUR) for line in lines]

    def points(self, mark: Points, easel: Easel) -> list[str]:
        """Markers, with a rim of ground colour where the pixels have one."""
        places = easel.points(mark.x, mark.y)
        places = places[easel.inside(places)]
        radius = mark.size * SIZES[mark.marker] * easel.sizes.em / 20
        color, rim = self._color(mark.color), easel.sizes.line
        parts = []
        if self._ground and mark.alpha == 1 and len(places) <= still.HALO and radius >= 1.2:
            ground = self._color("ground")
            parts = [shapes.shape(mark.marker, x, y, radius, ground, rim=rim) for x, y in places.tolist()]
        parts += [shapes.shape(mark.marker, x, y, radius, color) for x, y in places.tolist()]
        return [f'<g opacity="{number(mark.alpha)}">', *parts, "</g>"] if mark.alpha < 1 else parts

    def line(self, mark: Line, easel: Easel) -> list[str]:
        """Future, past and dot."""
        points = easel.points(mark.x, mark.y)
        along = np.asarray(mark.x if mark.along is None else mark.along, np.float64)
        color, width = self._color(mark.color), mark.width * easel.sizes.line
        pattern = DASHES[mark.dash]
        if mark.now is None:
            return [shapes.stroke(shapes.thin(points), color, width, pattern)]
        count = int(np.searchsorted(along, mark.now, side="right"))
        end = _end(points, along, mark.now, count)
        past = points[:count] if end is None else np.concatenate([points[:count], end[None]])
        parts = [shapes.stroke(shapes.thin(points), color, width, pattern, self._theme.ghost)] if mark.ghost else []
        parts.append(shapes.stroke(shapes.thin(past), color, width, pattern))
        if mark.dot and end is not None and easel.inside(end[None])[0]:
            x, y = end.tolist()
            if self._ground:
                parts.append(shapes.shape("dot", x, y, easel.sizes.dot + 0.6 * easel.sizes.line, self._color("ground")))
            parts.append(shapes.shape("dot", x, y, easel.sizes.dot, color))
        return parts

    def band(self, mark: Band, easel: Easel) -> list[str]:
        """Future and past."""
        low, high = easel.points(mark.x, mark.low), easel.points(mark.x, mark.high)
        shade, ghost, color = self._theme.shade, self._theme.shade_ghost, self._color(mark.color)
        parts = [shapes.area(low, high, color, ghost)]
        past = np.ones(len(low), np.bool_) if mark.now is None else np.asarray(mark.x) <= mark.now
        return [*parts, shapes.area(low[past], high[past], color, (shade - ghost) / (1 - ghost))]

    def bars(self, mark: Bars, easel: Easel) -> list[str]:
        """Bars from their base."""
        left, right = easel.columns(mark.x - mark.width / 2), easel.columns(mark.x + mark.width / 2)
        base = mark.base if easel.y.scale == "linear" else max(mark.base, easel.y.limits[0])
        foot, head = float(easel.rows(base)), easel.rows(mark.heights)
        color = self._color(mark.color)
        return [
            f'<rect x="{number(a)}" y="{number(min(h, foot))}" '
            f'width="{number(b - a)}" height="{number(abs(foot - h))}" fill="{color}"/>'
            for a, b, h in zip(left.tolist(), right.tolist(), head.tolist(), strict=True)
            if np.isfinite([a, b, h, foot]).all()
        ]

    def text(self, mark: Text, easel: Easel) -> list[str]:
        """Words whose middle height is at their place."""
        place = easel.points([mark.x], [mark.y])
        if not mark.text or not easel.inside(place)[0]:
            return []
        font = easel.sizes.words
        wide = self._pen.measure(mark.text, font)
        left = place[0, 0] - wide * {"left": 0.0, "center": 0.5, "right": 1.0}[mark.anchor]
        left = max(min(left, easel.plot.right - wide), easel.plot.left)
        return [self._words(mark.text, font, mark.color, left, place[0, 1] + 0.36 * font.size)]

    def rule(self, mark: Rule, easel: Easel) -> list[str]:
        """A line across the plot, and its words beside its end."""
        plot, font = easel.plot, easel.sizes.ticks
        at = float(fractions(easel.x if mark.vertical else easel.y, mark.at))
        if not 0 <= at <= 1:
            return []
        x, y = plot.left + at * plot.width, plot.bottom - at * plot.height
        ends = [[x, plot.top], [x, plot.bottom]] if mark.vertical else [[plot.left, y], [plot.right, y]]
        parts = [shapes.stroke(np.array(ends), self._color(mark.color), easel.sizes.thin, DASHES[mark.dash])]
        if mark.label:
            wide, gap = self._pen.measure(mark.label, font), 0.4 * font.size
            if mark.vertical:
                left, baseline = x + gap + 1, float(plot.top + font.size)
                left = left if left + wide <= plot.right else x - gap - wide
            else:
                left, baseline = plot.right - wide - gap, y - gap
                baseline = baseline if baseline - font.size >= plot.top else y + 1.2 * font.size
            parts.append(self._words(mark.label, font, mark.color, left, baseline))
        return parts


def _end(points: Floats, along: Floats, now: float, count: int) -> Floats | None:
    """Where a line is now: between two vertices or at one."""
    if count == 0:
        return None
    here = points[count - 1]
    if count < len(along) and np.isfinite(points[count]).all() and along[count] > along[count - 1]:
        share = (now - along[count - 1]) / (along[count] - along[count - 1])
        here = here + share * (points[count] - here)
    return here if np.isfinite(here).all() else None


DRAW: dict[type, Callable[[Vector, Any, Easel], list[str]]] = {
    Field: Vector.field,
    Regions: Vector.field,
    Contours: Vector.contours,
    Points: Vector.points,
    Line: Vector.line,
    Band: Vector.band,
    Bars: Vector.bars,
    Text: Vector.text,
    Rule: Vector.rule,
}
