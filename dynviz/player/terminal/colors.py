r"""Asking the terminal whether it shows all colours, and what its ground is.

Over ssh, the variable COLORTERM that tells of all colours elsewhere is gone.

A colour is set and asked for again (DECRQSS), and the capability RGB is asked for (XTGETTCAP); the attributes of the
device (DA1), which every terminal tells, come last and end the waiting. Terminals that know neither ignore them. The
ground's colour is asked for by OSC 11.

Sources: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html, https://github.com/termstandard/colors
"""

import os
import re
import select
import sys
import termios
import time
import tty
from collections.abc import Mapping, Sequence

from dynviz.cells.depth import Depth

COLORS = b"\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[0m\x1bP+q524742\x1b\\"
GROUND = b"\x1b]11;?\x1b\\"
DEVICE = b"\x1b[c"
YES = re.compile(rb"\x1bP1\$r[0-9:;]*48[:;]2[:;]+1[:;]2[:;]3|\x1bP1\+r524742")
IS_GROUND = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")
LAST = re.compile(rb"\x1b\[\?[0-9;]*c")
PATIENCE = 2.0
"""Seconds for which answers are awaited; what came later would be taken for keys."""
MISTAKEN = ("screen", "tmux", "linux")
"""Terminals that would show the query, or answer for another one."""


class ColorQuery:
    """A query that was sent; between it and `depth`, nothing else may read from the terminal.

    Args:
        source: The descriptor that answers are read from.
        target: The descriptor that the query is written to.
        asked: What is asked for.

    Attributes:
        ground: After `depth`, `dark` or `light`; empty if the terminal does not say.
    """

    def __init__(self, source: int, target: int, asked: bytes = COLORS) -> None:
        self._source, self.ground = source, ""
        self._before = termios.tcgetattr(source)
        tty.setcbreak(source, termios.TCSANOW)
        os.write(target, asked + DEVICE)
        self._until = time.monotonic() + PATIENCE

    def depth(self, known: Depth) -> Depth:
        """The answer, or what was known before if there is none; ends the query."""
        read = b""
        try:
            while not LAST.search(read) and (left := self._until - time.monotonic()) > 0:
                if select.select([self._source], [], [], left)[0]:
                    data = os.read(self._source, 4096)
                    if not data:
                        break
                    read += data
        finally:
            termios.tcsetattr(self._source, termios.TCSANOW, self._before)
        color = IS_GROUND.search(read)
        if color is not None:
            self.ground = "light" if _is_light(color.groups()) else "dark"
        return "true" if YES.search(read) else known


def ask(known: Depth, environ: Mapping[str, str], target: int, *, ground: bool = False) -> ColorQuery | None:
    """Ask the terminal, where its variables leave it open.

    Args:
        known: What the variables say.
        environ: The variables.
        target: The descriptor of the terminal.
        ground: Whether to ask for the ground too.

    Returns:
        The query; None where there is nothing to ask, or nobody.
    """
    forced = any(environ.get(name) for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"))
    term = environ.get("TERM", "")
    asked = COLORS if known == "256" and not forced else b""
    asked += GROUND if ground and known != "none" else b""
    if not asked or term.startswith(MISTAKEN) or {"TMUX", "STY"} & environ.keys():
        return None
    try:
        return ColorQuery(sys.__stdin__.fileno() if sys.__stdin__ is not None else 0, target, asked)
    except (OSError, ValueError, termios.error):
        return None


def ground_of(environ: Mapping[str, str]) -> str:
    """What a terminal's variables say of its ground: `light` or `dark`, which is most common.

    >>> ground_of({"COLORFGBG": "0;15"}), ground_of({})
    ('light', 'dark')
    """
    return "light" if environ.get("COLORFGBG", "").rpartition(";")[2] in {"7", "15"} else "dark"


def _is_light(parts: Sequence[bytes]) -> bool:
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in parts)
    return bool(0.299 * red + 0.587 * green + 0.114 * blue > 0.5)
