"""Marks as elements of SVG, where the pixels have them and in the same order."""

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dynviz.layout.drawings import DOT, FUTURE, PAST, groups
from dynviz.layout.metrics import Font
from dynviz.pixels import shapes, still
from dynviz.pixels.arrows import arrows
from dynviz.pixels.coverage import Image
from dynviz.pixels.easel import PixelEasel
from dynviz.pixels.growing import present
from dynviz.pixels.layers import Tile
from dynviz.pixels.pen import DASHES, Pen
from dynviz.pixels.shapes import hexadecimal, number
from dynviz.scene.contouring import traced
from dynviz.scene.marks import (
    Arrows,
    Band,
    Bars,
    Contours,
    Field,
    Line,
    Mark,
    Points,
    ReferenceLine,
    Regions,
    Text,
)
from dynviz.scene.theme import Theme
from dynviz.text import xml

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ink:
    """What colours, words and pictures of a document are made with.

    Attributes:
        theme: Gives colours.
        pen: Measures words.
        encode: Makes a PNG of pixels.
        ground: Whether the picture stands on the theme's ground, or on nothing.
    """

    theme: Theme
    pen: Pen
    encode: Callable[[Image], bytes]
    ground: bool

    def color(self, role: str) -> str:
        """The colour of a shape."""
        return hexadecimal(self.theme.color(role))

    def words(self, text: str, font: Font, role: str, left: float, baseline: float) -> str:
        """Words that begin and stand at a place."""
        # With the length given, a viewer that has another font keeps the arrangement.
        long = f' textLength="{self.pen.measure(text, font):.1f}" lengthAdjust="spacingAndGlyphs"' if text else ""
        bold = ' font-weight="bold"' if font.bold else ""
        return (
            f'<text x="{number(left)}" y="{number(baseline)}" font-size="{font.size}"{bold}{long} '
            f'fill="{hexadecimal(self.theme.ink(role))}">{xml(text)}</text>'
        )

    def image(self, pixels: Image, left: float, top: float, right: float, bottom: float) -> str:
        """Pixels, as sharp as the viewer can."""
        data = base64.b64encode(self.encode(np.ascontiguousarray(pixels))).decode()
        return (
            f'<image x="{number(left)}" y="{number(top)}" '
            f'width="{number(right - left)}" height="{number(bottom - top)}" '
            'preserveAspectRatio="none" image-rendering="optimizeSpeed" style="image-rendering:pixelated" '
            f'href="data:image/png;base64,{data}"/>'
        )


class Element(NamedTuple):
    """An element.

    Attributes:
        text: The element.
        age: Its height among the lines and bands that stand together.
        clipped: Whether it ends at the edge of the plot; markers and words do not.
    """

    text: str
    age: int = PAST
    clipped: bool = True


def elements(marks: Sequence[Mark], easel: PixelEasel, ink: Ink, clip: str) -> Iterator[str]:
    """The elements of a panel's marks, the lowest first.

    Args:
        marks: The first at the back.
        easel: Gives places.
        ink: Gives colours.
        clip: The name of the path that they are clipped by.
    """
    grouped = zip(groups(marks), marks, strict=True)
    parts = [(group, part) for group, mark in grouped for part in DRAW[type(mark)](mark, easel, ink)]
    parts.sort(key=lambda item: (item[0], item[1].age))
    clipped = False
    for _, part in parts:
        if part.clipped != clipped:
            yield f'<g clip-path="url(#{clip})">' if part.clipped else "</g>"
            clipped = part.clipped
        yield part.text
    if clipped:
        yield "</g>"


def _image(mark: Field | Regions, easel: PixelEasel, ink: Ink) -> list[Element]:
    """The picture of a field; on a logarithmic axis its pixels are those of the page."""
    if "log" in (easel.x.scale, easel.y.scale):
        tiles = still.field(mark, easel) if isinstance(mark, Field) else still.regions(mark, easel)
        return [
            Element(ink.image(tile.pixels, tile.rect.left, tile.rect.top, tile.rect.right, tile.rect.bottom))
            for tile in tiles
            if isinstance(tile, Tile)
        ]
    if isinstance(mark, Field):
        pixels = ink.theme.ramp(mark.ramp)[mark.norm.levels(mark.values)]
    else:
        pixels = np.array([ink.theme.color(role) for role in mark.colors], np.uint8)[mark.classes]
    (left, right), (bottom, top) = easel.columns(mark.extent[:2]).tolist(), easel.rows(mark.extent[2:]).tolist()
    size = min(right - left, easel.plot.width), min(bottom - top, easel.plot.height)
    return [Element(ink.image(_enlarged(pixels[::-1], size), left, top, right, bottom))]


def _enlarged(pixels: Image, size: tuple[float, float]) -> Image:
    """So many pixels for each that they are about as small as those of a page of this width and height.

    Many viewers blur what they enlarge, whatever they are told. A repeated pixel takes hardly any room in a file.
    """
    height, width = pixels.shape[:2]
    return pixels.repeat(max(1, round(size[1] / height)), axis=0).repeat(max(1, round(size[0] / width)), axis=1)


def _contours(mark: Contours, easel: PixelEasel, ink: Ink) -> list[Element]:
    lines = [easel.points(*line.T) for line in traced(mark, mark.levels)]
    color, width = ink.color(mark.color), max(1.0, 0.5 * easel.sizes.line)
    return [Element(shapes.stroke(line, color, width, opacity=still.CONTOUR)) for line in lines]


