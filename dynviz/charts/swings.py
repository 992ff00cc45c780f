"""Curves that swing from sample to sample: their mean over what they reach, where the line would be a solid slab."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.limits import drawable
from dynviz.frozen import frozen
from dynviz.scene.marks import Axis
from dynviz.scene.scales import fractions
from dynviz.scene.scales import values as scale_values

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]

TURNS = 0.6
"""A curve swings where its slope changes sign at more than this share of the samples of a window."""
SEEN = 0.02
"""Swings that are smaller than this share of the axis cannot be seen."""
LEAST = 12
"""Samples of the smallest window."""
WINDOWS = 60
"""So many windows a run has at least."""


@frozen
class Swing:
    """A curve with its swings.

    Attributes:
        middle: The curve, and its mean where it swings [samples]; on a logarithmic axis the geometric one.
        low: The smallest of the values that a mean is of [samples]; NaN where it does not swing.
        high: The largest.
        width: Of how many samples the means are.
    """

    middle: Floats
    low: Floats
    high: Floats
    width: int


def swing(values: Array, y: Axis, samples: int) -> Swing | None:
    """The swings of a curve [samples]; none where there are none that can be seen.

    What is drawn of a sample depends on those before it alone, so that a curve does not foretell.

    Args:
        values: Of one lane.
        y: Their axis.
        samples: How many there will be.
    """
    width = max(LEAST, samples // WINDOWS)
    if len(values) < 2 * LEAST:
        return None
    heights = fractions(y, drawable(values, y.scale))
    with np.errstate(invalid="ignore"):
        steps = np.diff(heights)
        turns = np.concatenate([[0.0, 0.0], steps[1:] * steps[:-1] < 0])
    share = _mean(turns, width)
    low, high = _running(heights, width, np.fmin), _running(heights, width, np.fmax)
    swings = (share > TURNS) & (high - low > SEEN) & np.isfinite(heights)
    swings[:width] &= _begins(turns, width)
    if not swings.any():
        return None
    # Noise turns around at two of three samples, more or less: what swings goes on to for a window.
    swings = (_running(swings.astype(np.float64), width, np.fmax) > 0) & np.isfinite(heights)
    middle, low, high = (scale_values(y, np.where(swings, part, np.nan)) for part in (_mean(heights, width), low, high))
    return Swing(np.where(swings, middle, values.astype(np.float64)), low, high, width)


def calm(values: Array, y: Axis) -> Array:
    """A curve [samples] with its mean where it swings."""
    found = swing(values, y, len(values))
    return values if found is None else found.middle


def _begins(turns: Floats, width: int) -> bool:
    """Whether a curve swings from its start."""
    return bool(turns[2 : width + 2].mean() > TURNS)


def _mean(values: Floats, width: int) -> Floats:
    """The mean of the last samples, of fewer at the start; what is not finite is passed over."""
    good = np.isfinite(values)
    sums, counts = (np.concatenate([[0.0], np.cumsum(part)]) for part in (np.where(good, values, 0.0), good))
    end = np.arange(1, len(values) + 1)
    begin = np.maximum(end - width, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((sums[end] - sums[begin]) / (counts[end] - counts[begin]))


def _running(values: Floats, width: int, choose: Callable[..., Any]) -> Floats:
    """The least or largest of the last samples, by van Herk's two passes over blocks of that width."""
    count = len(values)
    blocks = -(-count // width) + 1
    padded = np.full(blocks * width, np.nan)
    padded[width - 1 : width - 1 + count] = values
    table = padded.reshape(blocks, width)
    accumulate = choose.accumulate  # type: ignore[attr-defined]
    forward = accumulate(table, axis=1).ravel()
    backward = accumulate(table[:, ::-1], axis=1)[:, ::-1].ravel()
    return np.asarray(choose(backward[:count], forward[width - 1 : width - 1 + count]))
