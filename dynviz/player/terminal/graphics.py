r"""Asking the terminal whether it shows pictures, and how large its cells are.

Nothing is assumed by the name of a variable: ssh and tmux lose and inherit them. kitty's protocol has a question of
its own, a picture of one pixel that is not shown. iTerm2 and its relatives tell the size of a cell (ReportCellSize) or
their name (XTVERSION). Sixel is an attribute of the device. Behind tmux only kitty's protocol has pictures that tmux
can move, and tmux passes the question on where `allow-passthrough` is set.

Sources: https://sw.kovidgoyal.net/kitty/graphics-protocol/, https://iterm2.com/documentation-escape-codes.html,
https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
"""

import fcntl
import re
import struct
import subprocess
import termios
from collections.abc import Mapping

from dynviz.frozen import frozen
from dynviz.graphics.kitty import command, deletion, passed_on
from dynviz.graphics.support import USUAL_CELL, GraphicsChoice, GraphicsSupport, Protocol
from dynviz.graphics.tiles import numbers
from dynviz.player.terminal.query import LAST

PIXEL = command("i=31,s=1,v=1,a=q,t=d,f=24", "AAAA")
NAME, CELL, AREA, CELL_OF_ITERM = "\x1b[>q", "\x1b[16t", "\x1b[14t", "\x1b]1337;ReportCellSize\x1b\\"
REGISTERS, LARGEST_SIXELS = "\x1b[?1;1;0S", "\x1b[?2;1;0S"
KITTY = re.compile(rb"\x1b_Gi=31;OK\x1b\\")
IS_NAME = re.compile(rb"\x1bP>\|([^\x1b]*)\x1b\\")
IS_CELL, IS_AREA = (re.compile(rb"\x1b\[" + kind + rb";(\d{1,5});(\d{1,5})t") for kind in (b"6", b"4"))
IS_CELL_OF_ITERM = re.compile(rb"\x1b\]1337;ReportCellSize=([\d.]{1,9});([\d.]{1,9})(?:;([\d.]{1,9}))?")
HAS_REGISTERS = re.compile(rb"\x1b\[\?1;0;(\d{1,5})S")
HAS_LARGEST = re.compile(rb"\x1b\[\?2;0;(\d{1,5});(\d{1,5})S")
LIKE_ITERM = ("iTerm2", "WezTerm")
"""Names of terminals that show iTerm2's inline images."""
PLACEHOLDERS = re.compile(r"kitty\((\d+)\.(\d+)|(ghostty)", re.IGNORECASE)
"""Names of terminals in which characters can stand for a picture."""
FIRST_KITTY = (0, 28)
"""The first version of kitty that can do so."""
SIXEL = b"4"
LARGEST_CELL = 200
"""Pixels; a larger one is a mistake."""
TMUX_SECONDS = 1.0


@frozen
class TerminalSize:
    """The size of a terminal.

    Attributes:
        columns: In cells.
        rows: In cells.
        pixels: Width and height; zeros where the system does not know them.
    """

    columns: int
    rows: int
    pixels: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, terminal: int) -> "TerminalSize":
        """That of the terminal behind a descriptor."""
        try:
            rows, columns, width, height = struct.unpack("HHHH", fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8)))
        except OSError:
            return cls(0, 0)
        return cls(columns, rows, (width, height))


def questions(choice: GraphicsChoice, environ: Mapping[str, str]) -> tuple[bytes, re.Pattern[bytes] | None]:
    """What has to be asked, and what a terminal behind tmux would answer."""
    if choice == "cells" or environ.get("STY"):
        return b"", None
    if environ.get("TMUX"):
        return (passed_on([PIXEL]) + CELL + AREA).encode(), KITTY
    return (PIXEL + NAME + CELL_OF_ITERM + REGISTERS + LARGEST_SIXELS + CELL + AREA).encode(), None


