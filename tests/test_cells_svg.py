"""Cells as SVG: exact shapes, words at their columns, the same text each time, small files."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynviz.cells.cells import Cells
from dynviz.cells.glyphs import ARMS, covered
from dynviz.cells.svg import HEIGHT, MARGIN, WIDTH, rectangles, svg
from dynviz.scene.theme import theme
from tests.test_encode import filled

PALETTE = theme("dark").palette()
NS = "{http://www.w3.org/2000/svg}"
BOX = re.compile(r"M(-?[\d.]+) (-?[\d.]+)h([\d.]+)v([\d.]+)h-([\d.]+)z")


def painted(text, columns, rows):
    """What the filled shapes of an SVG show, a value for each eighth of a cell: [rows x 8, columns x 8, 3]."""
    shown = np.zeros((rows * 8, columns * 8, 3), np.uint8)
    for path in ET.fromstring(text).iter(f"{NS}path"):
        fill = path.get("fill")
        if fill == "none":
            continue
        boxes = BOX.findall(path.get("d"))
        assert BOX.sub("", path.get("d")) == ""
        for x, y, width, height, back in boxes:
            assert width == back
            left, right = (round(max(value, 0) * 8 / WIDTH) for value in (float(x), float(x) + float(width)))
            top, bottom = (round(max(value, 0) * 8 / HEIGHT) for value in (float(y), float(y) + float(height)))
            shown[top:bottom, left:right] = [*bytes.fromhex(fill[1:])]
    return shown


def expected(cells):
    """The same from the cells, eighth by eighth."""
    shown = np.zeros((cells.rows * 8, cells.columns * 8, 3), np.uint8)
    for row in range(cells.rows):
        for column in range(cells.columns):
            part = shown[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8]
            part[:] = PALETTE[cells.ground[row, column]]
            glyph = chr(cells.glyphs[row, column])
            if glyph == " ":
                continue
            for left, top, right, bottom in covered(glyph):
                part[int(top * 8) : int(bottom * 8), int(left * 8) : int(right * 8)] = PALETTE[cells.ink[row, column]]
    return shown


def written(line, *, row=0, bold=False, columns=40):
    cells = Cells.blank(columns, row + 1, PALETTE)
    cells.glyphs[row, : len(line)] = [*map(ord, line)]
    cells.ink[row] = 1
    cells.bold[row] = bold
    return cells


@given(columns=st.integers(1, 12), rows=st.integers(1, 6), seed=st.integers(0, 1 << 31))
@settings(max_examples=60, deadline=None)
def test_blocks_are_exactly_where_a_terminal_has_them(columns, rows, seed):
    cells = filled(columns, rows, seed, PALETTE, glyphs="   ▀▀▀▄█▁▂▅▇▌▍▏▐▔▕▖▙▚▟")
    assert (painted(svg(cells), columns, rows) == expected(cells)).all()


@given(seed=st.integers(0, 1 << 31), rows=st.integers(0, 6), columns=st.integers(0, 6), colors=st.integers(1, 3))
def test_rectangles_cover_a_picture_once(seed, rows, columns, colors):
    pixels = np.random.default_rng(seed).integers(0, colors, (rows, columns)).astype(np.uint8)
    shown = np.full((rows, columns), 255)
    for color, left, top, width, height in rectangles(pixels):
        part = shown[top : top + height, left : left + width]
        assert (part == 255).all()
        part[:] = color
    assert (shown == pixels).all()


def test_words_stand_at_their_columns_whatever_the_font_is():
    root = ET.fromstring(svg(written("loss  0.371 <adam>", row=1)))
    texts = list(root.iter(f"{NS}text"))
    assert [text.text for text in texts] == ["loss", "0.371", "<adam>"]
    assert [int(text.get("x")) for text in texts] == [0, 6 * WIDTH, 12 * WIDTH]
    assert [int(text.get("textLength")) for text in texts] == [4 * WIDTH, 5 * WIDTH, 6 * WIDTH]
    assert all(HEIGHT < int(text.get("y")) < 2 * HEIGHT for text in texts)


def test_bold_words_are_bold():
    assert 'font-weight="bold"' in svg(written("loss", bold=True))
    assert 'font-weight="bold"' not in svg(written("loss"))


def test_braille_and_lines_are_shapes():
    root = ET.fromstring(svg(written("⠁⣿⠀┤─")))
    assert not list(root.iter(f"{NS}text"))
    drawn = {path.get("stroke-linecap"): path.get("d") for path in root.iter(f"{NS}path")}
    assert drawn["round"].count("h0") == 1 + 8
    assert drawn["round"].startswith("M2.5 2.5h0")
    assert "M35 10H30" in drawn["square"]
    assert drawn["square"].count("M") == len(ARMS["┤"]) + len(ARMS["─"])


def test_the_same_cells_are_the_same_text_and_nothing_is_fetched():
    one, other = (filled(60, 20, 3, PALETTE) for _ in range(2))
    assert svg(one, "x") == svg(other, "x")
    assert re.findall(r"https?://[^\"]*", svg(one)) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<(script|image|style|link|use|foreignObject)|@import|url\(", svg(one))


def test_a_title_is_said_whatever_is_in_it():
    root = ET.fromstring(svg(written("\x1b]0;x\x07\u2028"), title='a < b & "c"\x00\x1b'))
    assert root.find(f"{NS}title").text == 'a < b & "c"\ufffd\ufffd'
    assert root.get("viewBox") == f"-{MARGIN} -{MARGIN} {40 * WIDTH + 2 * MARGIN} {HEIGHT + 2 * MARGIN}"
    assert "".join(text.text for text in root.iter(f"{NS}text")) == "�]0;x��"


def test_a_smooth_field_stays_small():
    y, x = np.mgrid[0:120, 0:200]
    values = ((np.sin(x / 30) + np.cos(y / 30)) * 15 + 32).astype(np.uint8)
    cells = Cells.blank(200, 60, PALETTE)
    cells.glyphs[:] = ord("▀")
    cells.ink[:], cells.ground[:] = values[::2], values[1::2]
    assert len(svg(cells)) < 120_000


@pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="rsvg-convert is not installed")
def test_an_independent_rasteriser_shows_the_same(tmp_path):
    import imageio.v3 as imageio

    cells = filled(20, 8, 11, PALETTE, glyphs="  ▀▀▀▄█▌")
    picture = tmp_path / "cells.svg"
    picture.write_text(svg(cells, "cells"))
    subprocess.run(["rsvg-convert", picture, "-o", tmp_path / "cells.png"], check=True)
    pixels = imageio.imread(tmp_path / "cells.png")[MARGIN:-MARGIN, MARGIN:-MARGIN, :3]
    halves = expected(cells).reshape(16, 4, 40, 4, 3)[:, 1, :, 1]
    centers = pixels[WIDTH // 2 :: WIDTH, WIDTH // 4 :: WIDTH // 2]
    assert np.abs(centers.astype(int) - halves).max() <= 1
