"""The speed at which a recording grows, and the time remaining."""

import math
from collections import deque

WINDOW = 4.0
"""Seconds over which the rate is measured."""
HELD = 1.0
"""Seconds between changes of the shown rate, so that it can be read."""


class StepRate:
    """Steps per second over the last seconds.

    Attributes:
        rate: Steps per second as shown; None while unknown.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()
        self.rate: float | None = None
        self._since = -math.inf

    def note(self, now: float, step: int) -> None:
        """Update the rate with the newest step; it falls while the recording stands still."""
        if self._seen and step < self._seen[-1][1]:
            self._seen.clear()
            self.rate = None
        if len(self._seen) > 1 and self._seen[-1][1] == self._seen[-2][1] == step:
            self._seen[-1] = now, step
        else:
            self._seen.append((now, step))
        while len(self._seen) > 2 and self._seen[1][0] < now - WINDOW:
            self._seen.popleft()
        if self.rate is None or now - self._since >= HELD:
            self._since, self.rate = now, self._measured()

    def _measured(self) -> float | None:
        (since, first), (until, last) = self._seen[0], self._seen[-1]
        return (last - first) / (until - since) if until - since > 0.2 and last > first else None

    def left(self, total: int) -> float | None:
        """Seconds until a step is reached; None while unknown."""
        return (total - self._seen[-1][1]) / self.rate if self.rate else None
