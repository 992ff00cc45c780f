"""Rows for a terminal: a terminal emulator sees the same cells in them as in plain Segments, in every depth."""

import io

import numpy as np
import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segments

from dynviz.cells import codes
from dynviz.cells.cells import Cells
from dynviz.cells.encode import Encoder, detect
from dynviz.scene.theme import THEMES, theme

DEPTHS = ("true", "256", "16", "none")
SYSTEMS = {"true": "truecolor", "256": "256", "16": "standard", "none": "truecolor"}
GLYPHS = "    ▀▀▀▀▄█▁▅▌aZ9é─┤│⠁⣿░·"


def screen(lines, columns):
    """What a terminal shows of rows, each [column] a character, its colour, its ground, and whether it is bold."""
    shown = pyte.Screen(columns + 1, max(len(lines), 1))
    stream = pyte.Stream(shown)
    for row, line in enumerate(lines, start=1):
        stream.feed(f"\x1b[{row};1H{line}")
    # One column more than there should be: what is written there would be seen.
    return [[_seen(shown.buffer[row][column]) for column in range(columns + 1)] for row in range(len(lines))]


def _seen(cell):
    # A blank shows its ground alone.
    return (cell.data, "", cell.bg, False) if cell.data == " " else (cell.data, cell.fg, cell.bg, cell.bold)


def plainly(encoder, cells):
    """The rows as rich writes them from Segments."""
    lines = []
    for row in range(cells.rows):
        file = io.StringIO()
        console = Console(
            file=file,
            width=cells.columns + 1,
            force_terminal=True,
            color_system=SYSTEMS[encoder.depth],
            no_color=encoder.depth == "none",
            legacy_windows=False,
        )
        console.print(Segments(encoder.segments(cells, row)), end="")
        lines.append(file.getvalue())
    return lines


def filled(columns, rows, seed, palette, *, glyphs=GLYPHS, bold=0.3):
    rng = np.random.default_rng(seed)
    shape = (rows, columns)
    few = rng.integers(0, len(palette), 4)
    return Cells(
        rng.choice([*map(ord, glyphs)], shape).astype(np.uint32),
        rng.choice([*few, 0], shape).astype(np.uint8),
        rng.choice([*few, 0], shape).astype(np.uint8),
        rng.random(shape) < bold,
        palette,
    )


def one(glyph, ink, ground, palette):
    cells = Cells.blank(1, 1, palette)
    cells.glyphs[0, 0], cells.ink[0, 0], cells.ground[0, 0] = ord(glyph), ink, ground
    return cells


def index(name, role):
    """Where a theme's palette has the colour of a role."""
    found = (theme(name).palette() == np.array(theme(name).color(role))).all(axis=1)
    return int(np.flatnonzero(found)[0])


@pytest.mark.parametrize("depth", DEPTHS)
@given(
    columns=st.integers(1, 30),
    rows=st.integers(1, 4),
    seed=st.integers(0, 1 << 31),
    name=st.sampled_from(sorted(THEMES)),
    bold=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_terminal_sees_the_same_cells_as_from_segments(depth, columns, rows, seed, name, bold):
    palette = theme(name).palette()
    cells = filled(columns, rows, seed, palette)
    encoder = Encoder(palette, depth, bold=bold)
    assert screen(encoder.rows(cells), columns) == screen(plainly(encoder, cells), columns)


@given(
    depth=st.sampled_from(DEPTHS),
    bold=st.booleans(),
    seed=st.integers(0, 1000),
    names=st.lists(st.sampled_from(["glyphs", "ink", "ground", "bold", "size"]), max_size=6),
)
@settings(max_examples=150, deadline=None)
def test_a_picture_is_encoded_the_same_whatever_was_before_it(depth, bold, seed, names):
    palette, rng = THEMES["dark"].palette(), np.random.default_rng(seed)
    encoder, cells = Encoder(palette, depth, bold=bold), filled(7, 4, seed, palette)
    for name in names:
        if name == "size":
            cells = cells.fitted(7, int(rng.integers(1, 6)))
        else:
            values = getattr(cells, name)
            place = tuple(rng.integers(values.shape))
            values[place] = {"glyphs": ord("ä"), "bold": not values[place]}.get(name, rng.integers(9))
        rows = encoder.rows(cells)
        assert rows == Encoder(palette, depth, bold=bold).rows(cells)
        rows[0] = "what a caller does with it"


@given(seed=st.integers(0, 1 << 31), count=st.integers(1, 255))
@settings(max_examples=40, deadline=None)
def test_true_colours_are_those_of_the_palette(seed, count):
    palette = np.random.default_rng(seed).integers(0, 256, (count, 3)).astype(np.uint8)
    cells = filled(9, 2, seed, palette, glyphs="▀x", bold=0.5)
    seen = screen(Encoder(palette, "true").rows(cells), 9)
    for row in range(2):
        for column in range(9):
            ink, ground = (bytes(palette[each[row, column]]).hex() for each in (cells.ink, cells.ground))
            glyph = chr(cells.glyphs[row, column])
            assert seen[row][column] == (glyph, ink, ground, bool(cells.bold[row, column]))


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_row_fills_its_columns_and_leaves_the_terminal_as_it_was(depth):
    palette = theme("dark").palette()
    cells = filled(40, 3, 5, palette)
    for line in Encoder(palette, depth).rows(cells):
        shown = screen([f"{line}z"], 40)[0]
        assert shown[40] == ("z", "default", "default", False)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("columns", "rows"), [(0, 0), (0, 2), (3, 0)])
