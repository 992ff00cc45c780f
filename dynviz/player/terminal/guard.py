"""Restores the terminal when the player is killed and cannot do so itself."""

import contextlib
import subprocess
from collections.abc import Iterator

MODES = (1000, 1002, 1003, 1006, 1015, 1016, 1004, 2004, 2048)
"""Modes that the player switches on: mouse, focus, bracketed paste, reports of the size."""
RIGHT = "".join(rf"\033[?{mode}l" for mode in MODES) + r"\033[<u\033[?1049l\033[?25h"
"""Switches these off; the usual keyboard, the usual screen, a cursor."""
WORDS = r"\r\ndynviz: the player was killed\r\n"
SCRIPT = f"trap '' INT QUIT TERM TTOU; read -r word || {{ stty sane <&1; printf '{RIGHT}{WORDS}'; }}"
"""A word on the pipe says that the player ended well; the end of the pipe without one, that it was killed."""


@contextlib.contextmanager
def guarded(terminal: int) -> Iterator[None]:
    """Have a shell wait beside the player, which restores the terminal if the player is killed.

    Where no shell can be started, nothing is guarded.

    Args:
        terminal: Its descriptor.
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
