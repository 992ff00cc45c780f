"""How fast a recording grows, and how long it will take."""

import math
from collections import deque

WINDOW = 4.0
"""Seconds that are looked back at."""
HELD = 1.0
"""Seconds for which what was said stands: words that change oftener cannot be read."""


class StepRate:
    """Steps a second over the last seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()
        self._said: tuple[float, float | None] = -math.inf, None

    def note(self, now: float, step: int) -> None:
        """Say how far it is. One that stands still becomes slower and slower."""
        if self._seen and step < self._seen[-1][1]:
            self._seen.clear()
            self._said = -math.inf, None
        if len(self._seen) > 1 and self._seen[-1][1] == self._seen[-2][1] == step:
            self._seen[-1] = now, step
        else:
            self._seen.append((now, step))
        while len(self._seen) > 2 and self._seen[1][0] < now - WINDOW:
            self._seen.popleft()
        if self._said[1] is None or now - self._said[0] >= HELD:
            self._said = now, self._measured

    @property
    def rate(self) -> float | None:
        """Steps a second; None while it cannot be said."""
        return self._said[1]

    @property
    def _measured(self) -> float | None:
        if len(self._seen) < 2:
            return None
        (since, first), (until, last) = self._seen[0], self._seen[-1]
        return (last - first) / (until - since) if until - since > 0.2 and last > first else None

    def left(self, total: int) -> float | None:
        """Seconds until it is at a step; None while it cannot be said."""
        return (total - self._seen[-1][1]) / self.rate if self.rate else None
