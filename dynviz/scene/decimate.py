"""Decimation: of many samples, lanes or vertices those that a picture needs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def evenly(count: int, most: int, first: int = 0) -> NDArray[np.int64]:
    """Evenly spaced indices from `first` to count - 1, both among them; all where there are at most `most`.

    >>> evenly(10, 4).tolist(), evenly(3, 8).tolist(), evenly(6, 3, first=1).tolist()
    ([0, 3, 6, 9], [0, 1, 2], [1, 3, 5])
    """
    if count - first <= most:
        return np.arange(first, count, dtype=np.int64)
    # More than one apart, so that no two are the same.
    return np.linspace(first, count - 1, max(0, most)).astype(np.int64)


def distinct(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of some sorted values are the first of their kind.

    >>> distinct(np.array([3, 3, 5, 9, 9])).tolist()
    [True, False, True, True, False]
    """
    # `np.unique` takes a hundred times as long, since it cannot know that they are sorted.
    first = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return first


def decimate(columns: NDArray[np.float64], heights: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices, ascending, of the first, lowest, highest and last vertex of each run within one pixel column.

    A run is of neighbours with the same whole part of `columns`; a NaN ends it and is kept. What is left out of a
    line lies between vertices that are kept, so the line covers the same pixels.

    >>> decimate(np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), np.array([1.0, 5.0, 3.0, -2.0, 1.0, 1.0])).tolist()
    [0, 1, 3, 4, 5]

    Args:
        columns: Horizontal places [points] in pixels.
        heights: Vertical places [points].
    """
    count = len(columns)
    broken = np.isnan(columns) | np.isnan(heights)
    if count < 3:
        return np.arange(count)
    keys = np.where(broken, np.inf, np.floor(columns))
    starts = np.flatnonzero(distinct(keys))
    ends = np.append(starts[1:], count) - 1
    if len(starts) * 2 > count:
        return np.arange(count)
    run = np.repeat(np.arange(len(starts)), ends - starts + 1)
    keep = np.zeros(count, dtype=np.bool_)
    keep[starts] = keep[ends] = True
    low = np.minimum.reduceat(heights, starts)
    high = np.maximum.reduceat(heights, starts)
    for extreme in (low, high):
        at = np.flatnonzero(heights == extreme[run])
        keep[at[distinct(run[at])]] = True
    return np.flatnonzero(keep)


def last_until(along: NDArray[Any], step: float) -> float:
    """The last of ascending values that is not above a step; the step itself before all of them."""
    index = int(np.searchsorted(along, step, side="right")) - 1
    return float(along[index]) if index >= 0 else float(step)
