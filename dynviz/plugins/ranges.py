"""Valid ranges of numeric options: declared in field annotations, checked when a value is read."""

import math
from typing import Annotated, TypeAlias

from dynviz.frozen import frozen
from dynviz.plugins.schedules import Schedule

MOST = 1_000_000
"""Maximum number of steps, evenly spaced, at which a schedule is checked."""


@frozen
class Range:
    """The finite numbers from `low` to `high`.

    >>> str(Range(0)), str(Range(0, 1, without="high")), 1.0 in Range(0, 1, without="high")
    ('from 0', 'from 0 to below 1', False)

    Attributes:
        low: The lower bound.
        high: The upper bound; infinity means unbounded, and is never itself in the range.
        without: The end that is excluded: `low`, `high`, or neither.
    """

    low: float
    high: float = math.inf
    without: str = ""

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.without == "low" else value >= self.low
        below = value < self.high if self.without == "high" else value <= self.high
        return above and below and math.isfinite(value)

    def first_outside(self, schedule: Schedule, steps: int) -> int | None:
        """The first step of a run at which a schedule leaves the range; None if it never does.

        One step past the end is checked too, because the final state is recorded with its value.
        """
        over = schedule.over(steps)
        looked_at = range(1, steps + 2, 1 + steps // MOST)
        return next((t for t in (*looked_at, steps + 1) if over.at(t) not in self), None)

    def __str__(self) -> str:
        """The range as shown in messages."""
        low = f"above {self.low:g}" if self.without == "low" else f"from {self.low:g}"
        if self.high == math.inf:
            return low
        return f"{low} to {'below ' if self.without == 'high' else ''}{self.high:g}"


Size: TypeAlias = Annotated[float, Range(0)]
"""For step sizes, decay rates, and epsilons that prevent division by zero."""
Positive: TypeAlias = Annotated[float, Range(0, without="low")]
"""For divisors."""
Share: TypeAlias = Annotated[float, Range(0, 1)]
"""For fractions."""
Memory: TypeAlias = Annotated[float, Range(0, 1, without="high")]
"""For decay rates of running means: with 1 the mean would never move from its start."""
Factor: TypeAlias = Annotated[float, Range(1)]
"""For growth factors."""
