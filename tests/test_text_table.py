"""Rows of columns as lines of text, beside those of Rich."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from dynviz.player.text_table import GAP, table_lines

CONSOLE = Console(width=80, file=io.StringIO())
ROWS = (("space", "play, pause"), ("←→", "one step, with shift a hundred"), ("漢字", "wide characters"), ("q", ""))


def of_rich(rows, first, width):
    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(min_width=first, no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    lines = CONSOLE.render_lines(table, CONSOLE.options.update(width=width))
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


@pytest.mark.parametrize("width", [20, 24, 31, 60, 80])
def test_two_columns_stand_as_rich_puts_them(width):
    assert table_lines(ROWS, 8, width, CONSOLE) == of_rich(ROWS, 8, width)


def test_a_cell_alone_takes_the_whole_width_and_keeps_its_lines():
    assert table_lines([("one two three\nfour",)], 26, 9, CONSOLE) == ["one two", "three", "four"]


def test_of_three_columns_the_widest_is_folded_and_the_first_is_not():
    lines = table_lines([("a-long-name", "0.01", "what the rule has when nothing else is said")], 0, 40, CONSOLE)
    assert lines == ["a-long-name   0.01   what the rule has", " " * 21 + "when nothing else", " " * 21 + "is said"]


def test_where_nothing_else_fits_the_first_column_is_folded_too():
    assert table_lines([("ctrl left", "ten steps back")], 0, 20, CONSOLE) == [
        "ctrl left   ten",
        " " * 12 + "steps",
        " " * 12 + "back",
    ]
    lines = table_lines([("ctrl left or right", "ten steps")], 0, 21, CONSOLE)
    assert lines == ["ctrl left    ten", "or right     steps"]


@given(st.lists(st.lists(st.text(max_size=30), min_size=1, max_size=4), max_size=4), st.integers(30, 90))
def test_no_text_is_lost_whatever_it_is(rows, width):
    lines = table_lines(rows, 0, width, CONSOLE)
    for row in rows:
        for cell in row:
            for word in "".join(c if c.isalnum() else " " for c in cell).split():
                assert all(any(letter in line for line in lines) for letter in word)
    if all(len(row) == 1 for row in rows):
        assert all(cell_len(line) <= width for line in lines)
