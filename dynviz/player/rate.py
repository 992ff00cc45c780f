"""How many frames a second are drawn at most."""

from collections.abc import Mapping

LOCAL, REMOTE = 60.0, 30.0
SHARE = 0.7
"""Of a core, that drawing may take."""


def limit(environ: Mapping[str, str]) -> float:
    """Frames a second at most: half as many where the terminal is far away or stands behind another one.

    >>> limit({}), limit({"TMUX": "/tmp/tmux-0/default,1,0"})
    (60.0, 30.0)
    """
    return REMOTE if environ.get("SSH_CONNECTION") or environ.get("TMUX") else LOCAL


class Rate:
    """Frames a second: fewer where it takes long to draw them."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._cost = 0.0

    def took(self, seconds: float) -> None:
        """Say how long a frame took to draw."""
        self._cost += 0.2 * (seconds - self._cost)

    @property
    def interval(self) -> float:
        """Seconds until the next frame."""
        return max(1 / self._most, self._cost / SHARE)
