"""Marks as records: what the script needs to draw one, its arrays as entries of the pool."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynviz.pixels.arrows import FAR
from dynviz.scene.contouring import banded, traced
from dynviz.scene.decimate import decimate, evenly
from dynviz.scene.hatching import meaning
from dynviz.scene.identity import alike
from dynviz.scene.marks import (
    Arrows,
    Axis,
    Band,
    Bars,
    Contours,
    Field,
    Line,
    Mark,
    Panel,
    Points,
    ReferenceLine,
    Regions,
)
from dynviz.scene.norm import LEVELS
from dynviz.scene.scales import fractions
from dynviz.scene.terrain import Terrain
from dynviz.web.pool import UNKNOWN, Index, NumberPool

Record: TypeAlias = dict[str, Any]

FEW = 2048
"""Vertices of a line that are all kept."""
BEYOND = 4.0
"""Range in axis lengths beyond which values are stored as floats, because 65 535 levels would be too coarse."""
BANDS = 480
"""Pixels of the longer side of the bands between contours."""
RELIEF = 1000
"""Rows and columns of a picture of a landscape at most."""
MARGIN = 0.05
"""How far beyond an axis places still are near it, in its lengths."""
NEAR = (-MARGIN, 1 + MARGIN)
MANY = 256
"""More points than these are a cloud."""


@dataclass
class MarkSlot:
    """A mark's place in a panel: the mark that was there last, its record, and the entries of its arrays."""

    mark: Mark | None = None
    record: Record = field(default_factory=dict)
    entries: dict[str, Index] = field(default_factory=dict)


