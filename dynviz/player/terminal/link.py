"""What is on its way to the terminal, and how long that takes."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

FRAME = 4000
"""Characters from which on a text is a picture, and not a few words."""
PATIENCE = 10.0
"""Seconds without an answer after which a terminal is no longer believed to give any."""
NEWEST = 0.3
"""Weight of the newest frame in the pace."""


@dataclass(frozen=True)
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
    """Characters are counted: those that were given, those that the system has taken, those that have arrived.

    The system takes what a terminal far away gets seconds later. So the terminal is asked something after each frame,
    and answers when it has come so far; one that answers nothing is taken to have what the system took. Three threads
    talk to it: one gives, one takes, one hears.

    Attributes:
        pace: Seconds that a character of the last frames took.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin with nothing on its way.

        Args:
            clock: Says the time.
        """
        self._clock, self._lock = clock, threading.Lock()
        self._frames: deque[_Sent] = deque()
        self._asked: deque[tuple[int, float]] = deque()
        self.pace = 0.0
        self.begin()

    def begin(self) -> None:
        """Begin anew: what was on its way before is not waited for."""
        with self._lock:
            self._given = self._taken = self._cut = 0
            self._frames.clear()
            self._asked.clear()
            self._news: list[Arrival] = []
            self._least: float | None = None
            self._free = 0.0

    def give(self, size: int) -> None:
        """So many characters are to be written."""
        with self._lock:
            self._given += size
            if size >= FRAME:
                self._frames.append(_Sent(self._given, size, self._clock()))

    def ask(self) -> None:
        """The terminal will answer when it has come so far."""
        with self._lock:
            self._asked.append((self._given, self._clock()))

    def take(self, size: int) -> None:
        """So many were written."""
        with self._lock:
            self._taken += size
            if self._least is None:
                self._arrive(self._taken, 0.0)

    def answer(self) -> None:
        """The terminal has come to the oldest question."""
        with self._lock:
            if self._asked:
                place, began = self._asked.popleft()
                took = self._clock() - began
                self._least = took if self._least is None else min(self._least, took)
                self._arrive(place, self._least)

    def _arrive(self, place: int, least: float) -> None:
        """All up to a place is there; `least` seconds are those that even the shortest text takes."""
        now = self._clock()
        while self._frames and self._frames[0].place <= place:
            frame = self._frames.popleft()
            if frame.whole:
                seconds = max(now - max(frame.began + least, self._free), 0.0)
                self._news.append(Arrival(frame.size, seconds))
                self.pace += NEWEST * (seconds / frame.size - self.pace)
            self._free = now

    def news(self) -> list[Arrival]:
        """What has arrived since this was asked last."""
        with self._lock:
            found, self._news = self._news, []
            return found

    @property
    def age(self) -> float | None:
        """Seconds for which the oldest frame is longer on its way than it must; None while there is none."""
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
        """What is on its way here shall not go further."""
        with self._lock:
            self._cut = self._given
            for frame in self._frames:
                frame.whole = False

    @property
    def cutting(self) -> bool:
        """Whether what is taken now was cut."""
        return self._taken < self._cut
