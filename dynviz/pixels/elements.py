"""Marks as shapes, where the pixels have them and in the same order."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.path import Path
from numpy.typing import NDArray

from dynviz.layout.drawings import DOT, FUTURE, PAST, groups
from dynviz.pixels import still
from dynviz.pixels.arrows import arrows
from dynviz.pixels.coverage import Image
from dynviz.pixels.easel import PixelEasel
from dynviz.pixels.growing import present
from dynviz.pixels.hatched import hatching
from dynviz.pixels.layers import Tile
from dynviz.pixels.pen import DASHES
from dynviz.pixels.shapes import VectorPen
from dynviz.scene.contouring import traced
from dynviz.scene.decimate import decimate
from dynviz.scene.hatching import COLOR, SHARE, known
from dynviz.scene.marks import Arrows, Band, Bars, Contours, Field, Line, Mark, Points, ReferenceLine, Regions
from dynviz.scene.terrain import Terrain

Floats = NDArray[np.float64]


class VectorPart(NamedTuple):
    """One call that draws, and its height among the lines and bands that stand together."""

    draw: Callable[[], None]
    age: int = PAST


def draw_marks(marks: Sequence[Mark], easel: PixelEasel, pen: VectorPen) -> None:
    """Draw the shapes of a panel, the first at the back."""
    marks = [mark for mark in marks if type(mark) in DRAW]
    grouped = zip(groups(marks), marks, strict=True)
    parts = [(group, part) for group, mark in grouped for part in DRAW[type(mark)](mark, easel, pen)]
    for _, part in sorted(parts, key=lambda item: (item[0], item[1].age)):
        part.draw()


def _hatched(mark: Field | Regions | Contours | Bars, easel: PixelEasel, pen: VectorPen) -> list[VectorPart]:
    """Stripes, and what they mean."""
    drawn = hatching(mark, easel)
    if drawn is None:
        return []
    stroke = partial(pen.stroke, role=COLOR, width=drawn.width, share=SHARE, clip=easel.plot)
    parts = [VectorPart(partial(stroke, drawn.stripes))]
    if drawn.words:
        rect, left, baseline = drawn.words
        if pen.ground:
            parts.append(VectorPart(partial(pen.rectangle, (rect.left, rect.top, rect.right, rect.bottom), "ground")))
        parts.append(VectorPart(partial(pen.write, drawn.text, easel.sizes.ticks, COLOR, left, baseline)))
    return parts


def _image(mark: Field | Regions, easel: PixelEasel, pen: VectorPen) -> list[VectorPart]:
    """The picture of a field; on a logarithmic axis its pixels are those of the page."""
    if "log" in (easel.x.scale, easel.y.scale):
        tiles = still.field(mark, easel) if isinstance(mark, Field) else still.regions(mark, easel)
        return [
            VectorPart(
                partial(pen.image, tile.pixels, (tile.rect.left, tile.rect.top, tile.rect.right, tile.rect.bottom))
            )
            for tile in tiles
            if isinstance(tile, Tile)
        ] + _hatched(mark, easel, pen)
    pixels = still.field_pixels(mark, pen.theme) if isinstance(mark, Field) else still.region_pixels(mark, pen.theme)
    (left, right), (bottom, top) = easel.columns(mark.extent[:2]).tolist(), easel.rows(mark.extent[2:]).tolist()
    size = min(right - left, easel.plot.width), min(bottom - top, easel.plot.height)
    picture = partial(pen.image, _enlarged(pixels[::-1], size), (left, top, right, bottom), easel.clip)
    return [VectorPart(picture), *_hatched(mark, easel, pen)]


def _enlarged(pixels: Image, size: tuple[float, float]) -> Image:
    """Each pixel repeated until all are about as small as those of a page of this width and height.

    Many viewers blur what they enlarge, whatever they are told. A repeated pixel takes hardly any room in a file.
    """
    height, width = pixels.shape[:2]
    return pixels.repeat(max(1, round(size[1] / height)), axis=0).repeat(max(1, round(size[0] / width)), axis=1)


def _contours(mark: Contours, easel: PixelEasel, pen: VectorPen) -> list[VectorPart]:
    width = still.hairline(mark, easel)
    stroke = partial(pen.stroke, role=mark.color, width=width, share=still.CONTOUR, clip=easel.clip)
    plot = easel.plot
    rect = (plot.left, plot.top, plot.right, plot.bottom)
    bands = [VectorPart(partial(pen.image, still.band_pixels(mark, easel), rect))] if mark.ramp else []
    lines = [VectorPart(partial(stroke, easel.points(*line.T))) for line in traced(mark, mark.levels)]
    return [*bands, *_hatched(mark, easel, pen), *lines]


def _terrain(mark: Terrain, easel: PixelEasel, pen: VectorPen) -> list[VectorPart]:
    rect, pixels = still.terrain_pixels(mark, easel)
    edges = (rect.left, rect.top, rect.right, rect.bottom)
    return [VectorPart(partial(pen.image, pixels, edges))] if pixels.size else []


def _points(mark: Points, easel: PixelEasel, pen: VectorPen) -> list[VectorPart]:
    places = easel.points(mark.x, mark.y)
    places = places[easel.inside(places)]
    radius = mark.size * still.SIZES[mark.marker] * easel.sizes.em / 20
    draw = partial(pen.markers, mark.marker, places, radius)
    parts = [VectorPart(partial(draw, mark.color, share=mark.alpha))] if len(places) else []
    if pen.ground and still.has_rim(mark, len(places), radius):
        parts.insert(0, VectorPart(partial(draw, "ground", rim=0.5 * easel.sizes.line)))
    return parts


def _line(mark: Line, easel: PixelEasel, pen: VectorPen) -> list[VectorPart]:
    points = easel.points(known(mark.x), known(mark.y))
    along = np.asarray(mark.x if mark.along is None else mark.along, np.float64)
    width = mark.width * easel.sizes.line
    stroke = partial(pen.stroke, role=mark.color, width=width, dash=DASHES[mark.dash], clip=easel.clip)
    if mark.now is None:
        return [VectorPart(partial(stroke, _thinned(points), share=mark.alpha))]
    end = present(points, along, mark.now, easel.columns if mark.along is None else None)
    parts = (
        [VectorPart(partial(stroke, _thinned(points), share=pen.theme.future(mark.color)), FUTURE)]
        if mark.ghost
        else []
    )
    parts.append(VectorPart(partial(stroke, _thinned(_past(points, along, mark.now, end)), share=mark.alpha)))
    if mark.dot and end is not None and easel.inside(end[None])[0]:
        dot = partial(pen.markers, "dot", end[None], easel.sizes.dot)
        if pen.ground:
            parts.append(VectorPart(partial(dot, "ground", rim=0.6 * easel.sizes.line), DOT))
        parts.append(VectorPart(partial(dot, mark.color), DOT))
    return parts


def _thinned(points: Floats) -> Floats:
    """The points of a line that can be told apart on the page."""
    return points[decimate(*points.T)] if len(points) else points


def _past(points: Floats, along: Floats, now: float, end: Floats | None) -> Floats:
    """The points until now, and where it ends between two of them."""
    past = points[: int(np.searchsorted(along, now, side="right"))]
    return np.concatenate([past, np.full((1, 2), np.nan) if end is None else end[None]])


def _band(mark: Band, easel: PixelEasel, pen: VectorPen) -> list[VectorPart]:
    low, high = easel.points(mark.x, mark.low), easel.points(mark.x, mark.high)
    shade, ghost = pen.theme.shade, pen.theme.shade_ghost
    fill = partial(pen.fill, role=mark.color, clip=easel.clip)
    parts = [VectorPart(partial(fill, _between(low, high), share=ghost), FUTURE)]
    if mark.now is not None:
        x = np.asarray(mark.x, np.float64)
        low, high = (_past(points, x, mark.now, present(points, x, mark.now, easel.columns)) for points in (low, high))
    return [*parts, VectorPart(partial(fill, _between(low, high), share=(shade - ghost) / (1 - ghost)))]


def _between(low: Floats, high: Floats) -> Path:
    """The area between two curves [points, 2], where both are finite."""
    good = np.isfinite(np.concatenate([low, high], axis=1)).all(axis=1)
    areas = []
    for run in np.split(np.arange(len(good)), np.flatnonzero(~good)):
        there = run[good[run]]
        if len(there) > 1:
            corners = np.concatenate([high[there], low[there][::-1], high[there[:1]]])
            areas.append(Path(corners, closed=True))
    return Path.make_compound_path(*areas)


def _bars(mark: Bars, easel: PixelEasel, pen: VectorPen) -> list[VectorPart]:
    bars = [
        VectorPart(partial(pen.rectangle, (left, head, right, foot), mark.color, easel.clip))
        for left, right, foot, head in still.bar_edges(mark, easel).T.tolist()
    ]
    return [*bars, *_hatched(mark, easel, pen)]


def _arrows(mark: Arrows, easel: PixelEasel, pen: VectorPen) -> list[VectorPart]:
    return [VectorPart(partial(pen.arrows, arrows(mark, easel), mark.color, easel.clip))]


def _reference_line(mark: ReferenceLine, easel: PixelEasel, pen: VectorPen) -> list[VectorPart]:
    line = still.reference_rect(mark, easel)
    if line is None:
        return []
    x, y = (line.left + line.right) / 2, (line.top + line.bottom) / 2
    ends = [[x, line.top], [x, line.bottom]] if mark.vertical else [[line.left, y], [line.right, y]]
    dashes, thick = still.reference_dashes(mark, easel), easel.sizes.thin
    pattern = (dashes[0] / thick, dashes[1] / thick) if dashes else None
    return [VectorPart(partial(pen.stroke, np.array(ends), mark.color, thick, dash=pattern, clip=easel.clip))]


DRAW: dict[type, Callable[[Any, PixelEasel, VectorPen], list[VectorPart]]] = {
    Field: _image,
    Regions: _image,
    Contours: _contours,
    Terrain: _terrain,
    Points: _points,
    Line: _line,
    Band: _band,
    Bars: _bars,
    Arrows: _arrows,
    ReferenceLine: _reference_line,
}
