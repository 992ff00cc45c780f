"""Who sets the terminal right when the player is gone without having done so: killed, or by a bus error."""

import contextlib
import subprocess
from collections.abc import Iterator

MODES = (1000, 1002, 1003, 1006, 1015, 1016, 1004, 2004, 2048)
"""Mouse, focus, pasting and resizing in words."""
RIGHT = "".join(rf"\033[?{mode}l" for mode in MODES) + r"\033[<u\033[?1049l\033[?25h"
"""None of these, the usual keyboard, the usual screen, a cursor."""
WORDS = r"\r\ndynviz: the player was killed\r\n"
SCRIPT = f"trap '' INT QUIT TERM TTOU; read -r word || {{ stty sane <&1; printf '{RIGHT}{WORDS}'; }}"
"""A word on the pipe is a good end; the pipe's own end without one is a bad one."""


@contextlib.contextmanager
def guarded(terminal: int) -> Iterator[None]:
    """Have a shell wait beside us; without one there is no guard, and nothing else changes.

    Args:
        terminal: A descriptor of it.
    """
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", SCRIPT], stdin=subprocess.PIPE, stdout=terminal, stderr=subprocess.DEVNULL
        )
    except OSError:
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            process.communicate(b"well\n")