def test_no_cells_are_no_text(depth, columns, rows):
    palette = theme("dark").palette()
    lines = Encoder(palette, depth).rows(Cells.blank(columns, rows, palette))
    assert len(lines) == rows
    assert screen(lines, columns) == [[(" ", "", "default", False)] * (columns + 1)] * rows


def test_colours_are_written_only_where_they_change():
    palette = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], np.uint8)
    cells = Cells.blank(8, 2, palette)
    cells.glyphs[0] = [*map(ord, "aa aab  ")]
    cells.ink[0] = [1, 1, 2, 1, 1, 2, 1, 1]
    cells.ground[0] = [0, 0, 0, 0, 0, 0, 1, 1]
    assert Encoder(palette, "true").rows(cells) == [
        "\x1b[38;2;255;0;0;48;2;0;0;0maa aa\x1b[38;2;0;255;0mb\x1b[48;2;255;0;0m  \x1b[0m",
        "\x1b[48;2;0;0;0m        \x1b[0m",
    ]


def test_control_characters_in_a_name_do_nothing():
    palette = theme("dark").palette()
    cells = Cells.blank(6, 1, palette)
    cells.glyphs[0] = [0x1B, ord("]"), 0x07, 0x9B, 0xD800, 0x110000]
    for depth in DEPTHS:
        encoder = Encoder(palette, depth, bold=False)
        assert [cell[0] for cell in screen(encoder.rows(cells), 6)[0]] == ["�", "]", "�", "�", "�", "�", " "]
        assert "".join(segment.text for segment in encoder.segments(cells, 0)) == "�]����"


@pytest.mark.parametrize("name", THEMES)
def test_lanes_stay_apart_in_few_colours(name):
    palette = theme(name).palette()
    lanes = [index(name, f"lane{lane}") for lane in range(6)]
    for nearest in (codes.nearest_16, codes.nearest_256):
        found = nearest(palette)
        assert len(set(found[lanes].tolist())) == 6
        assert found[0] not in found[lanes]
        greys = [index(name, role) for role in ("ground", "grid", "muted", "text")]
        assert len(set(found[greys].tolist())) == 4


@pytest.mark.parametrize("name", THEMES)
def test_words_are_in_the_colour_of_their_lane_in_sixteen_colours(name):
    shown = theme(name)
    for lane in range(8):
        colors = np.array([shown.color("ground"), shown.color(f"lane{lane}"), shown.ink(f"lane{lane}")], np.uint8)
        found = codes.nearest_16(colors)
        assert found[1] == found[2]


@pytest.mark.parametrize("name", THEMES)
def test_a_lane_that_fades_keeps_its_hue_in_sixteen_colours(name):
    shown = theme(name)
    ground = np.array(shown.color("ground"), np.float64)
    seen = []
    for lane in (0, 2, 3, 4, 5):
        color = np.array(shown.color(f"lane{lane}"))
        fading = [ground, *(ground + share * (color - ground) for share in shown.blends(f"lane{lane}"))]
        seen.append(set(codes.nearest_16(np.array(fading).round().astype(np.uint8)).tolist()) - {codes.DEFAULT})
    assert all(len(found) == 2 for found in seen)
    assert len(set.union(*seen)) == 10


@pytest.mark.parametrize("name", THEMES)
def test_fields_keep_their_order_in_sixteen_colours(name):
    shown = theme(name)
    ground = np.array([shown.color("ground")], np.uint8)
    ordered = codes.nearest_16(np.concatenate([ground, shown.ramp("ordered")]))[1:].tolist()
    assert list(dict.fromkeys(ordered)) == [4, 8, 7, 3, 11]
    assert ordered == sorted(ordered, key=[4, 8, 7, 3, 11].index)
    signed = codes.nearest_16(np.concatenate([ground, shown.ramp("signed")]))[1:].tolist()
    blues, oranges = {"dark": ({12, 4}, {3}), "light": ({4, 12, 14}, {11, 3})}[name]
    assert set(signed[:24]) <= blues
    assert set(signed[40:]) <= oranges
    assert set(signed[30:34]) == {codes.DEFAULT}


@pytest.mark.parametrize("name", THEMES)
def test_the_ground_of_sixteen_colours_is_the_terminals_own(name):
    palette = theme(name).palette()
    words = one("x", index(name, "text"), 0, palette)
    assert screen(Encoder(palette, "16").rows(words), 1)[0][0] == ("x", "default", "default", False)


