"""Marks without a `now`, in cells."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.cells.characters import MARKERS, columns
from dynviz.cells.easel import ACROSS, DOWN, CellEasel, Floats
from dynviz.cells.inks import Indices
from dynviz.cells.paper import Ink, Paper
from dynviz.cells.strokes import bits, stroke
from dynviz.scene.contouring import banded, traced
from dynviz.scene.hatching import COLOR, SHARE, gaps, known, meaning, room, stripes
from dynviz.scene.marks import Arrows, Bars, Contours, Extent, Field, Points, ReferenceLine, Regions
from dynviz.scene.scales import first_pixels, fractions, nearest_pixels

Draw = Callable[[Paper, int], None]
"""Puts a layer on paper, at a level."""

CONTOUR = 0.4
"""How much of their colour contours have: they are the ground that paths are seen on."""
TINY, LARGE = 1.5, 5.0
"""Dots smaller than this are one dot of braille, larger ones a character, those between four dots of a cell."""
ROWS = 3
"""So many rows of cells, at least, for each contour."""
MANY = 600
"""Of more points than these, each is one dot of braille."""
APART = 6
"""Dots between two stripes along a row."""
GROUND = 0
"""The index of the theme's ground."""
HEAD, BARB = 3.0, np.radians(150)
"""Length of an arrow's head in dots, and where its sides point."""


def field(mark: Field, easel: CellEasel) -> list[Draw]:
    """The heat map: a pixel shows the value that lies there, or the mean of those that do."""
    ramp, seen = easel.inks.ramp(mark.ramp), _fitting(mark, easel)

    def colors(values: NDArray[np.generic]) -> Indices:
        inks, finite = ramp[mark.norm.levels(values)], np.isfinite(values)
        return inks if finite.all() else np.where(finite, inks, GROUND)

    return [*_image(seen, colors, mark.extent, easel), *_hatched(replace(mark, values=seen), easel)]


def _fitting(mark: Field, easel: CellEasel) -> NDArray[np.generic]:
    """The values, or where the picture is coarser than they are, their means over its pixels.

    Every second value of a fine pattern would be noise. Only a picture of the whole field, on linear axes, is averaged.
    """
    left, right, bottom, top = mark.extent
    rows, columns = mark.values.shape
    across = first_pixels(easel.x, left, right, columns, easel.width)
    upward = first_pixels(easel.y, bottom, top, rows, 2 * easel.height)
    coarse = all((np.diff(firsts) > 0).all() for firsts in (across, upward)) and (easel.width, 2 * easel.height) < (
        columns,
        rows,
    )
    whole = (across[0], across[-1], upward[0], upward[-1]) == (0, columns, 0, rows)
    if not coarse or not whole or mark.norm.scale != "linear" or "log" in (easel.x.scale, easel.y.scale):
        return mark.values
    sums = np.add.reduceat(mark.values, across[:-1], axis=1, dtype=np.float64)
    sums = np.add.reduceat(sums, upward[:-1], axis=0)
    return np.asarray(sums / np.outer(np.diff(upward), np.diff(across)))


def regions(mark: Regions, easel: CellEasel) -> list[Draw]:
    """Classes in their colours."""
    colors = np.array([easel.inks.color(role) for role in mark.colors], dtype=np.uint8)
    if not len(colors):
        return []
    last = len(colors) - 1

    def inks(classes: NDArray[np.generic]) -> Indices:
        return np.where(np.isfinite(classes), colors[np.nan_to_num(classes).clip(0, last).astype(np.intp)], GROUND)

    return [*_image(mark.classes, inks, mark.extent, easel), *_hatched(mark, easel)]


def _image(
    values: NDArray[np.generic], color: Callable[[NDArray[np.generic]], Indices], extent: Extent, easel: CellEasel
) -> list[Draw]:
    left, right, bottom, top = extent
    rows, columns = values.shape
    across = nearest_pixels(easel.x, left, right, columns, easel.width)
    upward = nearest_pixels(easel.y, bottom, top, rows, 2 * easel.height)[::-1]
    seen_x, seen_y = np.flatnonzero(across >= 0), np.flatnonzero(upward >= 0)
    if not len(seen_x) or not len(seen_y):
        return []
    x, y = slice(int(seen_x[0]), int(seen_x[-1]) + 1), slice(int(seen_y[0]), int(seen_y[-1]) + 1)
    tile = color(values[upward[y, None], across[x]])
    return [lambda paper, _: paper.tile(y, x, tile)]


