"""The playback position, its speed, and following live training. Times are passed in; no clock is read."""

import numpy as np
from numpy.typing import NDArray

SPEEDS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0, 16.0)
SECONDS = 20.0
"""Seconds to play a whole run at speed 1."""
SLOWEST = 5.0
"""Minimum steps per second, for short runs."""
LONGEST_ADVANCE = 1.0
"""Maximum seconds covered by one advance, so that nothing is skipped after the terminal was suspended."""


class Playback:
    """A position among the steps of a film, moved by time or by the user.

    Attributes:
        steps: The steps that can be shown, ascending; more while training goes on.
        total: The last step that is planned.
        live: Whether more steps will come.
        playing: Whether time moves the position.
        following: Whether the position is always the newest step.
        speed: At speed 1 a run takes twenty seconds.
    """

    def __init__(self) -> None:
        self.steps: NDArray[np.int64] = np.zeros(0, np.int64)
        self.total = 0
        self.live = False
        self.playing = False
        self.following = False
        self.speed = 1.0
        self._position = 0.0
        self._now: float | None = None

    def extend(self, steps: NDArray[np.int64], total: int, *, live: bool) -> None:
        """Update the available steps."""
        self.steps, self.total, self.live = steps, total, live
        if self.following:
            self._position = self.edge
            self.following = self.playing = live
        self._position = min(max(self._position, self.start), self.edge)

    @property
    def start(self) -> float:
        return float(self.steps[0]) if len(self.steps) else 0.0

    @property
    def edge(self) -> float:
        return float(self.steps[-1]) if len(self.steps) else 0.0

    @property
    def step(self) -> int:
        """The shown step: the last step of the film up to the position."""
        return int(self.steps[self._index()]) if len(self.steps) else 0

    @property
    def rate(self) -> float:
        """Steps per second during playback."""
        return max(self.total / SECONDS, SLOWEST) * self.speed

    @property
    def moving(self) -> bool:
        """Whether the picture changes with time."""
        return self.playing and not self.following and len(self.steps) > 0

    def advance(self, now: float) -> None:
        """Advance the position to the current time."""
        passed = 0.0 if self._now is None else min(max(now - self._now, 0.0), LONGEST_ADVANCE)
        self._now = now
        if not self.moving:
            return
        self._position += passed * self.rate
        if self._position >= self.edge:
            self._position = self.edge
            self.following = self.playing = self.live

    def toggle(self, now: float) -> None:
        """Play or pause; at the end of a finished run, restart from the beginning."""
        self.advance(now)
        if self.playing:
            self.playing = self.following = False
            return
        at_edge = self._position >= self.edge
        if at_edge and not self.live:
            self._position = self.start
        self.playing, self.following = True, at_edge and self.live

    def seek(self, step: float) -> None:
        """Go to a step, or the nearest end, and continue playing from there."""
        self.following = False
        self._position = min(max(float(step), self.start), self.edge)

    def move(self, samples: int) -> None:
        """Go this many of the film's steps ahead or back, and pause there."""
        if not len(self.steps):
            return
        index = min(max(self._index() + samples, 0), len(self.steps) - 1)
        self.seek(float(self.steps[index]))
        self.playing = False

    def end(self) -> None:
        """Go to the newest step, and follow live training."""
        self.seek(self.edge)
        self.following = self.playing = self.live

    def follow(self) -> None:
        """Go to the newest step of live training, and stay there."""
        if self.live:
            self.end()

    def change_speed(self, by: int) -> None:
        """Change the speed by this many places in the list, stopping at its ends."""
        place = SPEEDS.index(self.speed) + by
        self.speed = SPEEDS[min(max(place, 0), len(SPEEDS) - 1)]

    def _index(self) -> int:
        return max(int(np.searchsorted(self.steps, self._position, side="right")) - 1, 0)
