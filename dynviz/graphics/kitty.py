r"""kitty's graphics protocol.

A picture is sent once, under a number, as compressed RGB in chunks of base64. It is shown where the cursor is, or by
characters that stand for its cells: placeholders, which any program may move, cover and erase like other text.

>>> command("a=d,d=I,i=7,q=2")
'\x1b_Ga=d,d=I,i=7,q=2\x1b\\'

Source: https://sw.kovidgoyal.net/kitty/graphics-protocol/
"""

import base64
import zlib
from collections.abc import Iterable

from dynviz.frame import Pixels

CHUNK = 4096
"""Characters of base64 in one command."""
LEVEL = 4
"""zlib's level: drawings are a sixth smaller than at level 1; higher levels cost more time than they save."""
PLACEHOLDER = "\U0010eeee"
DIACRITICS = (
    "\u0305\u030d\u030e\u0310\u0312\u033d\u033e\u033f\u0346\u034a\u034b\u034c\u0350\u0351\u0352\u0357"
    "\u035b\u0363\u0364\u0365\u0366\u0367\u0368\u0369\u036a\u036b\u036c\u036d\u036e\u036f\u0483\u0484"
    "\u0485\u0486\u0487\u0592\u0593\u0594\u0595\u0597\u0598\u0599\u059c\u059d\u059e\u059f\u05a0\u05a1"
    "\u05a8\u05a9\u05ab\u05ac\u05af\u05c4\u0610\u0611\u0612\u0613\u0614\u0615\u0616\u0617\u0657\u0658"
)
"""The marks over a placeholder that say its row and its column, from 0: the first 64 of the protocol's."""
MOST = len(DIACRITICS)
"""Rows and columns of a picture that placeholders can stand for."""


def command(keys: str, payload: str = "") -> str:
    """One command."""
    return f"\x1b_G{keys}{payload and ';' + payload}\x1b\\"


def transmission(pixels: Pixels, keys: str, *, tmux: bool = False) -> str:
    """The commands that send pixels [height, width, 3].

    Args:
        pixels: The picture.
        keys: What is done with it, such as `a=T,i=1`.
        tmux: Whether tmux has to pass them on.
    """
    height, width = pixels.shape[:2]
    data = base64.b64encode(zlib.compress(pixels.tobytes(), LEVEL)).decode("ascii")
    chunks = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    first = f"{keys},f=24,o=z,s={width},v={height},q=2"
    commands = [
        command(f"{first if index == 0 else 'q=2'},m={int(index + 1 < len(chunks))}", chunk)
        for index, chunk in enumerate(chunks)
    ]
    return passed_on(commands) if tmux else "".join(commands)


def deletion(numbers: Iterable[int], *, tmux: bool = False) -> str:
    """The commands that remove pictures from the screen and from the terminal's memory."""
    commands = [command(f"a=d,d=I,i={number},q=2") for number in numbers]
    return passed_on(commands) if tmux else "".join(commands)


def passed_on(commands: Iterable[str]) -> str:
    r"""Commands as tmux passes them on to the terminal around it.

    >>> passed_on([command("q=2")])
    '\x1bPtmux;\x1b\x1b_Gq=2\x1b\x1b\\\x1b\\'
    """
    return "".join("\x1bPtmux;" + one.replace("\x1b", "\x1b\x1b") + "\x1b\\" for one in commands)


def placeholders(number: int, row: int, first: int, count: int) -> str:
    """Characters that stand for a part of a row of a picture.

    Each says its row and column itself: one that took them from the character before it would show another place
    where that is covered.

    Args:
        number: The picture's. Its lowest byte is a colour of a table, which is left alone by what stands between; its
            highest is a third mark, and the bytes between are zero.
        row: In cells, from 0.
        first: The first column.
        count: The number of columns.
    """
    high = DIACRITICS[number >> 24] if number >> 24 else ""
    marks = (f"{PLACEHOLDER}{DIACRITICS[row]}{DIACRITICS[column]}{high}" for column in range(first, first + count))
    return f"\x1b[38;5;{number & 0xFF}m{''.join(marks)}"