def contours(mark: Contours, easel: CellEasel) -> list[Draw]:
    """Lines of equal value, in a small plot every second or third of them: dots that touch show no lines."""
    stride = max(1, -(-len(mark.levels) * ROWS // max(easel.height, 1)))
    gap = np.full((1, 2), np.nan)
    pieces = [piece for line in traced(mark, mark.levels[::stride]) for piece in (easel.points(*line.T), gap)]
    lines = _lines(pieces, easel.inks.over(mark.color, CONTOUR), easel)
    return [*(_bands(mark, easel) if mark.ramp else ()), *_hatched(mark, easel), *lines]


def _bands(mark: Contours, easel: CellEasel) -> list[Draw]:
    """The bands between contours, by whole cells: halves of them would look like characters without colours."""
    bands = banded(mark, (easel.x, easel.y), (easel.width, easel.height)).repeat(2, axis=0)
    ramp = easel.inks.ramp(mark.ramp)
    steps = np.linspace(0, len(ramp) - 1, len(mark.levels) + 1).round().astype(np.intp)
    tile = np.where(bands < 0, GROUND, ramp[steps][bands]).astype(np.uint8)
    return [lambda paper, _: paper.tile(np.s_[0 : 2 * easel.height], np.s_[0 : easel.width], tile)]


def _hatched(mark: Field | Regions | Contours | Bars, easel: CellEasel) -> list[Draw]:
    """Stripes where values are not finite, and what they mean where there is room."""
    mask = gaps(mark, (easel.x, easel.y), easel.dots)
    if not mask.size:
        return []
    draws = _lines([stripes(mask, APART)], easel.inks.over(COLOR, SHARE), easel)
    whole = np.asarray(mask.reshape(easel.height, DOWN, easel.width, ACROSS).all(axis=(1, 3)))
    words = f" {meaning(mark)} "
    corner = room(whole, columns(words), 1)
    if corner:
        ink = easel.inks.words(COLOR)
        draws.append(lambda paper, _: paper.write(words, corner[1], corner[0], ink))
    return draws


def arrows(mark: Arrows, easel: CellEasel) -> list[Draw]:
    """Shafts, and heads of two short lines; those too short to point anywhere are dots."""
    x, y, dx, dy = (np.asarray(values, dtype=np.float64) for values in (mark.x, mark.y, mark.dx, mark.dy))
    good = np.isfinite(x) & np.isfinite(y) & np.isfinite(dx) & np.isfinite(dy)
    tails, tips = easel.points(x[good], y[good]), easel.points((x + dx)[good], (y + dy)[good])
    way = tips - tails
    length = np.hypot(*way.T)
    turn = np.arctan2(way[:, 1], way[:, 0])
    # A dot of braille is as wide as it is high.
    reach = np.where(length < 2, 0, np.minimum(HEAD, 0.5 * length))[:, None]
    sides = [tips + reach * np.stack([np.cos(turn + side), np.sin(turn + side)], axis=1) for side in (BARB, -BARB)]
    gap = np.full_like(tips, np.nan)
    heads = np.stack([tails, tips, gap, sides[0], tips, sides[1], gap], axis=1)
    return _lines([heads.reshape(-1, 2)], easel.inks.color(mark.color), easel)


def _lines(pieces: Sequence[Floats], ink: Ink, easel: CellEasel) -> list[Draw]:
    """A layer of lines, or none."""
    if not pieces:
        return []
    drawn = bits(stroke(np.concatenate(pieces), easel.dots))
    return [lambda paper, level: paper.stroke(drawn, ink, level)]


def points(mark: Points, easel: CellEasel) -> list[Draw]:
    """Dots of braille, or characters where they are large or no dots."""
    places = easel.points(mark.x, mark.y)
    places = places[easel.inside(places)]
    if not len(places):
        return []
    ink: Ink = easel.inks.over(mark.color, mark.alpha) if mark.alpha < 1 else easel.inks.color(mark.color)
    if mark.marker != "dot" or (mark.size >= LARGE and len(places) <= MANY):
        rows, columns = easel.pixels(places)
        character = MARKERS[mark.marker]
        return [lambda paper, _: paper.put(character, rows, columns, ink)]
    columns, rows = (np.minimum(places, np.array(easel.dots) - 1).clip(0).astype(np.intp)).T
    if mark.size >= TINY and easel.crowd <= MANY:
        # Both dots across, and the nearest two of the cell's four down: a point has a cell of its own.
        upper = np.clip(np.round(places[:, 1] % DOWN - 1), 0, DOWN - 2).astype(np.intp)
        top, left = rows // DOWN * DOWN + upper, columns // ACROSS * ACROSS
        rows = np.concatenate([top, top, top + 1, top + 1])
        columns = np.concatenate([left, left + 1, left, left + 1])
    return [lambda paper, _: paper.speckle(columns, rows, ink)]


def bars(mark: Bars, easel: CellEasel) -> list[Draw]:
    """Bars of whole columns, their ends at eighths of a row; they begin at the edge of a row."""
    left, right = (easel.columns(np.asarray(mark.x) + side * mark.width / 2) / ACROSS for side in (-1, 1))
    base = mark.base if easel.y.scale == "linear" else max(mark.base, easel.y.limits[0])
    head = easel.dots[1] - easel.rows(known(mark.heights))
    foot = float(easel.dots[1] - easel.rows(base))
    left, right = np.minimum(left, right), np.maximum(left, right)
    good = np.isfinite(left) & np.isfinite(right) & np.isfinite(head) & (right > 0) & (left < easel.width)
    if not good.any() or not np.isfinite(foot):
        return _hatched(mark, easel)
    top = 8 * easel.height
    first = np.floor(left[good] + 0.5).clip(0, easel.width - 1).astype(np.intp)
    last = np.maximum(np.floor(right[good] + 0.5).clip(0, easel.width).astype(np.intp), first + 1)
    ends = np.round(2 * head[good]).clip(0, top)
    start = 8 * round(min(max(foot / DOWN, 0), easel.height))
    # One that is not nothing shows.
    ends = np.where((ends == start) & (head[good] != foot), start + np.where(head[good] > foot, 1, -1), ends)
    counts = last - first
    columns = np.repeat(first, counts) + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    height = np.full(easel.width, start, dtype=np.float64)
    height[columns] = np.repeat(ends, counts)
    below = 8.0 * np.arange(easel.height)[::-1, None]
    ink = easel.inks.color(mark.color)
    return [
        lambda paper, _, share=share, hanging=hanging: paper.blocks(share, ink, hanging=hanging)
        for share, hanging in (
            (np.where(below >= start, (height - below).clip(0, 8), 0).astype(np.uint8), False),
            (np.where(below < start, (below + 8 - height).clip(0, 8), 0).astype(np.uint8), True),
        )
        if share.any()
    ] + _hatched(mark, easel)


def reference_line(mark: ReferenceLine, easel: CellEasel) -> list[Draw]:
    """A line of dots across the plot."""
    at = float(fractions(easel.x if mark.vertical else easel.y, mark.at))
    if not 0 <= at <= 1:
        return []
    width, height = easel.dots
    across, down = at * width, (1 - at) * height
    ends = [(across, 0), (across, height)] if mark.vertical else [(0, down), (width, down)]
    dots = bits(stroke(np.array(ends, dtype=np.float64), easel.dots, mark.dash))
    ink = easel.inks.color(mark.color)
    return [lambda paper, level: paper.stroke(dots, ink, level)]


MARKS: dict[type, Callable[[Any, CellEasel], list[Draw]]] = {
    Field: field,
    Regions: regions,
    Contours: contours,
    Points: points,
    Bars: bars,
    Arrows: arrows,
    ReferenceLine: reference_line,
}