def support_in(
    answers: bytes, choice: GraphicsChoice, environ: Mapping[str, str], size: TerminalSize, *, still: bool = False
) -> GraphicsSupport | None:
    """How pictures are shown, by a terminal's answers; None for characters.

    Args:
        answers: What it answered.
        choice: What the user wants; a protocol is taken whatever the terminal says.
        environ: The variables.
        size: The terminal's size.
        still: Whether a picture is printed among other text, rather than moving on a screen where dialogs cover it.
    """
    tmux = bool(environ.get("TMUX"))
    name = _name(answers, tmux=tmux and bool(KITTY.search(answers)))
    placed = _has_placeholders(name)
    if choice == "auto":
        protocol = _detected(answers, name, tmux=tmux, still=still)
    else:
        protocol = None if choice == "cells" else choice
    if protocol is None:
        return None
    registers, largest = HAS_REGISTERS.search(answers), HAS_LARGEST.search(answers)
    return GraphicsSupport(
        protocol,
        _cell(answers, size),
        placeholders=placed or choice == "kitty",
        tmux=tmux,
        colors=min(max(int(registers[1]), 2), 256) if registers else 256,
        largest=(int(largest[1]), int(largest[2])) if largest else (0, 0),
    )


def removal(support: GraphicsSupport | None) -> str:
    """What removes the player's pictures from the terminal."""
    stored = support is not None and support.protocol == "kitty"
    return deletion(numbers(), tmux=support.tmux) if support is not None and stored else ""


def _detected(answers: bytes, name: str, *, tmux: bool, still: bool) -> Protocol | None:
    kitty = bool(KITTY.search(answers))
    if kitty and _has_placeholders(name):
        return "kitty"
    if tmux:
        # A picture at a place of the terminal would stay there whatever tmux does with its panes.
        return None
    if name.startswith(LIKE_ITERM) or IS_CELL_OF_ITERM.search(answers):
        return "iterm"
    if kitty and still:
        return "kitty"
    attributes = LAST.search(answers)
    sixel = attributes is not None and SIXEL in attributes[0][3:-1].split(b";")[1:]
    return "sixel" if sixel else None


def _name(answers: bytes, *, tmux: bool) -> str:
    """The terminal's name and version; tmux knows that of the terminal around it."""
    if tmux:
        asked = ["tmux", "display-message", "-p", "#{client_termtype}"]
        try:
            done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=TMUX_SECONDS)
        except (OSError, subprocess.SubprocessError):
            return ""
        return done.stdout.strip()
    name = IS_NAME.search(answers)
    return name[1].decode("ascii", "replace") if name else ""


def _has_placeholders(name: str) -> bool:
    """Whether characters can stand for a picture.

    >>> [_has_placeholders(name) for name in ("kitty(0.26.5)", "kitty(0.32.0)", "ghostty 1.2.0", "WezTerm 2024")]
    [False, True, True, False]
    """
    known = PLACEHOLDERS.match(name)
    return known is not None and (bool(known[3]) or (int(known[1]), int(known[2])) >= FIRST_KITTY)


def _cell(answers: bytes, size: TerminalSize) -> tuple[int, int]:
    """Width and height of a cell in pixels: as the terminal says, else by its size, else as is usual."""
    cell, area, iterm = IS_CELL.search(answers), IS_AREA.search(answers), IS_CELL_OF_ITERM.search(answers)
    sizes = []
    if cell:
        sizes.append((float(cell[2]), float(cell[1])))
    if iterm:
        try:
            scale = float(iterm[3] or 1)
            sizes.append((scale * float(iterm[2]), scale * float(iterm[1])))
        except ValueError:
            pass
    if size.columns and size.rows:
        wholes = [(float(area[2]), float(area[1]))] if area else []
        for width, height in (*wholes, size.pixels):
            sizes.append((width / size.columns, height / size.rows))
    for wide, tall in sizes:
        if 2 <= wide <= LARGEST_CELL and 4 <= tall <= LARGEST_CELL:
            return round(wide), round(tall)
    return USUAL_CELL