class MarkWriter:
    """Turns the marks of one panel into records."""

    def __init__(self, pool: NumberPool, columns: int, side: int) -> None:
        """Write to a pool.

        Args:
            pool: Takes the arrays.
            columns: Of how many columns of pixels a long line keeps the extremes.
            side: Rows and columns of an image at most.
        """
        self._pool, self._columns, self._side = pool, columns, side
        self._slots: list[MarkSlot] = []

    def records(self, panel: Panel) -> list[tuple[Record, float | None]]:
        """A record for each mark of the panel that is a shape, in order, and when it is for those that have a now."""
        marks = [mark for mark in panel.marks if type(mark) in WRITE]
        self._slots += [MarkSlot() for _ in range(len(marks) - len(self._slots))]
        return [
            (self._record(slot, mark, panel), mark.now if isinstance(mark, Line | Band) else None)
            for slot, mark in zip(self._slots, marks, strict=False)
        ]

    def _record(self, slot: MarkSlot, mark: Mark, panel: Panel) -> Record:
        if slot.mark is None or not alike(slot.mark, mark):
            # Entries of a mark of another type say nothing about this one.
            slot.entries = slot.entries if type(slot.mark) is type(mark) else {}
            slot.record = {"is": type(mark).__name__.lower(), **WRITE[type(mark)](self, mark, panel, slot)}
        slot.mark = mark
        return slot.record

    def line(self, mark: Line, panel: Panel, _: MarkSlot) -> Record:
        """The vertices that a page can show."""
        x, y = np.asarray(mark.x), np.asarray(mark.y)
        kept: NDArray[np.intp] | None = None
        if len(x) > FEW and mark.along is None:
            kept = decimate(fractions(panel.x, x) * self._columns, fractions(panel.y, y))
        elif len(x) > 2 * FEW:
            kept = evenly(len(x), 2 * FEW)
        record = {
            "x": self._axis_numbers(x, panel.x, kept),
            "y": self._axis_numbers(y, panel.y, kept),
            "color": mark.color,
            "label": mark.label,
            "dash": mark.dash,
            "width": mark.width,
            "ghost": mark.ghost,
            "dot": mark.dot,
            "alpha": mark.alpha,
        }
        if mark.along is not None:
            record["along"] = self._pool.numbers(mark.along, kept=kept)
        return record

    def band(self, mark: Band, panel: Panel, _: MarkSlot) -> Record:
        """Its two edges."""
        kept = evenly(len(mark.x), FEW) if len(mark.x) > FEW else None
        edges = {name: self._axis_numbers(getattr(mark, name), panel.y, kept) for name in ("low", "high")}
        return {"x": self._axis_numbers(mark.x, panel.x, kept), **edges, "color": mark.color}

    def points(self, mark: Points, panel: Panel, slot: MarkSlot) -> Record:
        """Places; those far outside are left out."""
        across, upward = fractions(panel.x, mark.x), fractions(panel.y, mark.y)
        near = (np.abs(across - 0.5) <= 0.5 + MARGIN) & (np.abs(upward - 0.5) <= 0.5 + MARGIN)
        across, upward = across[near], upward[near]
        if len(across) > MANY:
            cloud = self._pool.cloud(np.stack([across, upward]), NEAR, slot.entries.get("cloud"))
            slot.entries["cloud"], count = cloud, len(across)
            places = {"x": self._pool.part(cloud, 0, count), "y": self._pool.part(cloud, count, 2 * count)}
        else:
            places = self._places({"x": across, "y": upward}, slot)
        look = {name: getattr(mark, name) for name in ("color", "size", "marker", "alpha", "label")}
        return {**places, **look}

    def arrows(self, mark: Arrows, panel: Panel, slot: MarkSlot) -> Record:
        """Tails and tips; those that reach very far are shortened, along their own direction."""
        x, y, dx, dy = (np.asarray(values, np.float64) for values in (mark.x, mark.y, mark.dx, mark.dy))
        good = np.isfinite(x) & np.isfinite(y) & np.isfinite(dx) & np.isfinite(dy)
        x, y, dx, dy = x[good], y[good], dx[good], dy[good]
        if "log" not in (panel.x.scale, panel.y.scale):
            with np.errstate(over="ignore"):
                reach = np.maximum(np.abs(dx) / _span(panel.x), np.abs(dy) / _span(panel.y)) / FAR
            dx, dy = dx / np.maximum(reach, 1), dy / np.maximum(reach, 1)
        with np.errstate(over="ignore"):
            tips = fractions(panel.x, x + dx), fractions(panel.y, y + dy)
        places = {"x": fractions(panel.x, x), "y": fractions(panel.y, y), "tx": tips[0], "ty": tips[1]}
        return {**self._places(places, slot), "color": mark.color, "width": mark.width, "label": mark.label}

    def bars(self, mark: Bars, panel: Panel, _: MarkSlot) -> Record:
        """Heights as numbers, for they are read."""
        base = mark.base if panel.y.scale == "linear" else max(mark.base, panel.y.limits[0])
        numbers = {"x": self._pool.numbers(np.asarray(mark.x, np.float64)), "y": self._pool.numbers(mark.heights)}
        return {**numbers, "width": mark.width, "base": base, "color": mark.color, "label": mark.label}

    def field(self, mark: Field, panel: Panel, slot: MarkSlot) -> Record:
        """Levels of its ramp."""
        values = self._thinned(np.asarray(mark.values))
        levels = np.where(np.isfinite(values), mark.norm.levels(values), UNKNOWN).astype(np.uint8)
        norm: Record = {"low": mark.norm.low, "high": mark.norm.high, "scale": mark.norm.scale, "label": mark.label}
        if not meaning(mark):
            norm["plain"] = True
        if values.shape != mark.values.shape:
            norm["thinned"] = True
        return {**self._image(levels, slot), **norm, "ramp": mark.ramp, "extent": _extent(mark.extent, panel)}

    def regions(self, mark: Regions, panel: Panel, slot: MarkSlot) -> Record:
        """Classes."""
        classes = self._thinned(np.asarray(mark.classes, np.float64))
        levels = np.where(np.isfinite(classes), classes, UNKNOWN).astype(np.uint8)
        return {**self._image(levels, slot), "colors": mark.colors, "extent": _extent(mark.extent, panel)}

    def contours(self, mark: Contours, panel: Panel, slot: MarkSlot) -> Record:
        """Lines as they are traced, and the bands between them as an image of the whole plot."""
        gap = np.full((1, 2), np.nan)
        pieces = [part for one in traced(mark, mark.levels) for part in (one, gap)]
        lines = np.concatenate(pieces) if pieces else np.empty((0, 2))
        across, upward = fractions(panel.x, lines[:, 0]), fractions(panel.y, lines[:, 1])
        record = {**self._places({"x": across, "y": upward}, slot), "color": mark.color}
        if mark.ramp:
            shape = BANDS / max(_span(panel.x), _span(panel.y)) if panel.square else 0.0
            size = (round(_span(panel.x) * shape), round(_span(panel.y) * shape)) if shape else (BANDS, BANDS)
            bands = banded(mark, (panel.x, panel.y), (max(size[0], 1), max(size[1], 1)))[::-1]
            levels = np.where(bands < 0, UNKNOWN, bands).astype(np.uint8)
            record |= {**self._image(levels, slot), "ramp": mark.ramp, "bands": len(mark.levels) + 1}
        bad = ~np.isfinite(mark.values)
        if meaning(mark) and bad.any():
            hatch = np.where(bad, UNKNOWN, 0).astype(np.uint8)
            record |= {"hatch": self._image(hatch, MarkSlot()), "extent": _extent(mark.extent, panel)}
        return record

    def reference(self, mark: ReferenceLine, panel: Panel, _: MarkSlot) -> Record:
        """Its place as a fraction of its axis; none where that has no such place."""
        at = float(fractions(panel.x if mark.vertical else panel.y, mark.at))
        place = round(at, 6) if np.isfinite(at) else None
        return {"at": place, "vertical": mark.vertical, "color": mark.color, "dash": mark.dash}

    def terrain(self, mark: Terrain, panel: Panel, slot: MarkSlot) -> Record:
        """Heights and light; a wall and the ground are levels beyond those of the ramp."""
        step = max(1, -(-max(mark.heights.shape) // RELIEF))
        heights, light, lines, walls = (
            part[::step, ::step] for part in (mark.heights, mark.light, mark.lines, mark.walls)
        )
        levels = (np.nan_to_num(heights) * (LEVELS - 1)).round().clip(0, LEVELS - 1).astype(np.uint8)
        levels = np.where(lines, levels + LEVELS, levels)
        levels = np.where(walls, 2 * LEVELS, levels)
        levels = np.where(np.isfinite(heights), levels, UNKNOWN).astype(np.uint8)
        shades = (np.nan_to_num(light) * 100).round().clip(0, 254).astype(np.uint8)
        shades[levels >= 2 * LEVELS] = 0
        image = self._image(levels, slot)
        return {**image, "light": self._pool.image(shades), "extent": _extent(mark.extent, panel)}

    def _axis_numbers(self, values: ArrayLike, axis: Axis, kept: NDArray[np.intp] | None = None) -> Index:
        array = np.asarray(values)
        finite = array[np.isfinite(array)]
        scale = axis.scale if not len(finite) or finite.min() > 0 else "linear"
        if not np.issubdtype(array.dtype, np.integer):
            reach = np.ptp(fractions(axis, finite)) if len(finite) else 0.0
            if not reach <= BEYOND:
                return self._pool.exact(array if kept is None else array[kept])
        return self._pool.numbers(array, scale=scale, kept=kept)

    def _places(self, places: dict[str, NDArray[Any]], slot: MarkSlot) -> Record:
        """Places as fractions of their axes."""
        for name, values in places.items():
            slot.entries[name] = self._pool.places(values, NEAR, slot.entries.get(name))
        return {name: slot.entries[name] for name in places}

    def _image(self, levels: NDArray[np.uint8], slot: MarkSlot) -> Record:
        slot.entries["image"] = self._pool.image(levels, slot.entries.get("image"))
        return {"image": slot.entries["image"], "rows": levels.shape[0], "columns": levels.shape[1]}

    def _thinned(self, values: NDArray[Any]) -> NDArray[Any]:
        """The values, of a fine grid evenly spaced ones."""
        middles = [_middles(size, self._side) for size in values.shape]
        return values[np.ix_(*middles)]


def _middles(size: int, most: int) -> NDArray[np.intp]:
    """The indices of the middles of at most so many equal parts."""
    count = min(size, most)
    return ((np.arange(count) + 0.5) * size / count).astype(np.intp)


def _span(axis: Axis) -> float:
    return abs(axis.limits[1] - axis.limits[0]) or 1.0


def _extent(extent: tuple[float, float, float, float], panel: Panel) -> list[float]:
    """Left, right, bottom and top as fractions of the axes."""
    ends = (*fractions(panel.x, extent[:2]).tolist(), *fractions(panel.y, extent[2:]).tolist())
    return [round(end, 6) for end in ends]


WRITE: dict[type, Callable[[MarkWriter, Any, Panel, MarkSlot], Record]] = {
    Line: MarkWriter.line,
    Band: MarkWriter.band,
    Points: MarkWriter.points,
    Arrows: MarkWriter.arrows,
    Bars: MarkWriter.bars,
    Field: MarkWriter.field,
    Regions: MarkWriter.regions,
    Contours: MarkWriter.contours,
    ReferenceLine: MarkWriter.reference,
    Terrain: MarkWriter.terrain,
}
