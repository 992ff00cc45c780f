"""Which numbers an option takes: said in the annotation of a field, checked where a value is read."""

import math
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from dynviz.plugins.schedules import Schedule

MOST = 1_000_000
"""A schedule is looked at in so many steps at most, evenly spread: of fewer steps in each."""


@dataclass(frozen=True)
class Range:
    """Finite numbers from `low` to `high`.

    >>> str(Range(0)), str(Range(0, 1, without="high")), 1.0 in Range(0, 1, without="high")
    ('from 0', 'from 0 to below 1', False)

    Attributes:
        low: The least.
        high: The largest; infinity where there is none, which is no number itself.
        without: Which end is left out itself: `low`, `high`, or neither.
    """

    low: float
    high: float = math.inf
    without: str = ""

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.without == "low" else value >= self.low
        below = value < self.high if self.without == "high" else value <= self.high
        return above and below and math.isfinite(value)

    def first_outside(self, schedule: Schedule, steps: int) -> int | None:
        """The first step of a run of so many steps at which a schedule leaves the range, None where it never does.

        One more step is looked at: what the last state is recorded with.
        """
        over = schedule.over(steps)
        looked_at = range(1, steps + 2, 1 + steps // MOST)
        return next((t for t in (*looked_at, steps + 1) if over.at(t) not in self), None)

    def __str__(self) -> str:
        """As it is said in messages."""
        low = f"above {self.low:g}" if self.without == "low" else f"from {self.low:g}"
        if self.high == math.inf:
            return low
        return f"{low} to {'below ' if self.without == 'high' else ''}{self.high:g}"


Size: TypeAlias = Annotated[float, Range(0)]
"""A step size, a decay, what is added so that nothing is divided by zero."""
Positive: TypeAlias = Annotated[float, Range(0, without="low")]
"""What is divided by."""
Share: TypeAlias = Annotated[float, Range(0, 1)]
"""All or nothing or in between."""
Memory: TypeAlias = Annotated[float, Range(0, 1, without="high")]
"""What stays of a running mean at each step: with 1 it would never begin."""
Factor: TypeAlias = Annotated[float, Range(1)]
"""By what something grows."""
