"""Cells as an SVG: what a terminal shows, as a picture that looks the same wherever it is opened.

Whatever fills a part of its cell exactly (blocks, shades, braille, lines of boxes) is drawn as a shape; only words are
text, in whatever monospaced font there is, each stretched to its columns.
"""

from collections.abc import Iterator
from dataclasses import replace
from html import escape
from itertools import groupby, pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.cells.cells import UPPER_HALF, Cells
from dynviz.cells.glyphs import ARMS, HEAVY, SHADES, braille_dots, covered
from dynviz.cells.wide import NOTHING, joined
from dynviz.text import clean

WIDTH, HEIGHT = 10, 20
"""Of a cell, in pixels: halves of cells are squares, and dots of braille are as far apart in both directions."""
MARGIN = 10
FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
FONT_SIZE, BASELINE = 16.6, 15
DOT = 3.6
_UPPER, _BLANK = ord(UPPER_HALF), ord(" ")

Style: TypeAlias = tuple[str, ...]
"""Attributes that shapes share."""


def svg(cells: Cells, title: str = "", recipe: str = "") -> str:
    """The picture: the same text for the same cells.

    Args:
        cells: What is shown.
        title: What it is called, for those who cannot see it.
        recipe: How it was made, kept as metadata: ASCII without the signs of markup.
    """
    cells = replace(cells, glyphs=joined(cells.glyphs))
    width, height = cells.columns * WIDTH + 2 * MARGIN, cells.rows * HEIGHT + 2 * MARGIN
    inks = [f"#{bytes(color).hex()}" for color in cells.palette]
    name = f"<title>{escape(clean(title))}</title>" if title else ""
    name += f"<metadata>{recipe}</metadata>" if recipe else ""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="{-MARGIN} {-MARGIN} {width} {height}" role="img">{name}',
        f'<path fill="{inks[0]}" d="M{-MARGIN} {-MARGIN}h{width}v{height}h-{width}z"/>',
        *_areas(cells, inks),
        *_shapes(cells, inks),
        *_words(cells, inks),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _areas(cells: Cells, inks: list[str]) -> Iterator[str]:
    """Grounds and half blocks: one picture of twice as many rows."""
    pixels = np.repeat(cells.ground, 2, axis=0)
    pixels[::2] = np.where(cells.glyphs == _UPPER, cells.ink, cells.ground)
    paths: dict[int, list[str]] = {}
    for color, left, top, width, height in rectangles(pixels):
        if color:
            paths.setdefault(color, []).append(_box(left * WIDTH, top * WIDTH, width * WIDTH, height * WIDTH))
    if paths:
        yield '<g shape-rendering="crispEdges">'
        for color, boxes in paths.items():
            yield f'<path fill="{inks[color]}" d="{"".join(boxes)}"/>'
        yield "</g>"


def rectangles(pixels: NDArray[np.uint8]) -> Iterator[tuple[int, int, int, int, int]]:
    """Colour, left, top, width and height of rectangles of one colour that make up a picture [rows, columns].

    >>> sorted(rectangles(np.array([[1, 1, 2], [1, 1, 3]], np.uint8)))
    [(1, 0, 0, 2, 2), (2, 2, 0, 1, 1), (3, 2, 1, 1, 1)]
    """
    # Runs along rows, which grow downwards as long as the row below has the same run.
    open_: dict[tuple[int, int, int], int] = {}
    for top in range(len(pixels) + 1):
        runs = set(_runs(pixels[top])) if top < len(pixels) else set()
        for run in [run for run in open_ if run not in runs]:
            color, left, width = run
            first = open_.pop(run)
            yield color, left, first, width, top - first
        for run in sorted(runs - open_.keys(), key=lambda run: run[1]):
            open_[run] = top


def _runs(row: NDArray[np.uint8]) -> Iterator[tuple[int, int, int]]:
    if not len(row):
        return
    starts = [0, *(np.flatnonzero(row[1:] != row[:-1]) + 1).tolist(), len(row)]
    for left, right in pairwise(starts):
        yield int(row[left]), left, right - left


