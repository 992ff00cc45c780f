"""Statistics of series that may be stationary: blocks of them, autocorrelation, R-hat, drift against chance.

Series are [samples, ...]; whatever else they have is looked at one by one, unless it is said otherwise.
"""

import functools
import math
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.frozen import frozen

Values: TypeAlias = NDArray[np.float64]

WINDOW = 5.0
"""Autocorrelation is added up over so many times the time that it sums to, see `autocorrelation_time`."""
DRAWS = 4000
"""Series of noise that tell what chance gives."""
CHANCE = 0.995
"""Chance alone gives no more than this quantile."""
RESAMPLES = 200
"""Series that are put together from blocks of a given one."""


def block_means(values: Values, count: int) -> Values:
    """The means of blocks of equal length [count, ...]; samples that are left over at the end count to none."""
    size = len(values) // count
    blocks = values[: size * count].reshape(count, size, *values.shape[1:])
    return np.asarray(blocks.mean(axis=1))


def block_noise(means: Values) -> Values:
    """The standard error of one block mean, from how much successive ones [blocks, ...] differ: a trend hardly counts.

    Source: von Neumann 1941, the mean square successive difference.
    """
    return np.asarray(np.sqrt(np.square(np.diff(means, axis=0)).mean(axis=0) / 2))


def gap(means: Values) -> Values:
    """The largest block mean less the smallest [...]: limsup minus liminf, as far as the blocks go."""
    return np.asarray(means.max(axis=0) - means.min(axis=0))


def trend(means: Values) -> Values:
    """The change from one block to the next [...], by least squares."""
    count = len(means)
    places = np.arange(count) - (count - 1) / 2
    return np.asarray(np.tensordot(places, means, axes=1) / np.square(places).sum())


@frozen
class Chance:
    """What independent normal noise gives in so many blocks, in units of `block_noise`."""

    gap: float
    trend: float


@functools.lru_cache(maxsize=128)
def chance(blocks: int) -> Chance:
    """The quantile `CHANCE` of the gap and of the trend of noise; both are drawn, always the same."""
    noise = np.random.default_rng(blocks).standard_normal((blocks, DRAWS))
    unit = block_noise(noise)
    return Chance(*(float(np.quantile(size / unit, CHANCE)) for size in (gap(noise), np.abs(trend(noise)))))


def autocorrelation(values: Values) -> Values:
    """The correlation [lags] of a series with itself; of several ones [samples, series] each about its own mean.

    All zeros but for the first where nothing varies.
    """
    count = len(values)
    about = (values - values.mean(axis=0)).reshape(count, -1)
    spectrum = np.fft.rfft(about, 2 ** int(np.ceil(np.log2(2 * count))), axis=0)
    covariance = np.fft.irfft(np.square(np.abs(spectrum)).sum(axis=1))[:count]
    if covariance[0] <= 0:
        return np.asarray(np.eye(1, count)[0])
    return np.asarray(covariance / covariance[0])


def autocorrelation_time(correlation: Values) -> float:
    """How many samples count as one: 1 + 2 times the sum of the autocorrelation, over a window of its own length.

    Source: Sokal 1997, Monte Carlo methods in statistical mechanics, section 3.
    """
    times = 2 * np.cumsum(correlation) - 1
    enough = np.arange(len(times)) >= WINDOW * times
    return float(max(times[enough.argmax() if enough.any() else -1], 1.0))


def half_life(correlation: Values) -> float:
    """The lag at which the autocorrelation has fallen to a half, between two samples on a straight line."""
    below = correlation < 0.5
    if not below.any():
        return float(len(correlation))
    lag = int(below.argmax())
    before, after = correlation[lag - 1], correlation[lag]
    return float(lag - 1 + (before - 0.5) / (before - after))


def split_rhat(values: Values) -> Values:
    """R-hat [...] of chains [samples, chains, ...], each of them cut into halves: 1 where all are of one distribution.

    Source: Gelman and others 2013, Bayesian data analysis, section 11.4.
    """
    count = len(values) // 2
    halves = np.concatenate([values[:count], values[len(values) - count :]], axis=1)
    within = halves.var(axis=0, ddof=1).mean(axis=0)
    between = halves.mean(axis=0).var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt((count - 1) / count + between / within)
    return np.asarray(np.where(within > 0, ratio, np.where(between > 0, np.inf, 1.0)))


@frozen
class Drift:
    """How far the mean of the second half of series is from that of the first.

    Attributes:
        size: [...] In units of the spread within the halves.
        chance: [...] What a series without drift gives, at most, in the same units.
    """

    size: Values
    chance: Values


def drift(values: Values, block: int) -> Drift:
    """The drift of series, and what chance gives: of series put together from blocks of theirs.

    Args:
        values: [samples, ...]
        block: Samples of a block: several times as many as depend on each other.

    Source: Künsch 1989, The jackknife and the bootstrap for general stationary observations.
    """
    half = len(values) // 2
    first, second = values[:half], values[len(values) - half :]
    apart = second.mean(axis=0) - first.mean(axis=0)
    within = np.concatenate([first - first.mean(axis=0), second - second.mean(axis=0)])
    spread = within.std(axis=0)
    block = max(1, min(block, half))
    sums = np.concatenate([np.zeros((1, *within.shape[1:])), np.cumsum(within, axis=0)])
    blocks = (sums[block:] - sums[:-block]) / block
    count = max(1, round(half / block))
    places = np.random.default_rng(len(values)).integers(len(blocks), size=(2, RESAMPLES, count))
    ends = [sum(blocks[places[side, :, place]] for place in range(count)) / count for side in (0, 1)]
    by_chance = _few_blocks(count) * np.quantile(np.abs(np.asarray(ends[1] - ends[0])), CHANCE, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        size, most = np.abs(apart) / spread, by_chance / spread
    # A series that stands still has no drift; one that jumps once and for all has one.
    still = spread <= 1e-9 * np.abs(values).max(axis=0)
    return Drift(np.where(still, 0.0, size), np.where(still, 0.0, most))


@functools.lru_cache(maxsize=64)
def _few_blocks(count: int) -> float:
    """How much more noise gives than series made of its blocks, as the spread of few blocks is too small."""
    if count < 2:
        return math.inf
    noise = np.random.default_rng(count).standard_normal((2, count, 5 * DRAWS))
    apart = np.abs(noise[1].mean(axis=0) - noise[0].mean(axis=0))
    resampled = np.sqrt(noise.var(axis=1).sum(axis=0) / count)
    return float(np.quantile(apart / resampled, CHANCE)) / NormalDist().inv_cdf((1 + CHANCE) / 2)


def without_trend(values: Values) -> Values:
    """Series less a straight line through each."""
    places = np.arange(len(values)) - (len(values) - 1) / 2
    return values - np.tensordot(places, trend(values), axes=0)
