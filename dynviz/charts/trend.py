"""Summaries of noisy curves and of many lanes: trailing means and quantiles."""

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dynviz.recording.metadata import Better

Array: TypeAlias = NDArray[Any]

POINTS = 600
"""Samples at which a summary is computed, at most: more than a panel has columns to show."""

ENOUGH = 20_000
"""How many samples are examined to tell whether a curve is noisy."""

SPREAD = 2_000
"""Of how many samples quantiles are taken, at most: of more, a random choice tells them to a hundredth."""

FEW = 10
"""Means over fewer samples are not drawn."""


def window(samples: int) -> int:
    """The number of samples that a trailing mean covers: a round number, about one fiftieth of all.

    >>> [window(samples) for samples in (300, 2_001, 10_001, 32_769)]
    [20, 40, 200, 600]
    """
    share = samples // 50
    digits = int(10 ** (len(str(share)) - 1))
    return max(2 * FEW, share // digits * digits)


def trailing_mean(values: Array, at: NDArray[np.int64], width: int) -> Array:
    """The mean of the last `width` samples, or fewer near the start, at some indices of `values` [samples].

    It covers only past samples, so that a curve does not anticipate. A mean over a value that is not finite is not
    finite either; over the first few samples it would be mere noise, and is NaN.
    """
    padded = np.concatenate([np.zeros(width - 1), values])
    with np.errstate(invalid="ignore", over="ignore"):
        sums = sliding_window_view(padded, width)[at].sum(axis=1, dtype=np.float64)
    means = sums / np.minimum(at + 1, width)
    return np.where(at + 1 >= min(FEW, len(values)), means, np.nan)


def trailing_quantiles(values: Array, at: NDArray[np.int64], width: int, low: float, high: float) -> Array:
    """Two quantiles [2, places] of the last `width` samples, at some indices of `values` [samples]."""
    # Not evenly spaced: batches may come round, and then those would all be of one.
    back = np.random.default_rng(0).permutation(width)[:SPREAD] if width > SPREAD else np.arange(width)
    indices = np.maximum(at[:, None] - back, 0)
    return _quantiles(values[indices], (low, high))


def middle(values: Array, better: Better = "neither") -> Array:
    """Lower quartile, median and upper quartile [3, samples] over `values` [samples, many].

    A value that is not finite is worse than all others, or is left out if neither direction is better.
    """
    if better != "neither":
        return middle_of_all(values, -math.inf if better == "higher" else math.inf)
    return _quantiles(values, (0.25, 0.5, 0.75))


def middle_of_all(values: Array, worst: float = math.inf) -> Array:
    """The same over all of `values` [samples, many]: a value that is not finite counts as infinitely bad.

    Args:
        values: The values; NaN where a lane diverged.
        worst: Infinity if lower is better, else minus infinity.

    >>> middle_of_all(np.array([[1.0, 2.0, np.nan], [1.0, np.nan, np.nan]])).tolist()
    [[1.5, inf], [2.0, inf], [inf, inf]]
    """
    if worst < 0:
        return -middle_of_all(-values)[::-1]
    ordered = np.sort(np.where(np.isfinite(values), values, np.inf).astype(np.float64), axis=1)
    quantiles = []
    for share in (0.25, 0.5, 0.75):
        place = share * (ordered.shape[1] - 1)
        low, high = ordered[:, math.floor(place)], ordered[:, math.ceil(place)]
        # Between a number and infinity there is only infinity, and between two infinities no difference.
        with np.errstate(invalid="ignore"):
            quantiles.append(np.where(np.isfinite(high), low + (high - low) * (place % 1), high))
    return np.stack(quantiles)


def rough(values: Array, enough: int = 200) -> bool:
    """Whether a curve with enough samples is noisy from start to end, so that its trend should be shown.

    Noise reverses direction at two of three samples throughout; a smooth curve hardly ever does, and one that
    overshoots does at each sample.
    """
    known = values[:ENOUGH][np.isfinite(values[:ENOUGH])].astype(np.float64)
    if len(known) < enough:
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        jumps = np.diff(known)
        turns = [float(part.mean()) for part in np.array_split(jumps[1:] * jumps[:-1] < 0, 4)]
        size = float(np.median(np.abs(jumps))) / (float(np.median(np.abs(known))) or 1.0)
    return min(turns) > 0.45 and max(turns) < 0.9 and size > 0.02


def _quantiles(values: Array, shares: tuple[float, ...]) -> Array:
    """Quantiles [shares, rows] over the finite values of each row, linear between them; NaN where none is.

    Sorting puts what is not finite last; `np.nanquantile` takes a Python loop over rows for the same.
    """
    ordered = np.sort(np.where(np.isfinite(values), values, np.inf).astype(np.float64), axis=1)
    counts = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(ordered))
    values_at = np.full((len(shares), len(ordered)), np.nan)
    some = counts > 0
    for index, share in enumerate(shares):
        place = share * np.maximum(counts - 1, 0)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(counts - 1, 0))
        low, high = ordered[rows, below][some], ordered[rows, above][some]
        values_at[index, some] = low + (high - low) * (place - below)[some]
    return values_at