def _shapes(cells: Cells, inks: list[str]) -> Iterator[str]:
    """All characters that are shapes, those of one style in one path."""
    paths: dict[Style, list[str]] = {}
    for row, column in np.argwhere(_is_shape(cells.glyphs)).tolist():
        glyph, ink = chr(cells.glyphs[row, column]), inks[cells.ink[row, column]]
        for style, path in _shape(glyph, ink, column * WIDTH, row * HEIGHT):
            paths.setdefault(style, []).append(path)
    for style, parts in paths.items():
        yield f'<path {" ".join(style)} d="{"".join(parts)}"/>'


def _is_shape(glyphs: NDArray[np.uint32]) -> NDArray[np.bool_]:
    arms = np.isin(glyphs, [*map(ord, ARMS)])
    blocks = (glyphs > _UPPER) & (glyphs <= 0x259F)
    return np.asarray(arms | blocks | ((glyphs > 0x2800) & (glyphs <= 0x28FF)))


def _shape(glyph: str, ink: str, x: int, y: int) -> Iterator[tuple[Style, str]]:
    """Style and path of a character whose cell is at x, y."""
    if glyph in ARMS:
        middle_x, middle_y = x + WIDTH // 2, y + HEIGHT // 2
        ends = {"l": f"H{x}", "r": f"H{x + WIDTH}", "u": f"V{y}", "d": f"V{y + HEIGHT}"}
        stroke = f'stroke-width="{3 if glyph in HEAVY else 1}"'
        path = "".join(f"M{middle_x} {middle_y}{ends[arm]}" for arm in ARMS[glyph])
        yield ('fill="none"', f'stroke="{ink}"', stroke, 'stroke-linecap="square"'), path
    elif glyph >= "\u2800":
        dots = (f"M{x + column * 5 + 2.5} {y + row * 5 + 2.5}h0" for column, row in braille_dots(glyph))
        yield ('fill="none"', f'stroke="{ink}"', f'stroke-width="{DOT}"', 'stroke-linecap="round"'), "".join(dots)
    else:
        crisp = 'shape-rendering="crispEdges"'
        style: Style = (f'fill="{ink}"', crisp)
        if glyph in SHADES:
            style = (*style, f'fill-opacity="{SHADES[glyph]}"')
        for left, top, right, bottom in covered(glyph):
            yield (
                style,
                _box(x + left * WIDTH, y + top * HEIGHT, (right - left) * WIDTH, (bottom - top) * HEIGHT),
            )


def _words(cells: Cells, inks: list[str]) -> Iterator[str]:
    """All other characters, those of one style in one group."""
    drawn = ~_is_shape(cells.glyphs) & ~np.isin(cells.glyphs, [NOTHING, _UPPER, _BLANK, 0x2800])
    groups: dict[Style, list[str]] = {}
    for row in np.flatnonzero(drawn.any(axis=1)).tolist():
        columns = np.flatnonzero(drawn[row]).tolist()
        # A run has one style and no gap: the consecutive columns have one difference from their count.
        marked = [
            (column - place, int(cells.ink[row, column]), bool(cells.bold[row, column]), column)
            for place, column in enumerate(columns)
        ]
        for (_, ink, bold), run in groupby(marked, key=lambda cell: cell[:3]):
            places = [cell[3] for cell in run]
            text = clean("".join(chr(cells.glyphs[row, column]) for column in places))
            style = (f'fill="{inks[ink]}"', *(['font-weight="bold"'] if bold else []))
            groups.setdefault(style, []).append(_text(text, places[0], row))
    if groups:
        yield f'<g font-family="{FONTS}" font-size="{FONT_SIZE}">'
        for style, texts in groups.items():
            yield f"<g {' '.join(style)}>{''.join(texts)}</g>"
        yield "</g>"


def _text(text: str, column: int, row: int) -> str:
    stretched = f' textLength="{len(text) * WIDTH}" lengthAdjust="spacingAndGlyphs"' if len(text) > 1 else ""
    return f'<text x="{column * WIDTH}" y="{row * HEIGHT + BASELINE}"{stretched}>{escape(text)}</text>'


def _box(x: float, y: float, width: float, height: float) -> str:
    return f"M{x:g} {y:g}h{width:g}v{height:g}h{-width:g}z"
