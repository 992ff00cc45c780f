"""From data coordinates to places along an axis."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynviz.scene.marks import Axis, Extent

FAR = 1e3
"""Places are kept within so many lengths of the axis, so that a backend's integers hold them."""


def fractions(axis: Axis, values: ArrayLike) -> NDArray[np.float64]:
    """Where values stand: 0 at the low limit, 1 at the high one. What a logarithm cannot show is NaN.

    >>> fractions(Axis((1, 100), "log"), [1, 10, 1000, -1]).tolist()
    [0.0, 0.5, 1.5, nan]
    """
    low, high = axis.limits
    numbers: NDArray[Any] = np.asarray(values, dtype=np.float64)
    if axis.scale == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            numbers = np.where(numbers > 0, np.log10(numbers), np.nan)
            low, high = (float(np.log10(limit)) if limit > 0 else -300.0 for limit in (low, high))
    span = high - low
    with np.errstate(over="ignore", invalid="ignore"):
        places = (numbers - low) / (span if span != 0 else 1.0)
    return np.clip(places, -FAR, FAR)


def values(axis: Axis, places: ArrayLike) -> NDArray[np.float64]:
    """The inverse of `fractions`.

    >>> values(Axis((1, 100), "log"), [0, 0.5]).tolist()
    [1.0, 10.0]
    """
    low, high = axis.limits
    shares: NDArray[Any] = np.asarray(places, dtype=np.float64)
    if axis.scale == "log":
        low, high = (float(np.log10(limit)) if limit > 0 else -300.0 for limit in (low, high))
        return np.asarray(10.0 ** (low + shares * (high - low)))
    return np.asarray(low + shares * (high - low))


def nearest_pixels(axis: Axis, low: float, high: float, count: int, length: int) -> NDArray[np.intp]:
    """Which of `count` equal pixels between `low` and `high` is seen at each of `length` places of an axis; -1: none.

    Args:
        axis: The axis that is `length` places long.
        low: Where the first pixel of the image begins, in data coordinates.
        high: Where the last one ends.
        count: Pixels of the image along this axis.
        length: Places of the screen along it.
    """
    at, low, high = _drawn(axis, (np.arange(length) + 0.5) / length, low, high)
    span = high - low
    index = np.floor((at - low) * (count / (span if span != 0 else 1.0)))
    return np.where((index >= 0) & (index < count), index, -1).astype(np.intp)


def first_pixels(axis: Axis, low: float, high: float, count: int, length: int) -> NDArray[np.intp]:
    """Where each of `length` places of an axis begins among `count` equal pixels between `low` and `high`.

    [length + 1]: the last one is where the last place ends. Outside the image they stay at its ends.
    """
    at, low, high = _drawn(axis, np.arange(length + 1) / length, low, high)
    span = high - low
    index = np.round((at - low) * (count / (span if span != 0 else 1.0)))
    return np.clip(np.nan_to_num(index), 0, count).astype(np.intp)


def _drawn(
    axis: Axis, places: NDArray[np.float64], low: float, high: float
) -> tuple[NDArray[np.float64], float, float]:
    """Places, and the ends of an image, in a coordinate in which its pixels are equal: on a log axis as it is drawn."""
    if axis.scale == "log":
        ends = fractions(axis, [low, high]).tolist()
        return places, ends[0], ends[1]
    return values(axis, places), low, high


def pixel_centers(extent: Extent, rows: int, columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The x [columns] and y [rows] of the middles of an image's pixels."""
    left, right, bottom, top = extent
    x = left + (np.arange(columns) + 0.5) * (right - left) / columns
    y = bottom + (np.arange(rows) + 0.5) * (top - bottom) / rows
    return x, y
