"""How heavy the tail of a distribution is."""

import math
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

SHARE = 0.1
"""Of the values that count as the tail."""


class TailIndex(NamedTuple):
    """The index of a tail P(X > x) ~ x^-index, and the ends of its 95 % interval; NaN where there is no tail."""

    estimate: float
    low: float
    high: float


def hill(values: Array, share: float = SHARE) -> TailIndex:
    """Hill's estimator from the largest of some values, with its asymptotic interval.

    A normal distribution has no such index: the estimate is large and grows with the number of values.

    Source: Hill 1975; the interval index (1 +- 1.96 / sqrt(k)) of k values.

    >>> f"{hill(np.array([1.0, 2.0, 4.0]), 0.7).estimate:.3f}, {1 / np.log(np.sqrt(8)):.3f}"
    '0.962, 0.962'
    """
    ordered = np.sort(values[np.isfinite(values) & (values > 0)].astype(np.float64))[::-1]
    count = int(share * len(ordered))
    if count < 2 or ordered[0] == ordered[count]:
        return TailIndex(math.nan, math.nan, math.nan)
    index = 1 / float(np.log(ordered[:count] / ordered[count]).mean())
    spread = 1.96 / math.sqrt(count)
    return TailIndex(index, index * (1 - spread), index * (1 + spread))
