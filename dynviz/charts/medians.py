"""The results of a sweep: the median of each setting at each step, and the best one."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits, trend
from dynviz.charts.lattice import Lattice
from dynviz.charts.numbers import DIVERGED, significant
from dynviz.charts.samples import BUDGET, index_at, thinned
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.recording.long_array import in_file
from dynviz.recording.metadata import Better
from dynviz.scene.marks import Axis

Array: TypeAlias = NDArray[Any]

ENOUGH = 40
"""Samples of a loss that tell whether it is noisy."""
COLORED = 1e-6
"""Losses below this share of the first one have one colour: the others would be told apart by few."""


@frozen
class MapValue:
    """How a channel measures the result of a lane.

    Attributes:
        channel: The name of the channel.
        title: The title; for a noisy loss, it mentions the mean of the last steps.
        better: Which values are better.
        bounds: The lowest and highest possible value.
        width: The number of samples that are averaged.
    """

    channel: str
    title: str
    better: Better
    bounds: tuple[float, float]
    width: int

    @classmethod
    def of(cls, recordings: Sequence[Recording], channel: str) -> "MapValue":
        """The measure shared by all shown recordings."""
        info = recordings[0].metadata.channels[channel]
        # A loss of batches says by its last value which batch that was.
        starts = (np.asarray(one[channel][: trend.ENOUGH, :8]) for one in recordings)
        lanes = (lane for start in starts for lane in start.T) if channel == "loss" else ()
        rough = any(trend.rough(lane, ENOUGH) for lane in lanes)
        width = trend.window(max(len(one[channel]) for one in recordings)) if rough else 1
        words = caption.words(channel, *recordings)
        title = f"{words}, mean of {width * info.every} steps" if rough else words
        return cls(channel, title, info.better, info.bounds, width)

    def best(self, values: Array) -> int:
        """The index of the best value; -1 if none is finite, or if neither direction is better."""
        if self.better == "neither" or not np.isfinite(values).any():
            return -1
        return int(np.nanargmax(values) if self.better == "higher" else np.nanargmin(values))

    def words(self, values: Array) -> str:
        """The best value as text; if neither direction is better, the range of the values."""
        if not np.isfinite(values).any():
            return DIVERGED
        if self.better == "neither":
            low, high = (significant(float(end), padded=True) for end in (np.nanmin(values), np.nanmax(values)))
            return f"{low} to {high}"
        return significant(float(values[self.best(values)]), padded=True)

    def scale(self, medians: Sequence[Array], least: float = 0.0) -> Axis:
        """The axis of medians [steps, cells]; what is much worse than at the start stands at its end.

        Args:
            medians: Of each lattice.
            least: The share of a loss at the start below which all losses stand at its other end.
        """
        firsts = [float(value) for median in medians for value in median[0] if np.isfinite(value)]
        if firsts and self.better == "higher":
            medians = [np.maximum(median, min(firsts)) for median in medians]
        if firsts and self.better == "lower" and max(firsts) > 0:
            first = max(firsts)
            medians = [np.minimum(median, 2 * first) for median in medians]
            # Zero and below are passed over by a logarithm, and belong on an even axis.
            if all((median[np.isfinite(median)] > 0).all() for median in medians):
                medians = [np.maximum(median, least * first) for median in medians]
        return limits.axis(medians, most=self.bounds[1])

    def colors(self, scale: Axis, medians: Sequence[Array]) -> str:
        """What the ends of the colour scale represent."""
        known = np.concatenate([median[np.isfinite(median)] for median in medians])
        low, high = (significant(end, 2) for end in scale.limits)
        less, more = (known < scale.limits[0]).any(), (known > scale.limits[1]).any()
        return f"{'≤ ' if less else ''}{low} to {'≥ ' if more else ''}{high}"


@frozen
class MapCells:
    """The results of a lattice's lanes at each step.

    Attributes:
        lattice: The lattice.
        color: The colour of its optimizer.
        indices: The position of each cell along each dimension.
        middle: Lower quartile, median and upper quartile over the seeds [3, steps, cells].
        lost: The fraction of seeds that diverged [steps, cells].
    """

    lattice: Lattice
    color: str
    indices: tuple[tuple[int, ...], ...]
    middle: Array
    lost: Array

    def options(self, cell: int) -> str:
        """The option values of a cell as text."""
        pairs = zip(self.lattice.dimensions, self.indices[cell], strict=True)
        return ", ".join(caption.option(dimension.name, dimension.values[place]) for dimension, place in pairs)


def table(recording: Recording, value: MapValue, steps: NDArray[np.int64]) -> tuple[Array, Array]:
    """The value of each lane at these steps, and whether it had diverged [steps, lanes]."""
    samples, own, width = recording[value.channel], recording.steps(value.channel), value.width
    at = [index_at(own, step) for step in steps]
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.stack([_mean(samples[max(0, end + 1 - width) : end + 1], len(at)) for end in at])
    lost = ~limits.finite(values)
    for event in recording.events():
        if event.kind == "diverged":
            lost[steps >= event.step, event.lane] = True
    return np.where(lost, np.nan, values), lost


def _mean(samples: Array, windows: int) -> Array:
    """The mean of each lane; of samples that are not in memory, which many windows would read, evenly spaced ones'."""
    budget = BUDGET // windows if in_file(samples) else samples.size
    return np.asarray(thinned(samples, budget).mean(axis=0, dtype=np.float64))


def cells_of(lattice: Lattice, color: str, tables: Sequence[tuple[Array, Array]], better: Better) -> MapCells:
    """The medians of a lattice's cells; a seed that diverged counts as infinitely bad."""
    middles, losts = [], []
    for members in lattice.cells.values():
        values, lost = (np.stack([tables[at][part][:, lane] for at, lane in members], axis=1) for part in (0, 1))
        middles.append(trend.middle(values, better))
        losts.append(lost.mean(axis=1))
    middle = np.stack(middles, axis=2)
    middle[~np.isfinite(middle)] = np.nan
    return MapCells(lattice, color, tuple(lattice.cells), middle, np.stack(losts, axis=1))
