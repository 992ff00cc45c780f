"""Strips of cells behave as plain ones made of the same Segments, but for how fast they are written."""

import asyncio
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.filter import Monochrome
from textual.renderables.background_screen import BackgroundScreen
from textual.strip import Strip
from textual.widget import Widget

from dynviz.cells.encode import Encoder
from dynviz.player.strip import CellStrip, JoinedStrip, dimmed, strips
from dynviz.scene.theme import theme
from tests.test_encode import DEPTHS, SYSTEMS, filled, screen

PALETTE = theme("dark").palette()
CONSOLE = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", legacy_windows=False)


def pair(columns=24, seed=1, depth="true"):
    """A strip of cells, and the plain one."""
    cells = filled(columns, 2, seed, PALETTE)
    encoder = Encoder(PALETTE, depth)
    return strips(cells, encoder)[1], Strip(encoder.segments(cells, 1), columns)


def same(fast, plain):
    """Whether two strips are the same: characters, colours, length; how cells are joined in segments does not count."""
    return Strip.simplify(fast)._segments == Strip.simplify(plain)._segments and fast.cell_length == plain.cell_length


@pytest.mark.parametrize("depth", DEPTHS)
def test_what_is_written_is_the_encoders_row(depth):
    cells = filled(50, 4, 7, PALETTE)
    encoder = Encoder(PALETTE, depth)
    assert [strip.render(CONSOLE) for strip in strips(cells, encoder)] == Encoder(PALETTE, depth).rows(cells)


@pytest.mark.parametrize("depth", DEPTHS)
@given(columns=st.integers(1, 20), seed=st.integers(0, 1000), data=st.data())
@settings(max_examples=40, deadline=None)
def test_parts_are_those_of_a_plain_strip(depth, columns, seed, data):
    fast, plain = pair(columns, seed, depth)
    start, end = data.draw(st.integers(-2, columns + 2)), data.draw(st.none() | st.integers(-2, columns + 3))
    assert same(fast.crop(start, end), plain.crop(start, end))
    cuts = sorted(data.draw(st.sets(st.integers(1, columns), min_size=1)))
    parts, others = fast.divide(cuts), plain.divide(cuts)
    assert len(parts) == len(others)
    for part, other in zip(parts, others, strict=True):
        assert same(part, other)
        console = Console(
            file=io.StringIO(),
            force_terminal=True,
            color_system=SYSTEMS[depth],
            legacy_windows=False,
        )
        if depth != "none":
            width = part.cell_length
            assert screen([part.render(console)], width) == screen([other.render(console)], width)


