"""Frames for the terminal: how many, how good, and when, by how the last ones arrived."""

from collections.abc import Callable, Mapping

from dynviz.cells.depth import Depth
from dynviz.player.rate import Rate, limit
from dynviz.player.terminal.link import Link
from dynviz.player.terminal.quality import Quality, Rung

PART, CELL, TINY = 0.15, 22, 1e-5
"""Seconds that a part of a picture takes which is sent again: so long a key may have to wait; characters of a cell;
seconds that a row takes at least."""
LATE = 0.05
"""Seconds for which a frame may be on its way when the next one is drawn, where they arrive sooner than that."""
MUCH = 20_000
"""Characters that must be left of a picture for it to be worth cutting."""


class Delivery:
    """Decides for each frame whether it is drawn, and how well.

    Attributes:
        link: What is on its way.
        rate: How many frames a second at most.
        quality: How good they are.
        dropped: How many were left out.
    """

    def __init__(self, depth: Depth, environ: Mapping[str, str], clock: Callable[[], float]) -> None:
        self.link, self.rate, self.quality = Link(clock), Rate(limit(environ)), Quality(depth)
        self.dropped = 0
        self._clock, self._patience = clock, 0.0

    def admits(self) -> bool:
        """Whether there is a way for a frame now. One for which there is none is left out, never put off."""
        now = self._clock()
        for arrival in self.link.news():
            self.quality.arrived(arrival.seconds, now)
            # Behind a terminal that is slow nothing may wait: keys would be answered after it.
            self._patience = LATE if arrival.seconds < LATE else 0.0
        age = self.link.age
        late = age is not None and age >= self._patience
        self.dropped += late
        return not late

    def stuck(self) -> bool:
        """Whether what is on its way was cut off, since something smaller is there sooner."""
        age = self.link.age
        if age is None or self.link.left < MUCH or not self.quality.stuck(age, self._clock()):
            return False
        self.link.cut()
        return True

    def rows(self, columns: int) -> int:
        """How many rows may be sent again now in full quality; none while something is on its way."""
        if self.link.age is not None or self.link.left:
            return 0
        return max(int(PART / max(self.link.pace * CELL * columns, TINY)), 1)

    @property
    def now(self) -> float:
        """The time."""
        return self._clock()

    @property
    def rung(self) -> Rung:
        """How good the next frame is."""
        return self.quality.rung

    @property
    def best(self) -> Rung:
        """How good it could be."""
        return self.quality.rungs[0]
