"""Marks without a `now`, as layers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.path import Path
from numpy.typing import NDArray

from dynviz.layout.arrange import Rect
from dynviz.pixels import arrows as geometry
from dynviz.pixels.coverage import Coverage, Image, union
from dynviz.pixels.easel import PixelEasel
from dynviz.pixels.hatched import hatched
from dynviz.pixels.layers import Layer, Tile
from dynviz.pixels.markers import TURNS, markers
from dynviz.pixels.pen import DASHES
from dynviz.scene.contouring import banded, traced
from dynviz.scene.hatching import known
from dynviz.scene.marks import Arrows, Bars, Contours, Extent, Field, Marker, Points, Ramp, ReferenceLine, Regions
from dynviz.scene.scales import fractions, nearest_pixels
from dynviz.scene.terrain import Terrain
from dynviz.scene.theme import Theme

HALO = 600
"""Of more points than these, none gets a rim of ground colour."""

CONTOUR = 0.45
"""How much of their colour contours have: they are the ground that paths are seen on."""
LINES = 0.28
"""How white lines of equal height on a terrain are."""
SIZES: dict[Marker, float] = {"dot": 1.0, "ring": 1.2, "cross": 1.35, "star": 1.6, **dict.fromkeys(TURNS, 1.2)}
"""Diameters that look as large as a dot's."""


def field(mark: Field, easel: PixelEasel) -> list[Layer]:
    """The heat map, without smoothing: a picture's pixel shows the value that lies there."""
    return [*_image(field_pixels(mark, easel.theme), mark.extent, easel), *hatched(mark, easel)]


def field_pixels(mark: Field, theme: Theme) -> Image:
    """A pixel [rows, columns, 3] for each value: its colour, or the ground's where it is not finite."""
    pixels = theme.ramp(mark.ramp)[mark.norm.levels(mark.values)]
    pixels[~np.isfinite(mark.values)] = theme.color("ground")
    return pixels


