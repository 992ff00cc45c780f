"""Words in cells: one character a column, or two for a wide one."""

import functools
import unicodedata

import numpy as np
from numpy.typing import NDArray

from dynviz.cells.wide import in_cells
from dynviz.layout.naming import Swatch
from dynviz.scene.marks import Dash, Marker

MARKERS: dict[Marker, str] = {
    "dot": "●",
    "ring": "○",
    "cross": "×",
    "star": "★",
    "up": "▲",
    "down": "▼",
    "left": "◀",
    "right": "▶",
}
LINES: dict[Dash, str] = {"solid": "──", "dashed": "╌╌", "dotted": "┈┈"}
COLOR_BAR = "▄" * 5
UNKNOWN = "\ufffd"


def swatch_characters(swatch: Swatch) -> str:
    """What stands before a word of a legend."""
    if swatch.kind == "line":
        return LINES[swatch.dash]
    if swatch.kind == "marker":
        return MARKERS[swatch.marker]
    if swatch.kind == "ramp":
        return COLOR_BAR
    return "→" if swatch.kind == "arrow" else "■"


@functools.lru_cache(maxsize=1024)
def plain(text: str) -> str:
    r"""The text in characters of one column or two: what would take none, or move the cursor, is replaced.

    >>> plain("caf\u0065\u0301 \u2009 2 学習")
    'café   2 学習'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, unicodedata.normalize("NFC", text)))


def _shown(character: str) -> str:
    kind = unicodedata.category(character)
    if kind[0] in "ZC":
        # Spaces of any width, ends of lines, tabs; what is invisible is left out.
        return "" if kind == "Cf" else " " if kind[0] == "Z" or character in "\t\n\r\v\f" else UNKNOWN
    if kind[0] == "M":
        return ""
    return character


@functools.lru_cache(maxsize=1024)
def codes(text: str) -> NDArray[np.uint32]:
    """The cells that a text takes, see `in_cells`."""
    return in_cells(plain(text))


def columns(text: str) -> int:
    """How many columns a text takes.

    >>> columns("a学習")
    5
    """
    return len(codes(text))
