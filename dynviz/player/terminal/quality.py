"""How well pictures are drawn for a terminal that is slow: fewer levels of colour first, then fewer colours."""

import math
from dataclasses import dataclass

from dynviz.cells.depth import Depth

BUSY, EASY, STUCK = 0.1, 0.05, 0.4
"""Seconds that a frame takes which is too large; one that may be larger; one that is not waited for."""
SETTLE, HOLD, LONGEST = 0.3, 2.0, 60.0
"""Seconds between two steps down; before a step up; at most, after steps up that had to be taken back."""
REGRET = 5.0
"""Seconds in which a step down takes back the one up before it."""


@dataclass(frozen=True)
class Rung:
    """A quality.

    Attributes:
        depth: How many colours.
        levels: Of a ramp.
        size: Of a picture, as a share of that in the best quality.
        said: What there is less of than there could be.
    """

    depth: Depth
    levels: int
    size: float
    said: str = ""

    @property
    def words(self) -> str:
        """What there is less of than there could be.

        >>> [rung.words for rung in ladder("true")]
        ['', 'slow: 32 levels', 'slow: 16 levels', 'slow: 256 colours']
        """
        return f"slow: {self.said}" if self.said else ""


def ladder(depth: Depth) -> tuple[Rung, ...]:
    """What there is for a terminal, the best first.

    >>> [(rung.depth, rung.levels) for rung in ladder("256")], len(ladder("16"))
    ([('256', 64), ('256', 32), ('256', 16)], 1)
    """
    if depth == "true":
        fewer = Rung("true", 32, 0.7, "32 levels"), Rung("true", 16, 0.5, "16 levels")
        return Rung("true", 64, 1), *fewer, Rung("256", 16, 0.33, "256 colours")
    if depth == "256":
        return Rung("256", 64, 1), Rung("256", 32, 0.75, "32 levels"), Rung("256", 16, 0.55, "16 levels")
    return (Rung(depth, 64, 1),)


class Quality:
    """Where on the ladder it stands.

    Attributes:
        rungs: The ladder.
        place: Which of them it is, 0 for the best.
    """

    def __init__(self, depth: Depth) -> None:
        self.rungs, self.place = ladder(depth), 0
        self._changed, self._raised, self._easy = -math.inf, -math.inf, math.inf
        self._hold = HOLD

    @property
    def rung(self) -> Rung:
        """The one on which it stands."""
        return self.rungs[self.place]

    @property
    def lowest(self) -> bool:
        """Whether there is no worse one."""
        return self.place + 1 == len(self.rungs)

    def arrived(self, seconds: float, now: float) -> None:
        """Say how long a frame took, and take the quality that suits."""
        if seconds > BUSY:
            self._easy = math.inf
            if now - self._changed >= SETTLE:
                self._fall(self.place + 1, now)
        elif self.place and seconds * self.rungs[self.place - 1].size / self.rung.size < EASY:
            self._easy = min(self._easy, now)
            if now - self._easy >= self._hold:
                self.place, self._changed, self._raised, self._easy = self.place - 1, now, now, math.inf
        else:
            self._easy = math.inf

    def stuck(self, seconds: float, now: float) -> bool:
        """Say for how long one has been under way; whether it is better not sent, and another, the least one, is."""
        if seconds < STUCK or self.lowest:
            return False
        self._fall(len(self.rungs) - 1, now)
        return True

    def _fall(self, place: int, now: float) -> None:
        if self.lowest:
            return
        # Between two of which one is too much, it stays on the other: for longer each time.
        self._hold = min(2 * self._hold, LONGEST) if now - self._raised < REGRET else HOLD
        self.place, self._changed = min(place, len(self.rungs) - 1), now
