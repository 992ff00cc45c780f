"""Parameters while the learning rate falls: how the spread over seeds falls with it.

Where the rate falls slowly enough for parameters to follow, they have at each step the distribution about their limit
that the present rate gives them, whose spread is proportional to the root of the rate. With a rate of c / t they
converge so, with a spread of one over the root of t. Seeds are independent: what their number leaves unknown follows
from leaving out one after the other, however long a seed remembers.

Source: Kushner and Yin 2003, Stochastic approximation and recursive algorithms and applications, chapter 10.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from dynviz.detection import measured
from dynviz.detection.chains import Values
from dynviz.frozen import frozen
from dynviz.recording import Recording

FALLS = 1.5
"""A rate falls where it is so many times as large at half of the run as at the end."""
SHARES = (3 / 4, 1 / 2)
"""The part of a run that is looked at, up to its end: the longer one, if the rate falls and means stay in it."""
SEEDS = 4
"""Fewer of them do not tell their spread."""
BLOCKS, LEAST = 16, 4
"""Blocks of steps in each of which the rate falls by the same factor, and samples of a block, at least."""
INTERVAL = 0.95
"""Confidence of the interval of the exponent."""
SMALL, EXCEPTIONS = 0.5, 0.1
"""A mean moves where it does by so many spreads; parameters do where more of their numbers do.

Less in each halving of the rate adds up to a number: what falls with the root of the rate is a geometric series.
"""
WIDE, SURE = 0.25, 2.0
"""An interval that reaches further to either side tells nothing; an exponent is above 0 that is so many times that."""
NEAR = 0.05
"""An exponent that is so near the one of theory is that one, however sure it is."""
DRAWS = 200_000
"""Draws of Student's t that its quantiles are read from."""


@frozen(kw_only=True)
class Falling:
    """How the spread of a parameter over seeds falls with the learning rate.

    Attributes:
        since: The first step that is looked at.
        exponent: The power of the rate that the spread is proportional to.
        low: Where its interval begins.
        high: Where it ends.
    """

    since: int
    exponent: float
    low: float
    high: float

    @property
    def follows(self) -> bool:
        """Whether the spread may be proportional to the root of the rate."""
        return self.low - NEAR <= 0.5 <= self.high + NEAR


def rates(recording: Recording, steps: NDArray[np.int64]) -> Values | None:
    """The learning rate at some steps [steps]; None where it is not known, or lanes have rates of their own."""
    column = measured.column([recording], "lr")
    if column is None or column.steps is None or not len(steps):
        return None
    known = np.asarray(column.at(np.minimum(steps, column.steps[-1])), np.float64).reshape(len(steps), -1)
    return known[:, 0] if (known == known[:, :1]).all() else None


def falling(steps: NDArray[np.int64], values: Values, rate: Values) -> Falling | None:
    """How the spread falls at the end; None where the rate or the spread does not, where means move, or too few tell.

    Args:
        steps: [samples]
        values: Of a parameter [samples, lanes, numbers].
        rate: The learning rate [samples].
    """
    if values.shape[1] < SEEDS or not rate[len(rate) // 2] >= FALLS * rate[-2] > 0:
        return None
    for share in SHARES:
        # The rate of the last sample is that of a step that is not taken.
        tail = slice(len(steps) - int(share * len(steps)), -1)
        if (np.diff(rate[tail]) > 0).any():
            continue
        blocks = _blocks(np.log(rate[tail]))
        if blocks is None or _moves(values[tail], rate[tail]):
            continue
        found = _exponent(values[tail], *blocks)
        if found is not None:
            value, error = found
            known = error <= WIDE and value > SURE * error
            first = int(steps[tail][0])
            return Falling(since=first, exponent=value, low=value - error, high=value + error) if known else None
    return None


def _blocks(logarithms: Values) -> tuple[NDArray[np.int64], Values] | None:
    """Where blocks begin in which the rate falls by equal factors, and the mean logarithm of each."""
    edges = np.linspace(logarithms[0], logarithms[-1], BLOCKS + 1)[:-1]
    begins = np.searchsorted(-logarithms, -edges)
    sizes = np.diff([*begins, len(logarithms)])
    return (begins, np.add.reduceat(logarithms, begins) / sizes) if sizes.min() >= LEAST else None


def _moves(values: Values, rate: Values) -> bool:
    """Whether means over seeds move from one half to the other, in units of the spread, which falls with the rate."""
    scaled = (values - values[-1].mean(axis=0)) / np.sqrt(rate)[:, None, None]
    half = len(values) // 2
    apart = scaled[half:].mean(axis=(0, 1)) - scaled[:half].mean(axis=(0, 1))
    moving = np.abs(apart) > SMALL * scaled.std(axis=1, ddof=1).mean(axis=0)
    return bool(moving.sum() > EXCEPTIONS * moving.size)


def _exponent(values: Values, begins: NDArray[np.int64], logarithms: Values) -> tuple[float, float] | None:
    """The exponent and how far its interval reaches; None where something does not vary over the seeds."""
    lanes = values.shape[1]
    about = values - values.mean(axis=(0, 1))
    sums, squares = about.sum(axis=1), np.square(about).sum(axis=1)
    variances = [(squares - sums**2 / lanes) / (lanes - 1)]
    for lane in range(lanes):
        without = squares - about[:, lane] ** 2 - (sums - about[:, lane]) ** 2 / (lanes - 1)
        variances.append(without / (lanes - 2))
    level = variances[0].mean(axis=0)
    varying = level > 0
    if not varying.any():
        return None
    sizes, x = np.diff([*begins, len(values)]), logarithms - logarithms.mean()
    slopes = []
    for variance in variances:
        blocks = np.add.reduceat((variance[:, varying] / level[varying]).mean(axis=1), begins) / sizes
        if not (blocks > 0).all():
            return None
        slopes.append(float(x @ np.log(blocks) / (x @ x)) / 2)
    whole, others = slopes[0], np.array(slopes[1:])
    error = np.sqrt((lanes - 1) / lanes * np.square(others - others.mean()).sum())
    return whole, float(error) * student(lanes - 1)


@functools.lru_cache(maxsize=64)
def student(freedom: int) -> float:
    """How many standard errors the interval reaches, with so many degrees of freedom; drawn, always the same."""
    return float(np.quantile(np.abs(np.random.default_rng(freedom).standard_t(freedom, DRAWS)), INTERVAL))