def ramp_pixels(ramp: Ramp, size: tuple[int, int], theme: Theme) -> Image:
    """All colours of a ramp [height, width, 3] from left to right."""
    colors = theme.ramp(ramp)
    row = colors[np.arange(size[0]) * len(colors) // size[0]]
    return np.ascontiguousarray(np.broadcast_to(row, (size[1], *row.shape)))


def regions(mark: Regions, easel: PixelEasel) -> list[Layer]:
    """Classes in their colours."""
    return [*_image(region_pixels(mark, easel.theme), mark.extent, easel), *hatched(mark, easel)]


def region_pixels(mark: Regions, theme: Theme) -> Image:
    """A pixel [rows, columns, 3] for each place: the colour of its class, or the ground's where there is none."""
    colors = np.array([theme.color(role) for role in (*mark.colors, "ground")], dtype=np.uint8)
    return colors[np.where(np.isfinite(mark.classes), mark.classes, -1).astype(np.intp)]


def _image(pixels: NDArray[np.uint8], extent: Extent, easel: PixelEasel) -> list[Layer]:
    left, right, bottom, top = extent
    rows, columns = pixels.shape[:2]
    across = nearest_pixels(easel.x, left, right, columns, easel.plot.width)
    upward = nearest_pixels(easel.y, bottom, top, rows, easel.plot.height)[::-1]
    seen_x, seen_y = np.flatnonzero(across >= 0), np.flatnonzero(upward >= 0)
    if not len(seen_x) or not len(seen_y):
        return []
    rect = Rect(
        easel.plot.left + int(seen_x[0]),
        easel.plot.top + int(seen_y[0]),
        int(seen_x[-1] - seen_x[0]) + 1,
        int(seen_y[-1] - seen_y[0]) + 1,
    )
    across, upward = across[seen_x[0] : seen_x[-1] + 1], upward[seen_y[0] : seen_y[-1] + 1]
    return [Tile(rect, np.take(np.take(pixels, across, axis=1), upward, axis=0))]


def contours(mark: Contours, easel: PixelEasel) -> list[Layer]:
    """Lines of equal value."""
    gap = np.full((1, 2), np.nan)
    pieces = [piece for line in traced(mark, mark.levels) for piece in (easel.points(*line.T), gap)]
    layers: list[Layer] = [Tile(easel.plot, band_pixels(mark, easel))] if mark.ramp else []
    layers += hatched(mark, easel)
    if pieces:
        shape = easel.pen.stroke(np.concatenate(pieces), hairline(mark, easel), easel.plot)
        layers.append(easel.stain(shape, mark.color, CONTOUR))
    return layers


def terrain(mark: Terrain, easel: PixelEasel) -> list[Layer]:
    """A landscape in perspective; a pixel of the plot is the mean of those that it covers."""
    rect, pixels = terrain_pixels(mark, easel)
    return [Tile(rect, pixels)] if pixels.size else []


def terrain_pixels(mark: Terrain, easel: PixelEasel) -> tuple[Rect, Image]:
    """Where a terrain is on the page, and its pixels [height, width, 3]."""
    theme, plot = easel.theme, easel.plot
    colors = theme.ramp("terrain").astype(np.float32)
    heights = np.nan_to_num(mark.heights) * (len(colors) - 1)
    image = colors[heights.round().astype(np.intp).clip(0, len(colors) - 1)] * mark.light[..., None]
    image = np.where(mark.lines[..., None], image + LINES * (255 - image), image)
    image = np.where(mark.walls[..., None], np.array(theme.color("grid"), np.float32), image)
    image[~np.isfinite(mark.heights)] = theme.color("ground")
    left, right = (round(float(at)) for at in easel.columns(mark.extent[:2]))
    bottom, top = (round(float(at)) for at in easel.rows(mark.extent[2:]))
    left, right, top, bottom = (
        max(left, plot.left),
        min(right, plot.right),
        max(top, plot.top),
        min(bottom, plot.bottom),
    )
    if left >= right or top >= bottom:
        return plot, np.empty((0, 0, 3), np.uint8)
    small = _averaged(_averaged(image, bottom - top, 0), right - left, 1)
    return Rect(left, top, right - left, bottom - top), small[::-1].clip(0, 255).round().astype(np.uint8)


def _averaged(image: NDArray[np.float32], count: int, axis: int) -> NDArray[np.float32]:
    """So many means of neighbours along an axis, or repeated pixels where there are fewer."""
    size = image.shape[axis]
    if size < count:
        repeated: NDArray[np.float32] = np.take(image, np.arange(count) * size // count, axis=axis)
        return repeated
    firsts = np.arange(count) * size // count
    sums = np.add.reduceat(image, firsts, axis=axis)
    many = np.diff(np.append(firsts, size)).astype(np.float32)
    shape = [-1 if place == axis else 1 for place in range(image.ndim)]
    means: NDArray[np.float32] = (sums / many.reshape(shape)).astype(np.float32)
    return means


def hairline(mark: Contours, easel: PixelEasel) -> float:
    """The width of contours: between filled bands they are as thin as can be."""
    return max(0.7 if mark.ramp else 1.0, (0.35 if mark.ramp else 0.5) * easel.sizes.line)


def band_pixels(mark: Contours, easel: PixelEasel) -> Image:
    """The plot [height, width, 3] with the bands between contours filled."""
    bands = banded(mark, (easel.x, easel.y), (easel.plot.width, easel.plot.height))
    colors = easel.theme.ramp(mark.ramp)
    steps = np.linspace(0, len(colors) - 1, len(mark.levels) + 1).round().astype(np.intp)
    pixels = colors[steps][bands]
    pixels[bands < 0] = easel.theme.color("ground")
    return pixels


def points(mark: Points, easel: PixelEasel) -> list[Layer]:
    """Markers, with a thin rim of ground colour where they are few, so that they stand out from any field."""
    places = easel.points(mark.x, mark.y)
    places = places[easel.inside(places)]
    radius = mark.size * SIZES[mark.marker] * easel.sizes.em / 20
    shape = markers(places, mark.marker, radius, easel.canvas, alpha=mark.alpha)
    layers: list[Layer] = [easel.stain(shape, mark.color)]
    if has_rim(mark, len(places), radius):
        rim = markers(places, mark.marker, radius, easel.canvas, rim=0.5 * easel.sizes.line)
        layers.insert(0, easel.stain(rim, "ground"))
    return layers


def has_rim(mark: Points, count: int, radius: float) -> bool:
    """Whether so many markers of this radius get a rim."""
    return mark.alpha == 1 and count <= HALO and radius >= 1.2


def bars(mark: Bars, easel: PixelEasel) -> list[Layer]:
    """Bars from their base."""
    left, right, foot, head = bar_edges(mark, easel)
    if not len(left):
        return hatched(mark, easel)
    corners = np.stack([left, foot, left, head, right, head, right, foot, left, foot], axis=-1)
    codes = np.tile([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], len(corners))
    path = Path(corners.reshape(-1, 2), codes)
    return [easel.stain(easel.pen.fill(path, easel.plot), mark.color), *hatched(mark, easel)]


def bar_edges(mark: Bars, easel: PixelEasel) -> NDArray[np.float64]:
    """Left, right, foot and head [4, bars] of those that can be drawn.

    Those at least three pixels wide begin and end at whole pixels.
    """
    left, right = easel.columns(mark.x - mark.width / 2), easel.columns(mark.x + mark.width / 2)
    base = mark.base if easel.y.scale == "linear" else max(mark.base, easel.y.limits[0])
    edges = np.stack([left, right, np.broadcast_to(easel.rows(base), left.shape), easel.rows(known(mark.heights))])
    edges = edges[:, np.isfinite(edges).all(axis=0)]
    if edges.shape[1] and np.min(np.abs(edges[1] - edges[0])) >= 3:
        edges[:2] = np.round(edges[:2])
    return edges


def arrows(mark: Arrows, easel: PixelEasel) -> list[Layer]:
    """Arrows of one colour; where they cross, none shows through another."""
    shape = sketch(geometry.arrows(mark, easel), easel, easel.clip)
    return [easel.stain(shape, mark.color)] if len(shape.places) else []


def sketch(shapes: geometry.Shapes, easel: PixelEasel, clip: Rect) -> Coverage:
    """Shafts, heads and dots as one shape."""
    pieces = []
    if len(shapes.shafts):
        pieces.append(easel.pen.stroke(geometry.shafts_line(shapes), shapes.width, clip))
    if len(shapes.heads):
        pieces.append(easel.pen.fill(geometry.heads_path(shapes), clip))
    dots = shapes.dots[easel.inside(shapes.dots)]
    return union([*pieces, markers(dots, "dot", shapes.radius, easel.canvas)])


def reference_line(mark: ReferenceLine, easel: PixelEasel) -> list[Layer]:
    """A line of whole pixels across the plot."""
    line = reference_rect(mark, easel)
    if line is None:
        return []
    across, down = np.arange(line.width), np.arange(line.height)
    pattern = reference_dashes(mark, easel)
    if pattern and mark.vertical:
        down = down[down % sum(pattern) < pattern[0]]
    elif pattern:
        across = across[across % sum(pattern) < pattern[0]]
    places = ((line.top + down)[:, None] * easel.pen.width + line.left + across).ravel()
    whole = Coverage(places.astype(np.int32), np.full(len(places), 255, np.uint16))
    return [easel.stain(whole, mark.color)]


def reference_rect(mark: ReferenceLine, easel: PixelEasel) -> Rect | None:
    """The pixels of a reference line, its gaps too; None where it is not in the plot."""
    plot, thick = easel.plot, easel.sizes.thin
    at = float(fractions(easel.x if mark.vertical else easel.y, mark.at))
    if not 0 <= at <= 1:
        return None
    if mark.vertical:
        return Rect(plot.left + min(int(at * plot.width), plot.width - thick), plot.top, thick, plot.height)
    return Rect(plot.left, plot.bottom - thick - min(int(at * plot.height), plot.height - thick), plot.width, thick)


def reference_dashes(mark: ReferenceLine, easel: PixelEasel) -> tuple[int, int] | None:
    """Whole pixels on and off; None for a solid line."""
    pattern, thick = DASHES[mark.dash], easel.sizes.thin
    if pattern is None:
        return None
    on = round(pattern[0] * thick)
    return on, round(sum(pattern) * thick) - on


MARKS: dict[type, Callable[[Any, PixelEasel], list[Layer]]] = {
    Field: field,
    Regions: regions,
    Contours: contours,
    Terrain: terrain,
    Points: points,
    Bars: bars,
    Arrows: arrows,
    ReferenceLine: reference_line,
}
