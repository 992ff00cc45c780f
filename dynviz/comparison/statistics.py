"""Bootstrap intervals and paired differences, for results of which some diverged and count as infinite."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynviz.frozen import frozen

Array: TypeAlias = NDArray[np.float64]
Statistic: TypeAlias = Callable[[Array], Array]
"""Function of values [samples, n] to a number for each sample."""

RESAMPLES = 9_999
"""With so many, the ends of an interval vary by about one per cent of its width."""
BLOCK = 1 << 22
"""Numbers that are resampled at once."""


@frozen
class Estimate:
    """A statistic of a sample, and its confidence interval.

    Attributes:
        value: The statistic.
        low: The lower end of the interval.
        high: The upper end.
        n: The number of independent values; of several axes, that of the last one.
        level: The confidence level of the interval.
    """

    value: float
    low: float
    high: float
    n: int
    level: float = 0.95

    @property
    def enough(self) -> bool:
        """Whether n values could show anything at this level: if all agree, the sign test must reject.

        At 95 % that takes six values: five of the same sign happen by chance in 2 of 32 cases.
        """
        return 2.0 ** (1 - self.n) <= 1 - self.level

    @property
    def differs(self) -> bool:
        """Whether zero lies outside of the interval, and there are enough values to say so."""
        return self.enough and (self.low > 0 or self.high < 0)


def median(values: ArrayLike) -> Array:
    """The median along the last axis, where values may be infinite; halfway between -inf and inf is 0.

    >>> float(median([1.0, 3.0, np.inf])), float(median([1.0, np.inf])), float(median([-np.inf, np.inf]))
    (3.0, inf, 0.0)
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64), axis=-1)
    count = ordered.shape[-1]
    low, high = ordered[..., (count - 1) // 2], ordered[..., count // 2]
    with np.errstate(invalid="ignore"):
        middle = np.where(low == high, low, 0.5 * low + 0.5 * high)
    return np.where(np.isnan(middle), 0.0, middle)


def mean(values: ArrayLike) -> Array:
    """The mean along the last axis; infinite if one value is."""
    with np.errstate(invalid="ignore"):
        means: Array = np.asarray(values, dtype=np.float64).mean(axis=-1)
    return means


def bootstrap_interval(
    values: ArrayLike,
    level: float = 0.95,
    statistic: Statistic = median,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """A percentile bootstrap interval.

    Of values with several axes, such as [studies, seeds], each axis is resampled on its own, and the statistic is taken
    over all that remains (the pigeonhole bootstrap, which is conservative). The ends are values that occurred, so that
    infinite ones need no interpolation.

    >>> bootstrap_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    Estimate(value=4.5, low=2.0, high=7.0, n=8, level=0.95)

    Args:
        values: [n] or [..., n]; infinite for a lane that diverged.
        level: The confidence level.
        statistic: Function of [samples, n] to [samples]: `median`, `mean`, or your own.
        resamples: Number of samples drawn.
        seed: Seed of the draws; the same gives the same interval.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; Owen, The pigeonhole bootstrap,
    https://arxiv.org/abs/0712.1111

    Raises:
        ValueError: There are no values, or one is not a number.
    """
    sample = np.asarray(values, dtype=np.float64)
    if not sample.size or np.isnan(sample).any():
        raise ValueError("a bootstrap needs values, and each must be a number or infinite")
    generator = np.random.default_rng(seed)
    step = max(1, BLOCK // sample.size)
    drawn = [
        statistic(_resampled(sample, generator, min(step, resamples - start))) for start in range(0, resamples, step)
    ]
    statistics = np.concatenate(drawn)
    tail = (1 - level) / 2
    low = float(np.quantile(statistics, tail, method="lower"))
    high = float(np.quantile(statistics, 1 - tail, method="higher"))
    value = float(statistic(sample.reshape(1, -1))[0])
    return Estimate(value, low, high, sample.shape[-1], level)


def _resampled(sample: Array, generator: np.random.Generator, count: int) -> Array:
    """Samples [count, values], with replacement along each axis of the sample."""
    dimensions = sample.ndim
    indices: list[Any] = []
    for axis, size in enumerate(sample.shape):
        shape = [count] + [1] * dimensions
        shape[axis + 1] = size
        indices.append(generator.integers(0, size, (count, size)).reshape(shape))
    resampled: Array = sample[tuple(indices)].reshape(count, -1)
    return resampled


def differences(a: ArrayLike, b: ArrayLike) -> Array:
    """Paired differences a - b; two lanes that both diverged are equal, and one that did is infinitely worse.

    >>> differences([1.0, np.inf, np.inf], [3.0, np.inf, 2.0]).tolist()
    [-2.0, 0.0, inf]

    Raises:
        ValueError: The shapes differ.
    """
    one, other = (np.asarray(side, dtype=np.float64) for side in (a, b))
    if one.shape != other.shape:
        raise ValueError(f"pairs need equal shapes, not {one.shape} and {other.shape}")
    with np.errstate(invalid="ignore"):
        return np.where(one == other, 0.0, one - other)


def paired_difference(
    a: ArrayLike, b: ArrayLike, level: float = 0.95, statistic: Statistic = median, seed: int = 0
) -> Estimate:
    """The statistic of the differences a - b between results with the same seed, with its bootstrap interval.

    >>> a, b = [1.1, 2.1, 3.2, 4.1, 5.3, 6.1], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    >>> paired_difference(a, b).differs
    True

    Args:
        a: [n] or [..., n], infinite where a lane diverged.
        b: The other results, in the same order.
        level: The confidence level.
        statistic: As for `bootstrap_interval`.
        seed: Seed of the draws.

    Raises:
        ValueError: The shapes differ, there are no values, or one is not a number.
    """
    return bootstrap_interval(differences(a, b), level, statistic, seed=seed)


def correlation(a: ArrayLike, b: ArrayLike) -> float:
    """Pearson's correlation between paired results that are finite; NaN where fewer than three are, or none varies."""
    one, other = (np.asarray(side, dtype=np.float64).ravel() for side in (a, b))
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < 3 or not np.ptp(one[both]) or not np.ptp(other[both]):
        return float("nan")
    return float(np.corrcoef(one[both], other[both])[0, 1])


def ranked(values: Sequence[float]) -> list[int]:
    """Indices from the lowest value to the highest; what diverged comes last."""
    return sorted(range(len(values)), key=lambda index: (np.isnan(values[index]), values[index]))
