"""Restores the terminal when the player is killed and cannot do so itself."""

import contextlib
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from dynviz.text import one_line

MODES = (1000, 1002, 1003, 1006, 1015, 1016, 1004, 2004, 2048)
"""Modes that the player switches on: mouse, focus, bracketed paste, reports of the size."""
RIGHT = "".join(rf"\033[?{mode}l" for mode in MODES) + r"\033[?7h\033[<u\033[?1049l\033[?25h\033[0m"
"""Switches these off; lines that wrap, the usual keyboard, the usual screen, a cursor, no colours."""
ENDING = "\x1b\\"
"""Ends a picture that was being sent."""
SCRIPT = rf"""
trap '' INT QUIT TERM TTOU
trains=
while read -r word folder; do
    [ "$word" = well ] && exit
    trains=$folder
done
stty sane <&1
printf '%s{RIGHT}\r\ndynviz: the player was killed\r\n' "$1"
[ "$trains" ] || exit
printf 'training continues; see it with: dynviz play %s; stop it with: dynviz stop %s\r\n' "$trains" "$trains"
"""
"""A word on the pipe says what trains, or that the player ended well; the end of the pipe, that it was killed."""


class Guard:
    """A shell that waits beside the player; the end of its pipe without a word tells it that the player was killed.

    Args:
        process: The shell; None where none could be started.
    """

    def __init__(self, process: "subprocess.Popen[bytes] | None") -> None:
        self._process, self._folder = process, ""

    def trains(self, folder: Path | None) -> None:
        """Tell it which run trains in the background, if any, so that the user hears of it."""
        words = shlex.quote(one_line(str(folder))) if folder is not None else ""
        if words != self._folder:
            self._folder = words
            self._tell(f"trains {words}")

    def well(self) -> None:
        """Tell it that the player ends well, and wait for it."""
        self._tell("well")
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.communicate()

    def _tell(self, words: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(words.encode(errors="replace") + b"\n")
                self._process.stdin.flush()


@contextlib.contextmanager
def guarded(terminal: int, removal: str = "") -> Iterator[Guard]:
    """Have a shell wait beside the player, which restores the terminal if the player is killed.

    Where no shell can be started, nothing is guarded.

    Args:
        terminal: Its descriptor.
        removal: What removes pictures from it.
    """
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", SCRIPT, "sh", f"{ENDING}{removal}"],
            stdin=subprocess.PIPE,
            stdout=terminal,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        yield Guard(None)
        return
    guard = Guard(process)
    try:
        yield guard
    finally:
        guard.well()