def test_a_pixel_of_the_terminals_own_ground_is_left_free():
    palette = theme("dark").palette()
    blue = index("dark", "lane0")
    encoder = Encoder(palette, "16")
    assert screen(encoder.rows(one("▀", 0, blue, palette)), 1)[0][0] == ("▄", "brightblue", "default", False)
    assert screen(encoder.rows(one("▄", 0, blue, palette)), 1)[0][0] == ("▀", "brightblue", "default", False)
    assert screen(encoder.rows(one("▀", blue, 0, palette)), 1)[0][0] == ("▀", "brightblue", "default", False)
    assert encoder.rows(one("▀", 0, 0, palette)) == ["\x1b[49m \x1b[0m"]


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("depth", ["16", "256"])
def test_a_sign_is_seen_wherever_the_palette_tells_it_from_its_ground(name, depth):
    palette = theme(name).palette()
    encoder = Encoder(palette, depth)
    inks = np.arange(len(palette))
    cells = Cells(
        np.full((len(inks), len(inks)), ord("x"), np.uint32),
        *(np.ascontiguousarray(each, dtype=np.uint8) for each in np.meshgrid(inks, inks)),
        np.zeros((len(inks), len(inks)), bool),
        palette,
    )
    look = encoder._look(cells)
    assert ((look.ink != look.ground) | (cells.ink == cells.ground)).all()


@pytest.mark.parametrize(("depth", "block"), [("true", False), ("256", False), ("16", True), ("none", True)])
def test_a_full_block_is_a_ground_so_that_a_bar_has_no_gaps_in_any_font(depth, block):
    palette = np.array([[0, 0, 0], [255, 0, 0]], np.uint8)
    (line,) = Encoder(palette, depth).rows(one("█", 1, 0, palette))
    assert ("█" in line) == block
    if depth == "true":
        assert line == "\x1b[48;2;255;0;0m \x1b[0m"


@pytest.mark.parametrize("name", THEMES)
def test_without_colours_pictures_are_shades_and_words_stay(name):
    palette = theme(name).palette()
    encoder = Encoder(palette, "none", bold=False)
    text = index(name, "text")

    def shown(glyph, ink, ground):
        (line,) = encoder.rows(one(glyph, ink, ground, palette))
        return line

    assert shown("▀", text, text) == "█"
    assert shown("▀", 0, 0) == " "
    assert shown("▀", text, 0) == shown("▀", 0, text) == "▒"
    assert shown(" ", 0, text) == "█"
    assert shown("a", 0, text) == "a"
    assert shown("⣿", text, text) == "⣿"
    kind = "ordered" if name == "dark" else "classes"
    ramp, palette = theme(name).ramp(kind), theme(name).palette([kind])
    encoder = Encoder(palette, "none", bold=False)
    half = [int(np.flatnonzero((palette == color).all(axis=1))[0]) for color in ramp[: 64 if name == "dark" else 32]]
    shades = [" ░▒▓█".index(shown("▀", level, level)) for level in half]
    assert shades in (sorted(shades), sorted(shades, reverse=True))
    assert len(set(shades)) >= 3


def test_a_dumb_terminal_gets_characters_alone():
    palette = theme("dark").palette()
    cells = filled(20, 2, 3, palette, bold=1)
    assert not any("\x1b" in line for line in Encoder(palette, "none", bold=False).rows(cells))
    assert all("\x1b[1m" in line for line in Encoder(palette, "none").rows(cells))


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environ", "terminal", "pipe"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "true", "none"),
        ({"TERM": "xterm-256color", "COLORTERM": "24bit"}, "true", "none"),
        ({"TERM": "xterm-256color"}, "256", "none"),
        ({"TERM": "tmux-256color"}, "256", "none"),
        ({"TERM": "xterm"}, "16", "none"),
        ({"TERM": "linux"}, "16", "none"),
        ({"TERM": "xterm-kitty"}, "true", "none"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "true", "none"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, "256", "none"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "none", "none"),
        ({}, "16", "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "none", "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "256", "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1", "FORCE_COLOR": "1"}, "none", "none"),
        ({"TERM": "xterm-256color", "FORCE_COLOR": "true"}, "256", "256"),
        ({"TERM": "dumb", "FORCE_COLOR": "true"}, "16", "16"),
        ({"TERM": "dumb", "FORCE_COLOR": "3"}, "true", "true"),
        ({"TERM": "xterm-256color", "FORCE_COLOR": "1"}, "16", "16"),
        ({"TERM": "xterm-256color", "FORCE_COLOR": "0"}, "none", "none"),
        ({"TERM": "xterm-256color", "CLICOLOR_FORCE": "1"}, "256", "256"),
        ({"TERM": "xterm-256color", "CLICOLOR_FORCE": "0"}, "256", "none"),
        ({"TERM": "xterm-256color", "CLICOLOR": "0"}, "none", "none"),
    ],
)
def test_the_depth_is_what_the_environment_says(environ, terminal, pipe):
    assert detect(environ, Terminal()) == terminal
    assert detect(environ, io.StringIO()) == pipe
