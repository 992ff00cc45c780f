"""What characters look like that fill a part of their cell exactly."""

from collections.abc import Iterator, Mapping

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of a cell."""

_LINES = "─lr │ud ┌rd ┐ld └ru ┘lu ├udr ┤udl ┬lrd ┴lru ┼lrud ╴l ╵u ╶r ╷d ━lr ┃ud"
ARMS: Mapping[str, str] = {line[0]: line[1:] for line in _LINES.split()}
"""Towards which edges of the cell a line goes from its middle: left, right, up, down."""
HEAVY = frozenset("━┃")
SHADES: Mapping[str, float] = {"░": 0.25, "▒": 0.5, "▓": 0.75}

_QUARTERS = "▖2 ▗3 ▘0 ▝1 ▙023 ▚03 ▛012 ▜013 ▞12 ▟123"
_COVERED: Mapping[str, str] = {block[0]: block[1:] for block in _QUARTERS.split()}
_QUARTER: tuple[Box, ...] = ((0, 0, 0.5, 0.5), (0.5, 0, 1, 0.5), (0, 0.5, 0.5, 1), (0.5, 0.5, 1, 1))
_OTHERS: Mapping[str, Box] = {"▀": (0, 0, 1, 0.5), "▐": (0.5, 0, 1, 1), "▔": (0, 0, 1, 0.125), "▕": (0.875, 0, 1, 1)}


def covered(glyph: str) -> tuple[Box, ...]:
    """Which parts of its cell a block element covers.

    >>> covered("▂"), covered("▌"), covered("▐")
    (((0, 0.75, 1, 1),), ((0, 0, 0.5, 1),), ((0.5, 0, 1, 1),))
    """
    if glyph in _COVERED:
        return tuple(_QUARTER[int(quarter)] for quarter in _COVERED[glyph])
    if glyph in _OTHERS:
        return (_OTHERS[glyph],)
    if "▁" <= glyph <= "█":
        return ((0, 1 - (ord(glyph) - ord("▁") + 1) / 8, 1, 1),)
    if "▉" <= glyph <= "▏":
        return ((0, 0, 1 - (ord(glyph) - ord("▉") + 1) / 8, 1),)
    return ((0, 0, 1, 1),)


def braille_dots(glyph: str) -> Iterator[tuple[int, int]]:
    """Column, 0 or 1, and row, 0 to 3, of each dot.

    >>> list(braille_dots("⠃")), list(braille_dots("⢀"))
    ([(0, 0), (0, 1)], [(1, 3)])
    """
    bits = ord(glyph) - 0x2800
    for bit, place in enumerate(((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))):
        if bits >> bit & 1:
            yield place