def _points(mark: Points, easel: PixelEasel, ink: Ink) -> list[Element]:
    places = easel.points(mark.x, mark.y)
    places = places[easel.inside(places)].tolist()
    radius = mark.size * still.SIZES[mark.marker] * easel.sizes.em / 20
    color, rim = ink.color(mark.color), easel.sizes.line
    found = []
    if ink.ground and still.has_rim(mark, len(places), radius):
        found = [shapes.shape(mark.marker, x, y, radius, ink.color("ground"), rim=rim) for x, y in places]
    found += [shapes.shape(mark.marker, x, y, radius, color) for x, y in places]
    if mark.alpha < 1:
        # Each for itself: where they lie over one another they are denser, as on the pixels.
        faint = f'<g opacity="{number(mark.alpha)}">'
        found = [f"{faint}{each}</g>" for each in found]
    return [Element(each, clipped=False) for each in found]


def _line(mark: Line, easel: PixelEasel, ink: Ink) -> list[Element]:
    points = easel.points(mark.x, mark.y)
    along = np.asarray(mark.x if mark.along is None else mark.along, np.float64)
    color, width, pattern = ink.color(mark.color), mark.width * easel.sizes.line, DASHES[mark.dash]
    whole = shapes.thin(points)
    if mark.now is None:
        return [Element(shapes.stroke(whole, color, width, pattern))]
    end = present(points, along, mark.now, easel.columns if mark.along is None else None)
    past = _past(points, along, mark.now, end)
    parts = [Element(shapes.stroke(whole, color, width, pattern, ink.theme.ghost), FUTURE)] if mark.ghost else []
    parts.append(Element(shapes.stroke(shapes.thin(past), color, width, pattern)))
    if mark.dot and end is not None and easel.inside(end[None])[0]:
        x, y = end.tolist()
        if ink.ground:
            radius = easel.sizes.dot + 0.6 * easel.sizes.line
            parts.append(Element(shapes.shape("dot", x, y, radius, ink.color("ground")), DOT, clipped=False))
        parts.append(Element(shapes.shape("dot", x, y, easel.sizes.dot, color), DOT, clipped=False))
    return parts


def _past(points: Floats, along: Floats, now: float, end: Floats | None) -> Floats:
    """The points until now, and where it ends between two of them."""
    past = points[: int(np.searchsorted(along, now, side="right"))]
    return np.concatenate([past, np.full((1, 2), np.nan) if end is None else end[None]])


def _band(mark: Band, easel: PixelEasel, ink: Ink) -> list[Element]:
    low, high = easel.points(mark.x, mark.low), easel.points(mark.x, mark.high)
    shade, ghost, color = ink.theme.shade, ink.theme.shade_ghost, ink.color(mark.color)
    parts = [Element(shapes.area(low, high, color, ghost), FUTURE)]
    if mark.now is not None:
        x = np.asarray(mark.x, np.float64)
        low, high = (_past(points, x, mark.now, present(points, x, mark.now, easel.columns)) for points in (low, high))
    return [*parts, Element(shapes.area(low, high, color, (shade - ghost) / (1 - ghost)))]


def _bars(mark: Bars, easel: PixelEasel, ink: Ink) -> list[Element]:
    color = ink.color(mark.color)
    return [
        Element(
            f'<rect x="{number(left)}" y="{number(min(head, foot))}" '
            f'width="{number(right - left)}" height="{number(abs(foot - head))}" fill="{color}"/>'
        )
        for left, right, foot, head in still.bar_edges(mark, easel).T.tolist()
    ]


def _arrows(mark: Arrows, easel: PixelEasel, ink: Ink) -> list[Element]:
    return [Element(text) for text in shapes.arrows(arrows(mark, easel), ink.color(mark.color))]


def _text(mark: Text, easel: PixelEasel, ink: Ink) -> list[Element]:
    place = still.text_place(mark, easel)
    return [Element(ink.words(mark.text, easel.sizes.words, mark.color, *place), clipped=False)] if place else []


def _reference_line(mark: ReferenceLine, easel: PixelEasel, ink: Ink) -> list[Element]:
    line = still.reference_rect(mark, easel)
    if line is None:
        return []
    x, y = (line.left + line.right) / 2, (line.top + line.bottom) / 2
    ends = [[x, line.top], [x, line.bottom]] if mark.vertical else [[line.left, y], [line.right, y]]
    dashes, thick = still.reference_dashes(mark, easel), easel.sizes.thin
    pattern = (dashes[0] / thick, dashes[1] / thick) if dashes else None
    parts = [Element(shapes.stroke(np.array(ends), ink.color(mark.color), thick, pattern))]
    if mark.label:
        place = still.reference_words(mark, easel, line)
        parts.append(Element(ink.words(mark.label, easel.sizes.ticks, mark.color, *place), clipped=False))
    return parts


DRAW: dict[type, Callable[[Any, PixelEasel, Ink], list[Element]]] = {
    Field: _image,
    Regions: _image,
    Contours: _contours,
    Points: _points,
    Line: _line,
    Band: _band,
    Bars: _bars,
    Arrows: _arrows,
    Text: _text,
    ReferenceLine: _reference_line,
}
