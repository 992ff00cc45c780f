"""What is on its way to the terminal, and how long that takes."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from dynviz.frozen import frozen

FRAME = 4000
"""Characters: a longer text is a picture, and not a few words."""
PATIENCE = 10.0
"""Seconds without an answer after which a terminal is taken to give none."""
NEWEST = 0.3
"""Weight of the newest frame in the pace."""


@frozen
class Arrival:
    """A frame that has arrived: its characters, and the seconds that they took."""

    size: int
    seconds: float


@dataclass
class _Sent:
    place: int
    size: int
    began: float
    whole: bool = True


class Link:
    """Counts characters: those to be written, those that the system has taken, those that have arrived.

    The system takes at once what a remote terminal gets seconds later. So the terminal is queried after each frame,
    and answers when it has read that far; one that never answers is assumed to have what the system took. It is told
    by three threads: of the player, which gives text, of the writer, which takes it, and of the reader of answers.

    Attributes:
        pace: Seconds that a character of the last frames took.
        cuts: How often something was dropped, or what the terminal shows was lost.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._frames: deque[_Sent] = deque()
        self._asked: deque[tuple[int, float]] = deque()
        self.pace, self.cuts = 0.0, 0
        self.begin()

    def begin(self) -> None:
        """Begin anew: what was on its way is not waited for."""
        with self._lock:
            self._given = self._taken = self._cut = 0
            self.cuts += 1
            self._frames.clear()
            self._asked.clear()
            self._arrivals: list[Arrival] = []
            self._least: float | None = None
            self._free = 0.0

    def give(self, size: int) -> None:
        """Note that characters are to be written."""
        with self._lock:
            self._given += size
            if size >= FRAME:
                self._frames.append(_Sent(self._given, size, self._clock()))

    def ask(self) -> None:
        """Note that the terminal is queried behind all that was given."""
        with self._lock:
            self._asked.append((self._given, self._clock()))

    def take(self, size: int) -> None:
        """Note that characters were written."""
        with self._lock:
            self._taken += size
            if self._least is None:
                self._arrive(self._taken, 0.0)

    def answer(self) -> None:
        """Note that the terminal answered the oldest query."""
        with self._lock:
            if self._asked:
                place, began = self._asked.popleft()
                took = self._clock() - began
                self._least = took if self._least is None else min(self._least, took)
                self._arrive(place, self._least)

    def _arrive(self, place: int, least: float) -> None:
        """Note that all up to a place is there; even the shortest text takes `least` seconds."""
        now = self._clock()
        while self._frames and self._frames[0].place <= place:
            frame = self._frames.popleft()
            if frame.whole:
                seconds = max(now - max(frame.began + least, self._free), 0.0)
                self._arrivals.append(Arrival(frame.size, seconds))
                self.pace += NEWEST * (seconds / frame.size - self.pace)
            self._free = now

    def arrivals(self) -> list[Arrival]:
        """The frames that have arrived since this was called last."""
        with self._lock:
            arrivals, self._arrivals = self._arrivals, []
            return arrivals

    @property
    def age(self) -> float | None:
        """Seconds by which the oldest frame is late; None while there is none."""
        with self._lock:
            now = self._clock()
            if self._asked and now - self._asked[0][1] > PATIENCE and self._taken == self._given:
                self._asked.clear()
                self._least = None
                self._arrive(self._taken, 0.0)
            return max(now - self._frames[0].began - (self._least or 0.0), 0.0) if self._frames else None

    @property
    def left(self) -> int:
        """Characters that the system has not taken."""
        return self._given - self._taken

    @property
    def answers(self) -> bool:
        """Whether the terminal answers."""
        return self._least is not None

    def cut(self) -> None:
        """Drop what has not been written."""
        with self._lock:
            self._cut = self._given
            self.cuts += self._taken < self._given
            for frame in self._frames:
                frame.whole = False

    @property
    def cutting(self) -> bool:
        """Whether what is written now was dropped."""
        return self._taken < self._cut