@given(columns=st.integers(1, 20), seed=st.integers(0, 1000), width=st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_everything_else_that_a_strip_does_is_the_same(columns, seed, width):
    fast, plain = pair(columns, seed)
    style = Style(underline=True)
    for change in (
        lambda strip: strip.extend_cell_length(width, style),
        lambda strip: strip.adjust_cell_length(width, style),
        lambda strip: strip.crop_extend(1, width + 1, style),
        lambda strip: strip.crop_pad(width, 1, 2, style),
        lambda strip: strip.text_align(width, "center"),
        lambda strip: strip.apply_style(style),
        lambda strip: strip.apply_meta({"x": 1}),
        lambda strip: strip.apply_offsets(1, 2),
        lambda strip: strip.apply_filter(Monochrome(), Color(0, 0, 0)),
        lambda strip: strip.discard_meta(),
        lambda strip: strip + Strip.blank(2),
        lambda strip: Strip.join([Strip.blank(2), strip, None]),
        lambda strip: strip[1:4],
    ):
        assert same(change(fast), change(plain))
    assert list(fast) == list(plain)
    assert list(reversed(fast)) == list(reversed(plain))
    assert (fast.text, len(fast), fast.cell_length, fast.cell_count) == (
        plain.text,
        len(plain),
        plain.cell_length,
        plain.cell_count,
    )
    assert fast == plain
    assert fast
    assert fast.link_ids == plain.link_ids
    assert fast.index_to_cell_position(columns - 1) == plain.index_to_cell_position(columns - 1)


def test_joined_strips_are_written_as_one():
    fast, plain = pair()
    joined = Strip.join([fast, Strip.blank(3)])
    assert screen([joined.render(CONSOLE)], 27) == screen([Strip.join([plain, Strip.blank(3)]).render(CONSOLE)], 27)


def test_segments_are_not_made_to_write_a_row_or_parts_of_it(monkeypatch):
    def refuse(*_):
        raise AssertionError("Segments were made")

    monkeypatch.setattr(Encoder, "segments", refuse)
    fast = strips(filled(24, 2, 1, PALETTE), Encoder(PALETTE, "true"))[1]
    assert fast
    assert fast.cell_length == fast.cell_count == 24
    for part in (fast, fast.crop(2, 9), *fast.divide([4, 24])):
        assert isinstance(part, CellStrip)
        part.render(CONSOLE)


def test_strips_of_nothing_are_empty():
    fast = strips(filled(0, 1, 1, PALETTE), Encoder(PALETTE, "true"))[0]
    assert not fast
    assert list(fast) == []


class Plot(Widget):
    DEFAULT_CSS = "Plot { width: 1fr; height: 1fr; }"

    def __init__(self, make):
        super().__init__()
        self.make = make

    def render_lines(self, crop):
        lines = self.make(self.size.width, self.size.height)
        return [line.crop(crop.x, crop.right) for line in lines[crop.y : crop.bottom]]


def fast_lines(columns, rows):
    return strips(filled(columns, rows, 3, PALETTE), Encoder(PALETTE, "true"))


def plain_lines(columns, rows):
    cells, encoder = filled(columns, rows, 3, PALETTE), Encoder(PALETTE, "true")
    return [Strip(encoder.segments(cells, row), columns) for row in range(rows)]


class Plots(App):
    CSS = "Screen { layout: horizontal; }"
    TITLE = "plots"

    def __init__(self, make):
        super().__init__()
        self.make = make

    def compose(self):
        yield Plot(self.make)
        yield Plot(self.make)


def screenshot(make, *, simplify):
    async def shoot():
        app = Plots(make)
        async with app.run_test(size=(50, 12)):
            return app.export_screenshot(simplify=simplify)

    return re.sub(r"terminal-\d+", "terminal", asyncio.run(shoot()))


@pytest.mark.parametrize("simplify", [False, True])
def test_a_screenshot_is_that_of_plain_strips(simplify):
    shot = screenshot(fast_lines, simplify=simplify)
    assert shot == screenshot(plain_lines, simplify=simplify)
    assert "▀" in shot


@pytest.mark.parametrize("seed", range(5))
def test_rows_behind_a_dialog_are_those_that_textual_would_blend(seed):
    fast, plain = pair(30, seed)
    tint = Color(*PALETTE[0].tolist(), a=0.55)
    row = JoinedStrip([plain.crop(0, 9), fast.crop(9, 20), fast.crop(20)])
    assert same(row, plain)
    parts = [part for strip in row.divide([5, 9, 14, 30]) for part in dimmed(strip, tint)]
    blended = [*BackgroundScreen.process_segments(plain, tint)]

    def colors(segments):
        shown = [(letter, style) for text, style, _ in segments for letter in text]
        return [(letter, style.bold, *style.color.triplet, *style.bgcolor.triplet) for letter, style in shown]

    for ours, theirs in zip(colors(parts), colors(blended), strict=True):
        assert ours[:2] == theirs[:2]
        assert max(abs(a - b) for a, b in zip(ours[2:], theirs[2:], strict=True)) <= 1


def test_a_wide_character_stays_whole_in_joined_strips():
    plain = Strip([Segment("ab字c", Style(color="red"))], 5)
    row = JoinedStrip([plain, plain])
    assert row.cell_length == 10
    assert [part.text for part in row.divide([4, 5, 10])] == ["ab字", "c", "ab字c"]
