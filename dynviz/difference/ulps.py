"""Distances between floating-point numbers in units in the last place."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

FAR = 2**63 - 1
"""The distance between a number and a NaN."""


def ulps(one: Array, other: Array) -> NDArray[np.uint64]:
    """How many representable numbers lie between the elements of two arrays; 0 where they are the same bits.

    NaN equals NaN, whatever its bits; -0 and +0 are neighbours.

    Args:
        one: float16, float32 or float64.
        other: Of the same dtype and shape.

    >>> ulps(np.array([1.0, -0.0, np.nan]), np.array([1.0 + 2**-52, 0.0, np.nan])).tolist()
    [1, 1, 0]
    """
    apart = np.abs(_ordered(one).astype(object) - _ordered(other).astype(object)) if one.dtype.itemsize == 8 else None
    if apart is None:
        apart = np.abs(_ordered(one) - _ordered(other))
    lost = np.isnan(one) != np.isnan(other)
    both = np.isnan(one) & np.isnan(other)
    return np.where(both, 0, np.where(lost, FAR, apart)).astype(np.uint64)


def _ordered(values: Array) -> NDArray[np.int64]:
    """Whole numbers in the order of the floats that have these bits."""
    bits = values.view(f"i{values.dtype.itemsize}").astype(np.int64)
    lowest = -(2 ** (8 * values.dtype.itemsize - 1))
    return np.where(bits < 0, lowest - bits - 1, bits)
