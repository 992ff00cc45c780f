"""Results over options that lanes differ in: a heat map of two, curves of one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, channels, limits
from dynviz.charts.lattice import Dimension, check, lattices, sources, words
from dynviz.charts.medians import COLORED, MapCells, MapValue, cells_of, table
from dynviz.charts.moving import MovingPanel, union
from dynviz.charts.numbers import DIVERGED, significant
from dynviz.charts.samples import index_at, missing, need
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Band, Field, Line, Mark, Panel, Points, Readout, ReferenceLine, Scene, Text
from dynviz.scene.naming import named
from dynviz.scene.norm import Norm

Array: TypeAlias = NDArray[Any]

STEPS = 200
"""At so many steps the picture changes."""
FINE = 160
"""Pixels across a heat map whose cells are not equally wide."""
PANELS = 12
NUMBERED = 40
"""In so many cells there is room for a number."""


def view(recordings: Sequence[Recording], *, x: str = "", y: str = "", channel: str = "loss") -> Film:
    """A cell is the median over the seeds; a curve has a band for their middle half.

    A noisy loss is shown as its trailing mean. A cross marks settings of which all seeds diverged, a ring those of
    which some did, and a star the best one: the lowest loss, or the highest accuracy. Channels that do not say which
    way is better have no star. A story of curves has their best values at the stars.

    Args:
        recordings: What is shown; of a sweep all.
        x: Option along the horizontal axis; by default the first that varies, hyperparameters first.
        y: Option along the vertical axis; by default the second that varies.
        channel: Channel to show: one with a single number per lane and step.
    """
    need("map", recordings, channel)
    for recording in recordings:
        if len(recording.metadata.channels[channel].shape) or recording.metadata.channels[channel].every == 0:
            raise missing("map", recording, "loss")
    grids = lattices(recordings, [name for name in (x, y) if name])
    check(grids, PANELS)
    steps = _steps(recordings, channel)
    measure = MapValue.of(recordings, channel)
    tables = [table(recording, measure, steps) for recording in recordings]
    all_cells = [cells_of(lattice, caption.color(place), tables, measure.better) for place, lattice in enumerate(grids)]
    medians = [one.middle[1] for one in all_cells]
    heights, shades = measure.scale(medians), measure.scale(medians, COLORED)
    colors = measure.colors(shades, medians)
    panels: list[MovingPanel] = []
    shown: list[list[MapCells]] = []
    groups = _panels(all_cells)
    for group in groups:
        heat = len(group[0].lattice.dimensions) == 2
        draw = _Heat(group[0], measure, shades, colors) if heat else _Curves(group, measure, heights)
        panels.append(_moving(draw, steps, measure.title))
        shown.append([one for one in group if one.lattice.dimensions])

    def pick(step: int, panel: int, x: float, y: float) -> tuple[str, ...]:
        return _nearest(recordings, shown[panel], index_at(steps, step), (x, y))

    title, told = caption.title(recordings), caption.what(recordings)
    known = [words for readout in told for words in readout.text.split(", ")]
    readouts = (*told, *(one for one in _readouts(recordings, all_cells) if one.text not in known))
    if any(len(one.lattice.dimensions) == 1 for one in all_cells) and any(
        len(set(one.seeds)) > 1 for one in recordings
    ):
        readouts += (Readout("band: middle half of the seeds", "muted"),)
    total = max(recording.total for recording in recordings)
    sentences = [_best(all_cells, measure, caption.words(channel, *recordings), index) for index in range(len(steps))]
    longest = max(sentences, key=len)

    def scene(step: int) -> Scene:
        best = (Readout(sentences[index_at(steps, step)], "text", widest=longest),) if longest else ()
        return Scene(title, tuple(panel.at(step) for panel in panels), step, total, (*readouts, *best))

    whole = Film(steps, scene, pick)
    if len(groups) > 1 or len(groups[0]) == 1:
        return whole
    # Several curves in one panel, whose names stand at their stars.
    lead = _moving(_Curves(groups[0], measure, heights, told=True), steps, measure.title)
    story = replace(whole, scene=lambda step: replace(scene(step), panels=(lead.at(step),)))
    return replace(whole, story=lambda: story)


def _best(cells: Sequence[MapCells], measure: MapValue, what: str, index: int) -> str:
    """The best of all cells at a sample, in a sentence; empty where nothing is finite, or neither way is better."""
    found = [(measure.best(one.middle[1, index]), one) for one in cells]
    known = [(float(one.middle[1, index, best]), best, one) for best, one in found if best >= 0]
    if not known:
        return ""
    choose, word = (max, "highest") if measure.better == "higher" else (min, "lowest")
    value, best, one = choose(known, key=lambda item: item[0])
    where = f" at {one.options(best)}" if one.lattice.dimensions else ""
    if len(cells) > 1:
        return f"{one.lattice.name} has the {word} {what}: {significant(value)}{where}."
    return f"The {word} {what} is {significant(value)}{where}."


def _readouts(recordings: Sequence[Recording], cells: Sequence[MapCells]) -> tuple[Readout, ...]:
    """The optimizers in their colours, with the values that their numbers go over, and the seeds."""
    seeds = dict.fromkeys(caption.seeds(recording) for recording in recordings)
    optimizers = [Readout(words(recordings, one.lattice), one.color) for one in cells]
    return (*optimizers, *(Readout(text, "muted") for text in seeds if len(seeds) == 1))


def _steps(recordings: Sequence[Recording], channel: str) -> NDArray[np.int64]:
    steps = union([recording.steps(channel) for recording in recordings])
    return steps[evenly(len(steps), STEPS)]


def _panels(cells: Sequence[MapCells]) -> list[list[MapCells]]:
    """Heat maps alone; curves over the same number together, and with them the optimizers in which nothing varies."""
    still = [one for one in cells if not one.lattice.dimensions]
    groups: dict[object, list[MapCells]] = {}
    for one in cells:
        if one.lattice.dimensions:
            alone = len(one.lattice.dimensions) == 2
            groups.setdefault(id(one) if alone else one.lattice.dimensions[0].name, []).append(one)
    return [group if len(group[0].lattice.dimensions) == 2 else [*group, *still] for group in groups.values()]


def _moving(draw: "_Heat | _Curves", steps: NDArray[np.int64], title: str) -> MovingPanel:
    last: list[tuple[int, tuple[tuple[Mark, ...], tuple[Readout, ...]]]] = []

    def at(step: int) -> Panel:
        index = index_at(steps, step)
        if not last or last[0][0] != index:
            last[:] = [(index, (draw.marks(index), draw.readouts(index)))]
        marks, readouts = last[0][1]
        return Panel(f"{title}{draw.suffix}", draw.x, draw.y, marks, readouts)

    return MovingPanel(steps, at)


class _Heat:
    """A heat map of one lattice of two dimensions."""

    def __init__(self, cells: MapCells, measure: MapValue, scale: Axis, colors: str) -> None:
        self._cells, self._measure, self._colors = cells, measure, colors
        across, upward = cells.lattice.dimensions
        self.x, self.y = _axis(across, across.edges), _axis(upward, upward.edges)
        self.suffix = f", {cells.lattice.name}"
        self._norm = Norm(*scale.limits, scale.scale)
        self._columns, self._rows = across.pixels(FINE), upward.pixels(FINE)
        # A mark that never occurs is not explained.
        self._loses_all = bool((cells.lost >= 1).any())
        self._loses_some = bool(((cells.lost > 0) & (cells.lost < 1)).any())
        indices = np.array(cells.indices)
        self._at = np.array(across.values)[indices[:, 0]], np.array(upward.values)[indices[:, 1]]
        options = max((cells.options(cell) for cell in range(len(indices))), key=len)
        self._widest = f"0.00e-00 at {options}"

    def marks(self, index: int) -> tuple[Mark, ...]:
        """The map, and what is marked in it."""
        across, upward = self._cells.lattice.dimensions
        values = np.full((len(upward.values), len(across.values)), np.nan)
        median, lost = self._cells.middle[1, index], self._cells.lost[index]
        for (column, row), value in zip(self._cells.indices, median, strict=True):
            values[row, column] = value
        extent = (*self.x.limits, *self.y.limits)
        best = self._measure.best(median)
        missing = DIVERGED if len(self._cells.indices) == values.size else f"{DIVERGED} or not trained"
        return (
            Field(values[np.ix_(self._rows, self._columns)], extent, self._norm, missing=missing, label=self._colors),
            *(self._points(lost >= 1, "cross", "diverged"),) * self._loses_all,
            *(self._points((lost > 0) & (lost < 1), "ring", "some diverged"),) * self._loses_some,
            self._points(np.arange(len(lost)) == best, "star", "best"),
            *(self._numbers(median) if len(median) <= NUMBERED else ()),
        )

    def _numbers(self, median: Array) -> list[Text]:
        """The value of each cell, beside the star of the best one."""
        across, upward = self._at
        places = zip(across.tolist(), upward.tolist(), median.tolist(), strict=True)
        best = self._measure.best(median)
        return [
            Text(x, y, f"   {significant(value, 2)}", "text", "left")
            if cell == best
            else Text(x, y, significant(value, 2), "text", "center")
            for cell, (x, y, value) in enumerate(places)
            if np.isfinite(value)
        ]

    def readouts(self, index: int) -> tuple[Readout, ...]:
        """The best cell in words."""
        median = self._cells.middle[1, index]
        best, text = self._measure.best(median), self._measure.words(median)
        if best < 0:
            return (Readout(text, self._cells.color, widest=self._widest),)
        return (Readout(f"{text} at {self._cells.options(best)}", self._cells.color, "best", self._widest),)

    def _points(self, chosen: NDArray[np.bool_], marker: Any, label: str) -> Points:
        return Points(self._at[0][chosen], self._at[1][chosen], "text", 6.0, marker, label)


class _Curves:
    """Curves of several lattices over one number; one without dimensions is a line across."""

    def __init__(self, group: Sequence[MapCells], measure: MapValue, scale: Axis, *, told: bool = False) -> None:
        self._group, self._measure, self._told = group, measure, told
        dimensions = [one.lattice.dimensions[0] for one in group if one.lattice.dimensions]
        axes = [_axis(dimension, _margins(dimension)) for dimension in dimensions]
        low, high = min(axis.limits[0] for axis in axes), max(axis.limits[1] for axis in axes)
        self.x = replace(axes[0], limits=(low, high), scale=max((axis.scale for axis in axes), key=len))
        if any(axis.scale == "log" for axis in axes) and low > 0:
            self.x = replace(self.x, scale="log")
        self.y, self.suffix = scale, ""
        # A mark that never occurs is not explained.
        occur = zip(*(_lost(cells.lost) for cells in group if cells.lattice.dimensions), strict=True)
        named = zip(("diverged", "some seeds diverged"), occur, strict=True)
        self._keys = [words if any(one.any() for one in ever) else "" for words, ever in named]

    def marks(self, index: int) -> tuple[Mark, ...]:
        """Bands at the back, lines, and crosses along the top where all seeds diverged."""
        bands: list[Mark] = []
        lines: list[Mark] = []
        for cells in self._group:
            low, median, high = (self._seen(part) for part in cells.middle[:, index])
            if not cells.lattice.dimensions:
                there = float(median[0]) if np.isfinite(median[0]) else self.y.limits[1]
                lines.append(ReferenceLine(there, cells.color, label=cells.lattice.name))
                continue
            values = np.array(cells.lattice.dimensions[0].values)
            places = np.array([place for (place,) in cells.indices])
            order, lost = np.argsort(places), cells.lost[index]
            x = values[places[order]]
            bands.append(Band(x, low[order], high[order], cells.color))
            lines.append(Line(x, median[order], cells.color, "" if self._told else cells.lattice.name))
            alive = median[order]
            for chosen, marker, key in zip(_lost(lost[order]), ("cross", "ring"), self._keys, strict=True):
                top = np.where(np.isfinite(alive[chosen]), alive[chosen], self.y.limits[1])
                lines.append(Points(x[chosen], top, cells.color, 5.0, marker, key))  # type: ignore[arg-type]
            best = [self._measure.best(alive)]
            if best[0] >= 0:
                lines.append(Points(x[best], alive[best], cells.color, 7.0, "star"))
                if len(self._group) > 1:
                    at = float(x[best][0]), float(alive[best][0])
                    name = named(cells.lattice.name, significant(at[1], 2) if self._told else "")
                    lines.append(Text(*at, name, cells.color, "beside"))
        return (*bands, *lines)

    def _seen(self, values: Array) -> Array:
        return np.clip(limits.drawable(values, self.y.scale), *self.y.limits)

    def readouts(self, index: int) -> tuple[Readout, ...]:
        """The best of each lattice in words."""
        readouts = []
        for cells in () if self._told else self._group:
            median = cells.middle[1, index]
            best, text = self._measure.best(median), self._measure.words(median)
            where = f" at {cells.options(best)}" if best >= 0 and cells.lattice.dimensions else ""
            readouts.append(Readout(f"{text}{where}", cells.color, cells.lattice.name))
        return tuple(readouts)


def _lost(share: Array) -> tuple[Array, Array]:
    """Where all seeds diverged, and where some did."""
    return share >= 1, (share > 0) & (share < 1)


def _margins(dimension: Dimension) -> NDArray[np.float64]:
    """The ends of an axis with a little room beside the first and the last value."""
    low, high = float(dimension.places[0]), float(dimension.places[-1])
    room = 0.02 * (high - low) or 0.5
    return np.array([low - room, high + room])


def _axis(dimension: Dimension, edges: NDArray[np.float64]) -> Axis:
    whole = all(value.is_integer() for value in dimension.values)
    name = channels.plain(dimension.name)
    if dimension.logarithmic:
        return Axis((float(np.exp(edges[0])), float(np.exp(edges[-1]))), "log", name)
    return Axis((float(edges[0]), float(edges[-1])), "linear", name, whole)


def _nearest(
    recordings: Sequence[Recording], shown: Sequence[MapCells], index: int, at: tuple[float, float]
) -> tuple[str, ...]:
    """The lanes of the cell at a place; of several curves those of the nearest."""
    near: list[tuple[float, tuple[str, ...]]] = []
    for cells in shown:
        wanted = tuple(one.nearest(value) for one, value in zip(cells.lattice.dimensions, at, strict=False))
        if wanted in cells.indices:
            value = float(cells.middle[1, index, cells.indices.index(wanted)])
            apart = abs(value - at[1]) if np.isfinite(value) else np.inf
            near.append((apart, sources(recordings, cells.lattice.cells[wanted])))
    return min(near)[1] if near else ()
