"""The playback position, its speed, and following live training. Times are passed in; no clock is read."""

import math

import numpy as np
from numpy.typing import NDArray

from dynviz.scene.step_scale import StepScale
from dynviz.settings.values import SPEEDS

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
        front: The newest step of what grows, behind which others may be longer; the last one when nothing does.
        playing: Whether time moves the position.
        following: Whether the position is always the newest step.
        speed: At speed 1 a run takes twenty seconds.
        scale: Which steps time is taken for; None while it runs with the steps.
    """

    def __init__(self) -> None:
        self.steps: NDArray[np.int64] = np.zeros(0, np.int64)
        self.total = 0
        self.live = False
        self.front = 0.0
        self.playing = False
        self.following = False
        self.speed = 1.0
        self.scale: StepScale | None = None
        self._position = 0.0
        self._now: float | None = None
        # A frame asks ten times: the steps, the position, and its index.
        self._found = self.steps, -1.0, 0

    def extend(self, steps: NDArray[np.int64], total: int, *, growing: tuple[int, int] | None = None) -> None:
        """Update the available steps.

        Args:
            steps: Those of the film.
            total: The last step that is planned.
            growing: The newest step of what grows and the last one planned for it; None if nothing grows.
        """
        self.steps, self.total, self.live = steps, total, growing is not None
        self.front = self.edge if growing is None else min(float(growing[0]), self.edge)
        if self.following:
            self._position = self.front
            self.following = self.playing = self.live
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
        before = self._position
        if self.scale is None:
            self._position += passed * self.rate
        else:
            share = passed * self.speed / SECONDS
            self._position = float(self.scale.steps(self.scale.places(self._position) + share))
        if self.live and before <= self.front <= self._position:
            self._position, self.following = self.front, True
        elif self._position >= self.edge:
            self._position, self.playing = self.edge, False

    def toggle(self, now: float) -> None:
        """Play or pause; at the end of a finished run, restart from the beginning."""
        self.advance(now)
        if self.playing:
            self.playing = self.following = False
            return
        if self._position >= self.edge and not self.live:
            self._position = self.start
        self.playing, self.following = True, self.live and self._position >= self.front

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
        self.seek(self.front)
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
        if self._found[0] is not self.steps or self._found[1] != self._position:
            # Steps are whole: for a position between them, numpy would make floating-point numbers of them all.
            place = int(self.steps.searchsorted(math.floor(self._position), "right"))
            self._found = self.steps, self._position, max(place - 1, 0)
        return self._found[2]
