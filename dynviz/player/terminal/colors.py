r"""Asking the terminal whether it shows all colours, and what its ground is.

Over ssh, the variable COLORTERM that tells of all colours elsewhere is gone. A colour is set and asked for again
(DECRQSS), and the capability RGB is asked for (XTGETTCAP). The ground's colour is asked for by OSC 11.

Sources: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html, https://github.com/termstandard/colors
"""

import re
from collections.abc import Mapping, Sequence

from dynviz.cells.depth import Depth

COLORS = b"\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[0m\x1bP+q524742\x1b\\"
GROUND = b"\x1b]11;?\x1b\\"
YES = re.compile(rb"\x1bP1\$r[0-9:;]*48[:;]2[:;]+1[:;]2[:;]3|\x1bP1\+r524742")
IS_GROUND = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")


def questions(known: Depth, environ: Mapping[str, str], *, ground: bool = False) -> bytes:
    """What has to be asked, where the terminal's variables leave it open.

    Args:
        known: What the variables say.
        environ: The variables.
        ground: Whether to ask for the ground too.
    """
    forced = any(environ.get(name) for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"))
    # xterm itself, which shows all colours, takes COLORTERM away and calls itself "xterm", as if it had 16.
    modest = known == "256" or (known == "16" and environ.get("TERM", "").startswith("xterm"))
    asked = COLORS if modest and not forced else b""
    return asked + GROUND if ground and known != "none" else asked


def depth_in(answers: bytes, known: Depth) -> Depth:
    """The depth by a terminal's answers, or what was known before."""
    return "true" if YES.search(answers) else known


def ground_in(answers: bytes) -> str:
    """The ground by a terminal's answers: `light` or `dark`; empty if it does not say."""
    color = IS_GROUND.search(answers)
    return "" if color is None else "light" if _is_light(color.groups()) else "dark"


def ground_of(environ: Mapping[str, str]) -> str:
    """What a terminal's variables say of its ground: `light` or `dark`, which is most common.

    >>> ground_of({"COLORFGBG": "0;15"}), ground_of({})
    ('light', 'dark')
    """
    return "light" if environ.get("COLORFGBG", "").rpartition(";")[2] in {"7", "15"} else "dark"


def _is_light(parts: Sequence[bytes]) -> bool:
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in parts)
    return bool(0.299 * red + 0.587 * green + 0.114 * blue > 0.5)
