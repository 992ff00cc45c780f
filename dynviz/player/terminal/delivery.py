"""Frames for the terminal: how many, in what quality, and when, by how the last ones arrived."""

from collections.abc import Callable, Mapping

from dynviz.cells.depth import Depth
from dynviz.graphics.support import USUAL_CELL, GraphicsSupport
from dynviz.player.terminal.link import Link
from dynviz.player.terminal.quality import PictureQuality, QualityControl
from dynviz.player.terminal.surface import surface_of

LOCAL, REMOTE = 60.0, 30.0
"""Frames a second at most: in a terminal of this machine, and in one that is remote or behind tmux."""
CPU_SHARE = 0.7
"""Share of a core that drawing may take."""
RESEND_SECONDS = 0.15
"""Time that a part of a picture may take that is sent again: a key may have to wait that long."""
CELL_CHARACTERS = 22
ROW_SECONDS = 1e-5
"""Time that a row takes at least."""
LATE = 0.05
"""Seconds for which a frame may be on its way when the next one is drawn, where they arrive sooner than that."""
MOST_LAG = 1.0
"""Seconds: what is later was suspended rather than busy."""
LAG_DECAY = 0.9
"""Share of a lag that is still expected at the next frame."""
WORTH_CUTTING = 20_000
"""Characters that must be left of a picture for it to be cut off."""


def frame_limit(environ: Mapping[str, str]) -> float:
    """Frames a second at most.

    >>> frame_limit({}), frame_limit({"TMUX": "/tmp/tmux-0/default,1,0"})
    (60.0, 30.0)
    """
    return REMOTE if environ.get("SSH_CONNECTION") or environ.get("TMUX") else LOCAL


class FrameRate:
    """Frames a second: fewer where it takes long to draw them."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._cost = 0.0

    def took(self, seconds: float) -> None:
        """Note how long a frame took to draw."""
        self._cost += 0.2 * (seconds - self._cost)

    @property
    def interval(self) -> float:
        """Seconds until the next frame."""
        return max(1 / self._limit, self._cost / CPU_SHARE)


class Delivery:
    """Decides for each frame whether it is drawn, and in what quality.

    Attributes:
        link: What is on its way.
        surface: Where pictures of pixels are shown; None in a terminal that shows none.
        cell: Width and height of a cell in pixels.
        rate: How many frames a second at most.
        control: Chooses the quality.
        dropped: How many frames were left out.
    """

    def __init__(
        self,
        depth: Depth,
        environ: Mapping[str, str],
        clock: Callable[[], float],
        graphics: GraphicsSupport | None = None,
    ) -> None:
        self.link = Link(clock)
        self.surface, self.cell = surface_of(graphics, self.link), graphics.cell if graphics is not None else USUAL_CELL
        moving = self.surface is None or self.surface.moving
        self.control = QualityControl(depth, pixels=self.surface is not None, moving=moving)
        self.rate = FrameRate(min(frame_limit(environ), self.surface.rate if self.surface is not None else LOCAL))
        self.dropped = 0
        self._clock, self._patience, self._lag = clock, 0.0, 0.0

    def admits(self) -> bool:
        """Whether a frame may be sent now; one that may not is left out, never put off."""
        now = self._clock()
        for arrival in self.link.arrivals():
            self.control.arrived(max(arrival.seconds - self._lag, 0.0), now)
            # Nothing may wait behind a slow terminal: keys would be answered after it.
            self._patience = LATE if arrival.seconds < LATE else 0.0
        age = self.link.age
        late = age is not None and age >= self._patience
        self.dropped += late
        return not late

    def lagged(self, seconds: float) -> None:
        """Note how late a frame was begun: where the processor is busy, that is not the terminal's fault."""
        self._lag = max(min(seconds, MOST_LAG), LAG_DECAY * self._lag)

    def stuck(self) -> bool:
        """Whether what is on its way was cut off, because something smaller is there sooner."""
        age = self.link.age
        if age is None or self.link.left < WORTH_CUTTING or not self.control.stuck(age - self._lag, self._clock()):
            return False
        self.link.cut()
        return True

    def rows(self, columns: int) -> int:
        """How many rows may be sent again now in full quality; none while something is on its way."""
        if self.busy:
            return 0
        return max(int(RESEND_SECONDS / max(self.link.pace * CELL_CHARACTERS * columns, ROW_SECONDS)), 1)

    @property
    def busy(self) -> bool:
        """Whether something is on its way."""
        return self.link.age is not None or bool(self.link.left)

    @property
    def now(self) -> float:
        """The present time."""
        return self._clock()

    @property
    def quality(self) -> PictureQuality:
        """That of the next frame."""
        return self.control.quality

    @property
    def best(self) -> PictureQuality:
        """The best that the terminal can show."""
        return self.control.qualities[0]
