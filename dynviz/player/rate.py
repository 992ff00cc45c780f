"""How many frames a second are drawn: as many as the terminal takes."""

from collections.abc import Mapping

LOCAL, REMOTE, LEAST = 60.0, 30.0, 4.0
DEPTH = 2
"""So many writes may wait for the terminal before a frame is left out."""
SLOW = 15.0
"""Frames a second of a terminal that is far behind."""
SLOWER, QUICKER = 0.75, 1.05
SHARE = 0.7
"""Of a core, that drawing may take."""


def limit(environ: Mapping[str, str]) -> float:
    """Frames a second at most: half as many where the terminal is far away or stands behind another one.

    >>> limit({}), limit({"TMUX": "/tmp/tmux-0/default,1,0"})
    (60.0, 30.0)
    """
    return REMOTE if environ.get("SSH_CONNECTION") or environ.get("TMUX") else LOCAL


class Rate:
    """Frames a second that adapt. A frame for which there is no time is left out, never put off.

    Attributes:
        frames: A second, by now.
        dropped: How many were left out.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self.frames = most
        self.dropped = 0
        self._cost = 0.0

    def admits(self, waiting: int) -> bool:
        """Whether to draw a frame while so many writes wait for the terminal."""
        # Behind a terminal that is known to be slow nothing may wait: keys would be answered after it.
        if waiting > (DEPTH if self.frames > SLOW else 0):
            self.dropped += 1
            self.frames = max(self.frames * SLOWER, LEAST)
            return False
        self.frames = min(self.frames * QUICKER, self._most)
        return True

    def took(self, seconds: float) -> None:
        """Say how long a frame took to draw."""
        self._cost += 0.2 * (seconds - self._cost)

    @property
    def interval(self) -> float:
        """Seconds until the next frame."""
        return max(1 / self.frames, self._cost / SHARE)
