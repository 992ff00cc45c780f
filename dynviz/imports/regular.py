"""Values at any steps as regular samples of a channel."""

import math
from collections.abc import Mapping
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.frozen import frozen

Array: TypeAlias = NDArray[Any]

MOST = 1 << 20
"""Samples of a channel."""


@frozen
class RegularSamples:
    """Samples at multiples of a number of steps.

    Attributes:
        every: Steps between samples.
        steps: The steps of the values.
        values: The values.
    """

    every: int
    steps: Array
    values: Array

    @classmethod
    def of(cls, values: Mapping[int, float]) -> "RegularSamples":
        """Find the distance of samples.

        What was logged after 100, 200, ... steps by a program that counts from 0 has the steps 99, 199, ...; they are
        counted from 1 here, so that the samples are every 100 steps.
        """
        steps = np.array(sorted(values), np.int64)
        row = np.array([values[int(step)] for step in steps])
        apart = reduce(math.gcd, np.diff(steps).tolist(), 0) or int(steps[0]) or 1
        if apart > 1 and steps[0] % apart == apart - 1:
            steps = steps + 1
        every = math.gcd(apart, int(steps[0])) or 1
        return cls(max(every, -(-int(steps[-1]) // MOST)), steps, row)

    @property
    def end(self) -> int:
        """The step of the last value."""
        return int(self.steps[-1])

    def of_steps(self, total: int) -> bool:
        """Whether there is no value of the state after all steps, as of a loss that is logged at each step from 0."""
        return self.end <= (-(-total // self.every) - 1) * self.every

    def samples(self, total: int) -> Array:
        """The samples up to the last value, in a run of so many steps.

        A value stays until the next one; before the first it is NaN.
        """
        count = min(-(-total // self.every) + (not self.of_steps(total)), -(-self.end // self.every) + 1)
        at = np.minimum(np.arange(count, dtype=np.int64) * self.every, total)
        place = np.searchsorted(self.steps, at, side="right") - 1
        return np.where(place < 0, np.nan, self.values[np.maximum(place, 0)])
