"""Words in cells: one character a column."""

import functools
import unicodedata

import numpy as np
from numpy.typing import NDArray

from dynviz.layout.naming import Swatch
from dynviz.scene.marks import Dash, Marker

MARKERS: dict[Marker, str] = {"dot": "●", "ring": "○", "cross": "×", "star": "★"}
LINES: dict[Dash, str] = {"solid": "──", "dashed": "╌╌", "dotted": "┈┈"}
COLOR_BAR = "▄" * 8
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
    r"""The text with one character for each column: what would take two, or none, or move the cursor, is replaced.

    >>> plain("caf\u0065\u0301 \u2009 2")
    'café   2'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_one_column, unicodedata.normalize("NFC", text)))


def _one_column(character: str) -> str:
    kind = unicodedata.category(character)
    if kind[0] in "ZC":
        # Spaces of any width, ends of lines, tabs; what is invisible is left out.
        return "" if kind == "Cf" else " " if kind[0] == "Z" or character in "\t\n\r\v\f" else UNKNOWN
    if kind[0] == "M":
        return ""
    return UNKNOWN if unicodedata.east_asian_width(character) in "WF" else character


@functools.lru_cache(maxsize=1024)
def codes(text: str) -> NDArray[np.uint32]:
    """Code points, one a column."""
    return np.frombuffer(plain(text).encode("utf-32-le"), dtype=np.uint32)
