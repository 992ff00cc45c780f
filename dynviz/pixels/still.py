"""Marks without a `now`, as layers."""

import contourpy
import numpy as np
from matplotlib.path import Path
from numpy.typing import NDArray

from dynviz.pixels.coverage import Coverage
from dynviz.pixels.easel import Easel
from dynviz.pixels.layers import Layer, Tile
from dynviz.pixels.markers import markers
from dynviz.pixels.pen import DASHES
from dynviz.scene.arrange import Rect
from dynviz.scene.marks import Bars, Contours, Extent, Field, Marker, Points, Regions, Rule, Text, pixel_centers
from dynviz.scene.scales import fractions, nearest_pixels

HALO = 600
"""Of more points than these, none gets a rim of ground colour."""

CONTOUR = 0.45
"""How much of their colour contours have: they are the ground that paths are seen on."""
SIZES: dict[Marker, float] = {"dot": 1.0, "ring": 1.2, "cross": 1.35, "star": 1.6}
"""Diameters that look as large as a dot's."""


def field(mark: Field, easel: Easel) -> list[Layer]:
    """The heat map, without smoothing: a picture's pixel shows the value that lies there."""
    return _image(easel.theme.ramp(mark.ramp)[mark.norm.levels(mark.values)], mark.extent, easel)


def regions(mark: Regions, easel: Easel) -> list[Layer]:
    """Classes in their colours."""
    colors = np.array([easel.theme.color(role) for role in mark.colors], dtype=np.uint8)
    return _image(colors[mark.classes], mark.extent, easel)


def _image(pixels: NDArray[np.uint8], extent: Extent, easel: Easel) -> list[Layer]:
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


def contours(mark: Contours, easel: Easel) -> list[Layer]:
    """Lines of equal value."""
    rows, columns = mark.values.shape
    if min(rows, columns) < 2:
        return []
    x, y = pixel_centers(mark.extent, rows, columns)
    generator = contourpy.contour_generator(x, y, np.ma.masked_invalid(mark.values))
    gap = np.full((1, 2), np.nan)
    pieces = [
        piece
        for level in mark.levels
        for line in generator.lines(level)
        for piece in (easel.points(*np.asarray(line).T), gap)
    ]
    if not pieces:
        return []
    shape = easel.pen.stroke(np.concatenate(pieces), max(1.0, 0.5 * easel.sizes.line), easel.plot)
    return [easel.stain(shape, mark.color, CONTOUR)]


def points(mark: Points, easel: Easel) -> list[Layer]:
    """Markers, with a thin rim of ground colour where they are few, so that they stand out from any field."""
    places = easel.points(mark.x, mark.y)
    places = places[easel.inside(places)]
    radius = mark.size * SIZES[mark.marker] * easel.sizes.em / 20
    shape = markers(places, mark.marker, radius, easel.canvas, alpha=mark.alpha)
    layers: list[Layer] = [easel.stain(shape, mark.color)]
    if mark.alpha == 1 and len(places) <= HALO and radius >= 1.2:
        rim = markers(places, mark.marker, radius, easel.canvas, rim=0.5 * easel.sizes.line)
        layers.insert(0, easel.stain(rim, "ground"))
    return layers


def bars(mark: Bars, easel: Easel) -> list[Layer]:
    """Bars; those at least three pixels wide begin and end at whole pixels."""
    left, right = easel.columns(mark.x - mark.width / 2), easel.columns(mark.x + mark.width / 2)
    base = mark.base if easel.y.scale == "linear" else max(mark.base, easel.y.limits[0])
    foot = np.broadcast_to(easel.rows(base), left.shape)
    head = easel.rows(mark.heights)
    good = np.isfinite(left) & np.isfinite(right) & np.isfinite(head) & np.isfinite(foot)
    if not good.any():
        return []
    if np.min(np.abs(right - left)[good]) >= 3:
        left, right = np.round(left), np.round(right)
    corners = np.stack([left, foot, left, head, right, head, right, foot, left, foot], axis=-1)[good]
    codes = np.tile([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], len(corners))
    path = Path(corners.reshape(-1, 2), codes)
    return [easel.stain(easel.pen.fill(path, easel.plot), mark.color)]


def text(mark: Text, easel: Easel) -> list[Layer]:
    """Words whose middle height is at their place."""
    place = easel.points([mark.x], [mark.y])
    if not mark.text or not easel.inside(place)[0]:
        return []
    font = easel.sizes.words
    wide = easel.pen.measure(mark.text, font)
    left = place[0, 0] - wide * {"left": 0.0, "center": 0.5, "right": 1.0}[mark.anchor]
    # At the edge of a plot, words stay inside it.
    left = max(min(left, easel.plot.right - wide), easel.plot.left)
    shape = easel.pen.write(mark.text, font, left, round(place[0, 1] + 0.36 * font.size))
    return [easel.words(shape, mark.color)]


def rule(mark: Rule, easel: Easel) -> list[Layer]:
    """A line of whole pixels across the plot, and its words beside its end."""
    plot = easel.plot
    at = float(fractions(easel.x if mark.vertical else easel.y, mark.at))
    if not 0 <= at <= 1:
        return []
    thick = easel.sizes.thin
    along = np.arange(plot.height if mark.vertical else plot.width)
    pattern = DASHES[mark.dash]
    if pattern is not None:
        along = along[along % round(sum(pattern) * thick) < round(pattern[0] * thick)]
    across = np.arange(thick)
    length = (plot.width if mark.vertical else plot.height) - thick
    if mark.vertical:
        columns, rows = np.meshgrid(plot.left + min(int(at * plot.width), length) + across, plot.top + along)
    else:
        bottom = plot.bottom - thick - min(int(at * plot.height), length)
        columns, rows = np.meshgrid(plot.left + along, bottom + across)
    places = (rows * easel.pen.width + columns).ravel()
    line = Coverage(places.astype(np.int32), np.full(len(places), 255, np.uint16))
    layers: list[Layer] = [easel.stain(line, mark.color)]
    if mark.label:
        layers.append(easel.words(_beside(mark, easel, int(columns[0, 0]), int(rows[0, 0])), mark.color))
    return layers


def _beside(mark: Rule, easel: Easel, column: int, row: int) -> Coverage:
    """The words of a rule: right of its top, or above its right end; on the other side where that leaves the plot."""
    plot, font = easel.plot, easel.sizes.ticks
    wide, gap = easel.pen.measure(mark.label, font), 0.4 * font.size
    if mark.vertical:
        left = column + gap + 1
        if left + wide > plot.right:
            left = column - gap - wide
        return easel.pen.write(mark.label, font, left, plot.top + font.size)
    baseline = row - round(gap)
    if baseline - font.size < plot.top:
        baseline = row + round(1.2 * font.size)
    return easel.pen.write(mark.label, font, plot.right - wide - gap, baseline)
