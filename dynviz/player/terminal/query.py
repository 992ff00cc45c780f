"""Questions to the terminal, and its answers.

The attributes of the device (DA1), which every terminal tells, are asked for last and end the waiting. Terminals that
do not know a question ignore it.

Source: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
"""

import os
import re
import select
import sys
import termios
import time
import tty
from collections.abc import Mapping

DEVICE = b"\x1b[c"
LAST = re.compile(rb"\x1b\[\?[0-9;]*c")
PATIENCE = 2.0
"""Seconds for which answers are awaited; the player drops what comes later, a shell would take it for keys."""
BEHIND_TMUX = 0.3
"""Seconds in all for which a terminal behind tmux is awaited: tmux itself has answered, and may pass nothing on."""
MISTAKEN = ("screen", "tmux", "linux")
"""Terminals that would show the query, or answer for another one."""


class TerminalQuery:
    """Questions that were sent; between them and `read`, nothing else may read from the terminal.

    Args:
        source: The descriptor that answers are read from.
        target: The descriptor that the questions are written to.
        asked: The questions.
        beyond: What a terminal behind tmux would answer; None where there is no tmux.
    """

    def __init__(self, source: int, target: int, asked: bytes, beyond: re.Pattern[bytes] | None = None) -> None:
        self._source, self._beyond = source, beyond
        self._before = termios.tcgetattr(source)
        tty.setcbreak(source, termios.TCSANOW)
        try:
            os.write(target, asked + DEVICE)
        except OSError:
            termios.tcsetattr(source, termios.TCSANOW, self._before)
            raise
        self._began = time.monotonic()

    def read(self) -> bytes:
        """All answers, as far as they came in time; ends the query."""
        answers = b""
        try:
            while (left := self._left(answers)) > 0:
                if select.select([self._source], [], [], left)[0]:
                    data = os.read(self._source, 4096)
                    if not data:
                        break
                    answers += data
        finally:
            termios.tcsetattr(self._source, termios.TCSANOW, self._before)
        return answers

    def _left(self, answers: bytes) -> float:
        """Seconds for which more is awaited."""
        patience = PATIENCE
        if LAST.search(answers):
            if self._beyond is None or self._beyond.search(answers):
                return 0.0
            patience = BEHIND_TMUX
        return self._began + patience - time.monotonic()


def send(
    asked: bytes, environ: Mapping[str, str], target: int, beyond: re.Pattern[bytes] | None = None
) -> TerminalQuery | None:
    """Ask the terminal.

    Args:
        asked: The questions.
        environ: The variables.
        target: The descriptor of the terminal.
        beyond: What a terminal behind tmux would answer; None where only the nearest one is asked.

    Returns:
        The query; None where there is nothing to ask, or nobody.
    """
    mistaken = environ.get("TERM", "").startswith(MISTAKEN) or environ.get("TMUX") or environ.get("STY")
    if not asked or (mistaken and beyond is None):
        return None
    try:
        source = sys.__stdin__.fileno() if sys.__stdin__ is not None else 0
        if _in_background(source):
            return None
        return TerminalQuery(source, target, asked, beyond)
    except (OSError, ValueError, termios.error):
        return None


def _in_background(source: int) -> bool:
    """Whether this is a job in the background, which would be stopped as it touches its terminal."""
    try:
        return os.tcgetpgrp(source) != os.getpgrp()
    except OSError:
        # It is not the terminal that controls this process.
        return False
