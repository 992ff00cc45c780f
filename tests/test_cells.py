import dataclasses
import gc
import math
import re
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rich.cells import cell_len

from dynviz.cells.canvas import LEAST, CellCanvas
from dynviz.cells.cells import Cells
from dynviz.cells.characters import plain
from dynviz.cells.encode import Encoder
from dynviz.cells.inks import RAMPS
from dynviz.cells.metrics import LETTERS, cell_metrics
from dynviz.cells.svg import svg
from dynviz.cells.wide import in_cells
from dynviz.layout.words import Words, fit, flow, width
from dynviz.pixels import PixelCanvas
from dynviz.scene.marks import (
    Arrows,
    Axis,
    Band,
    Bars,
    Contours,
    Field,
    Line,
    Panel,
    Points,
    Readout,
    ReferenceLine,
    Regions,
    Scene,
    Text,
)
from dynviz.scene.norm import Norm
from dynviz.scene.theme import theme
from tests.scenes import FALL, MAP, STEPS, TIME, every_mark, film

UNIT = Axis((0.0, 1.0))
TEN = np.arange(11.0)
GROWING = Line(TEN, TEN / 10, "lane0", "rule", now=5.0)
COUNT = Axis((0, 10), label="step", whole=True)


def one(*marks, x=UNIT, y=UNIT, square=False, **more):
    return Scene("", (Panel("title", x, y, marks, square=square, **more),), 3, 0)


def drawn(text):
    """Without the indentation of the code around it."""
    return "\n".join(line[8:] for line in text.split("\n")).strip("\n")


def text(scene, *size, **more):
    """Without the row of the counter, and empty rows at the end."""
    return CellCanvas(*size, head=False, **more).draw(scene).text().rstrip()


def plots(canvas, cells, index=0):
    """What the cells of a plot are: characters, inks, grounds."""
    plot = canvas.areas.places[index].plot
    area = np.s_[plot.top : plot.bottom, plot.left : plot.right]
    return cells.glyphs[area], cells.ink[area], cells.ground[area]


def test_a_line_its_ghost_its_dot_and_its_name():
    assert text(one(GROWING, x=COUNT), 40, 12) == drawn("""
            title
        1.0┤                          ⡠⠔⠊ rule
           │                       ⡠⠔⠉
           │                    ⢀⠤⠊
           │                 ⢀⡠⠒⠁
        0.5┤               ⡠⠔⠁
           │            ⣀⠔●
           │         ⣀⠔⠊
           │      ⣀⠔⠊
           │   ⣀⠔⠊
          0┤⡠⠔⠊
            0             5             10  step
        """)


def test_bars_end_at_eighths_of_a_cell_and_hang_below_their_base():
    marks = (Bars(np.arange(4.0), np.array([1.0, 0.55, -0.6, 0.05]), "lane2"),)
    assert text(one(*marks, x=Axis((-0.5, 3.5), whole=True), y=Axis((-1.0, 1.0))), 40, 12) == drawn("""
             title
         1.0┤ ██████
            │ ██████
         0.5┤ ██████  ▆▆▆▆▆▆▆
            │ ██████  ███████
           0┤ ██████  ███████          ▂▂▂▂▂▂
            │                 ███████
            │                 ███████
        -0.5┤                 ███████
            │
        -1.0┤
                 0       1       2       3
        """)


def test_bars_in_the_colour_of_the_ground_cover_and_are_not_seen_themselves():
    behind = Field(np.ones((2, 1)), (0, 1, 0, 1), Norm(0.0, 1.0))
    # A quarter of the plot, and half a row.
    bar = Bars(np.array([0.5]), np.array([0.25]), "ground", 2.0)
    canvas = CellCanvas(60, 20, head=False)
    cells = canvas.draw(one(behind, bar))
    glyphs, _, ground = plots(canvas, cells)
    rows = round(0.25 * glyphs.shape[0] - 0.49)
    assert rows > 1
    assert (glyphs[-rows:] == ord(" ")).all()
    assert (ground[-rows:] == 0).all()
    seen = Encoder(cells.palette, "none", bold=False).rows(cells)
    plot = canvas.areas.places[0].plot
    covered = [row[plot.left : plot.right] for row in seen[plot.top : plot.bottom]]
    assert not "".join(covered[-rows:]).strip()
    assert set("".join(covered[: -rows - 1])) == {"█"}
    assert set(covered[-rows - 1]) <= set("░▒▓█")


def test_a_field_is_half_blocks_and_what_lies_on_it_is_braille():
    field = Field(np.array([[0.0, 1.0], [1.0, 0.0]]), (-1, 1, -1, 1), Norm(0, 1))
    marks = (field, Line(np.array([-1.0, 1.0]), np.array([-1.0, 1.0]), "text"), Text(-0.9, 0.9, "here"))
    axis = Axis((-1.0, 1.0))
    assert text(one(*marks, x=axis, y=axis, square=True), 40, 13) == drawn("""
                title
                 here                 ⡠⠊
                                    ⡠⠊
                                  ⡠⠊
                                ⡠⠊
                              ⡠⠊
                            ⡠⠊
                          ⡠⠊
                        ⡠⠊
                      ⡠⠊
                    ⡠⠊
                  ⡠⠊
                ⡠⠊
        """)


def test_arrows_rules_and_markers():
    marks = (
        ReferenceLine(0.5, label="half"),
        ReferenceLine(0.1, vertical=True),
        Arrows(np.array([0.2]), np.array([0.2]), np.array([0.5]), np.array([0.0]), "lane1"),
        *(Points(np.array([x]), np.array([0.9]), "lane0", 6.0, marker) for x, marker in MARKERS),
    )
    assert text(one(*marks), 40, 12) == drawn("""
            title
        1.0┤   ⡇      ●  ○   ×  ★
           │   ⠁
           │   ⡇
           │   ⠁
        0.5┤   ⡇                          half
           │⠉⠉⠁⠁⠉⠉⠁ ⠉⠉⠁ ⠉⠉⠁ ⠉⠉⠁ ⠉⠉⠁ ⠉⠉⠁ ⠉⠉⠁ ⠉⠉
           │   ⡇
           │   ⠁                  ⠠⡀
           │   ⡇  ⠈⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠙⠋
          0┤   ⠁
            0    0.2    0.4    0.6    0.8   1.0
        """)


MARKERS = ((0.3, "dot"), (0.4, "ring"), (0.5, "cross"), (0.6, "star"))


def test_a_small_terminal_says_so():
    assert CellCanvas(30, 8).draw(every_mark(0)).text().strip() == "too small: 30 x 8, needs 40 x\n              12"
    canvas = CellCanvas(39, 12)
    canvas.draw(every_mark(0))
    assert canvas.areas.places == ()
    assert canvas.areas.hit(3, 3) is None


def test_a_head_has_the_title_in_bold_the_readouts_and_the_step():
    cells = CellCanvas(80, 24, head=True).draw(every_mark(430))
    assert cells.text().splitlines()[0] == " every mark · test  adamw  seed 1" + " " * 29 + "step 430 of 1 000"
    assert cells.bold[0].nonzero()[0].tolist() == list(range(1, 18))
    assert "every mark" not in CellCanvas(80, 24, head=False).draw(every_mark(430)).text()


def test_the_first_panels_are_shown_where_there_is_no_room_for_all():
    panels = every_mark(0).panels * 3
    canvas = CellCanvas(80, 24)
    cells = canvas.draw(Scene("t", panels, 0, STEPS))
    assert 2 <= len(canvas.areas.places) < 12
    assert f"{len(canvas.areas.places)} of 12 panels" in cells.text()
    canvas = CellCanvas(220, 70)
    canvas.draw(Scene("t", panels, 0, STEPS))
    assert len(canvas.areas.places) == 12


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 9])
def test_plots_and_words_stay_in_their_cells_and_do_not_overlap(size, count):
    panels = (every_mark(100).panels * 3)[:count]
    canvas = CellCanvas(*size)
    canvas.draw(Scene("a title of some length", panels, 100, STEPS, (Readout("adamw lr 0.01", "lane0"),)))
    taken = np.zeros(size[::-1], dtype=int)
    for place in canvas.areas.places:
        cell, plot = place.cell, place.plot
        assert cell.left <= plot.left < plot.right <= cell.right <= size[0]
        assert cell.top <= plot.top < plot.bottom <= cell.bottom <= size[1]
        taken[plot.top : plot.bottom, plot.left : plot.right] += 1
        for placed in place.words:
            assert cell.left <= placed.left
            left, right = int(placed.left), int(placed.left + width(placed.words, cell_metrics(*size)))
            assert right <= cell.right
            assert cell.top <= placed.baseline < cell.bottom
            taken[placed.baseline, left:right] += 1
        for spot in place.spots:
            taken[spot.baseline, int(spot.left) : int(spot.left) + 2] += 1
    assert taken.max() == 1


def test_plots_of_one_row_or_column_of_panels_are_in_line():
    canvas = CellCanvas(120, 40)
    canvas.draw(every_mark(0))
    field, path, loss, values = (place.plot for place in canvas.areas.places)
    assert (field.top, field.bottom, loss.top) == (path.top, path.bottom, values.top)
    assert (field.left, path.left) == (loss.left, values.left)


@pytest.mark.parametrize(("wide", "tall"), [(2.0, 1.0), (1.0, 1.0), (1.0, 3.0)])
def test_maps_keep_equal_units(wide, tall):
    canvas = CellCanvas(100, 40)
    canvas.draw(one(x=Axis((0, wide)), y=Axis((0, tall)), square=True))
    plot = canvas.areas.places[0].plot
    assert plot.width / (2 * plot.height) == pytest.approx(wide / tall, rel=0.03)


def test_room_is_kept_for_the_widest_text_of_a_readout():
    def places(value):
        said = (Readout(value, "lane0", widest="-0.000"), Readout("next", "lane1"))
        canvas = CellCanvas(60, 16)
        return canvas.draw(one(readouts=said)).text().index("next")

    assert places("0.5   ") == places("-1.23")


def test_axes_without_ticks_are_left_out():
    between = Axis((0.1, 0.9), whole=True)
    assert not set("│└─") & set(text(one(x=between, y=between, square=True), 60, 24))
    assert set("│└─") <= set(text(one(square=True), 60, 24))


def test_a_readout_without_room_is_left_out_and_never_half_a_number():
    said = tuple(Readout(f"{index}.123456789", f"lane{index}") for index in range(6))
    title = CellCanvas(40, 12, head=False).draw(one(readouts=said)).text().splitlines()[:2]
    assert " ".join(title).split() == ["title", "0.123456789", "1.123456789", "…"]


def test_axes_and_words_do_not_move_while_time_does():
    canvas = CellCanvas(120, 40)
    found = []
    for step in range(0, STEPS, 50):
        canvas.draw(film().scene(step))
        found.append(canvas.areas.places)
    assert all(places == found[0] for places in found)


def test_names_that_end_close_to_each_other_are_spread():
    lines = tuple(Line(TIME, FALL + 0.001 * index, f"lane{index}", f"name {index}", now=500) for index in range(5))
    canvas = CellCanvas(100, 30)
    canvas.draw(one(*lines, x=Axis((0, STEPS))))
    rows = [placed.baseline for placed in canvas.areas.places[0].words if placed.words.text.startswith("name")]
    assert sorted(rows) == list(range(min(rows), min(rows) + 5))


def test_a_point_on_the_screen_has_the_coordinates_of_the_data_there():
    canvas = CellCanvas(100, 30)
    canvas.draw(one(x=Axis((1, 100), "log"), y=Axis((-1, 1))))
    plot = canvas.areas.places[0].plot
    hit = canvas.areas.hit(plot.left + plot.width // 2, plot.top)
    assert hit.panel == 0
    assert hit.x == pytest.approx(10, rel=0.1)
    assert hit.y == pytest.approx(1, abs=0.1)
    assert canvas.areas.hit(plot.left, plot.top - 1).x is None
    assert canvas.areas.hit(0, 0) is None


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, STEPS), min_size=1, max_size=6))
def test_a_canvas_that_drew_other_scenes_gives_the_same_cells_as_a_new_one(steps):
    used = CellCanvas(80, 24)
    for step in steps:
        same(used.draw(every_mark(step)), CellCanvas(80, 24, head=True).draw(every_mark(step)))


def same(cells, wanted):
    for name in ("glyphs", "ink", "ground", "bold"):
        assert np.array_equal(getattr(cells, name), getattr(wanted, name)), name


def test_scenes_of_other_shape_in_between_leave_no_trace():
    canvas = CellCanvas(100, 40)
    scene = every_mark(500)
    wanted = CellCanvas(100, 40).draw(scene)
    canvas.draw(dataclasses.replace(scene, panels=scene.panels[:2], title="other"))
    canvas.draw(Scene("", (), 0, 0))
    changed = dataclasses.replace(scene.panels[2], y=Axis((0.0, 1.0)))
    canvas.draw(dataclasses.replace(scene, panels=(*scene.panels[:2], changed, scene.panels[3])))
    gc.collect()
    same(canvas.draw(scene), wanted)


def test_a_mark_with_new_arrays_at_the_same_place_in_memory_is_drawn_anew():
    canvas = CellCanvas(60, 20)
    for value in (0.2, 0.8, 0.4):
        scene = one(Line(np.arange(50.0), np.full(50, value), "lane0", "line"), x=Axis((0, 49)))
        same(canvas.draw(scene), CellCanvas(60, 20).draw(scene))
        del scene
        gc.collect()


def test_what_was_given_out_does_not_change_when_the_next_scene_is_drawn():
    canvas = CellCanvas(80, 24)
    first = canvas.draw(every_mark(0))
    kept = [array.copy() for array in (first.glyphs, first.ink, first.ground)]
    canvas.draw(every_mark(900))
    assert all(map(np.array_equal, kept, (first.glyphs, first.ink, first.ground)))


def test_a_path_appears_along_its_own_length():
    turn = np.linspace(0, 2 * np.pi, 201)
    marks = [Line(np.cos(turn), np.sin(turn), "lane0", now=now, along=turn, dot=False) for now in (1.0, 4.0, None)]
    axis = Axis((-1.2, 1.2))
    counts = []
    for mark in marks:
        canvas = CellCanvas(60, 30)
        glyphs, ink, _ = plots(canvas, canvas.draw(one(mark, x=axis, y=axis, square=True)))
        counts.append(int((ink[glyphs > 0x2800] == canvas._inks.color("lane0")).sum()))
    assert counts[0] == pytest.approx(counts[2] / (2 * np.pi), abs=4)
    assert counts[1] == pytest.approx(4 * counts[2] / (2 * np.pi), abs=4)


def test_a_line_of_many_points_covers_the_dots_that_each_of_its_segments_does():
    x, y = np.linspace(0, 1, 3000), np.random.default_rng(0).uniform(0.1, 0.9, 3000)
    glyphs = []
    for pieces in (1, 300):
        parts = [slice(start, start + 3000 // pieces + 1) for start in range(0, 3000, 3000 // pieces)]
        canvas = CellCanvas(60, 20)
        glyphs.append(plots(canvas, canvas.draw(one(*(Line(x[part], y[part], "lane0") for part in parts))))[0])
    assert np.array_equal(*glyphs)


@pytest.mark.parametrize("count", [60, 300, 600, 3000])
@pytest.mark.parametrize("share", [0.1, 0.37, 0.5])
def test_points_of_two_colours_have_the_shares_that_they_have_in_pixels(count, share):
    random = np.random.default_rng(count)
    places, first = random.uniform(0, 1, (count, 2)), random.uniform(0, 1, count) < share
    marks = [Points(*places[kind].T, role, 2.0) for kind, role in ((first, "lane1"), (~first, "lane0"))]
    scene = one(*marks)
    canvas, pixels = CellCanvas(120, 40), PixelCanvas(1200, 900)
    glyphs, ink, _ = plots(canvas, canvas.draw(scene))
    drawn = np.array([bits.bit_count() for bits in range(256)])[np.where(glyphs > 0x2800, glyphs - 0x2800, 0)]
    image = pixels.draw(scene).reshape(-1, 3)
    in_cells, in_pixels = [], []
    for role in ("lane0", "lane1"):
        in_cells.append(drawn[ink == canvas._inks.color(role)].sum())
        in_pixels.append((image == pixels.theme.color(role)).all(axis=1).sum())
    assert in_cells[1] / sum(in_cells) == pytest.approx(in_pixels[1] / sum(in_pixels), abs=0.03)


def test_lines_of_two_inks_do_not_lend_each_other_dots_and_are_both_seen():
    flat = np.array([0.0, 1.0])
    marks = [Line(flat, np.full(2, height), role) for height, role in ((0.50, "lane0"), (0.49, "lane1"))]
    (first, *_), (second, *_), (both, ink, _) = (
        plots(canvas, canvas.draw(one(*some)))
        for some in (marks[:1], marks[1:], marks)
        for canvas in [CellCanvas(50, 14)]
    )
    colors = [canvas._inks.color(role) for canvas in [CellCanvas(50, 14)] for role in ("lane0", "lane1")]
    for alone, color in zip((first, second), colors, strict=True):
        own = (both > 0x2800) & (both <= 0x28FF) & (ink == color)
        assert own.sum() >= 0.4 * ((alone > 0x2800) & (alone <= 0x28FF)).sum()
        assert np.array_equal(both[own], alone[own])


def test_without_colours_the_future_has_every_second_dot():
    x = np.linspace(0, 1, 200)
    canvas = CellCanvas(60, 16)
    cells = canvas.draw(one(Line(x, 0.2 + 0.6 * x, "lane0", now=0.5)))
    glyphs, ink, _ = plots(canvas, cells)
    rows = Encoder(cells.palette, "none", bold=False).rows(cells)
    plot = canvas.areas.places[0].plot
    shown = np.array([list(map(ord, row)) for row in rows])[plot.top : plot.bottom, plot.left : plot.right]
    counts = np.array([bits.bit_count() for bits in range(256)])
    ghost = int(canvas._inks.over("lane0", canvas.theme.future("lane0"))[0])
    shares = []
    for color in (canvas._inks.color("lane0"), ghost):
        own = (glyphs > 0x2800) & (glyphs <= 0x28FF) & (ink == color)
        shares.append(counts[shown[own] - 0x2800].sum() / counts[glyphs[own] - 0x2800].sum())
    assert shares[0] == 1
    assert shares[1] < 0.7


@pytest.mark.parametrize("words", ["combining e\u0301", "tab\there", "line\nbreak", "\x1b[31mred", "a\u200bb"])
def test_every_character_takes_one_column(words):
    line = Line(TEN, TEN / 10, "lane0", words)
    scene = dataclasses.replace(one(line, x=COUNT, readouts=(Readout(words, "lane0"),)), title=words)
    cells = CellCanvas(100, 20).draw(scene)
    for character in set(cells.text()) - {"\n"}:
        assert character.isprintable() or character == "\ufffd"
        assert unicodedata.east_asian_width(character) not in "WF"
        assert not unicodedata.combining(character)


@pytest.mark.parametrize("depth", ["true", "256", "16", "none"])
def test_wide_characters_take_two_columns(depth):
    words = "損失 of 学習"
    scene = dataclasses.replace(one(Line(TEN, TEN / 10, "lane0", words), x=COUNT), title=words, readouts=())
    cells = CellCanvas(60, 20).draw(scene)
    assert words in cells.text()
    encoder = Encoder(cells.palette, depth)
    for row, written in enumerate(encoder.rows(cells)):
        text = re.sub("\x1b\\[[0-9;]*m", "", written)
        assert cell_len(text) == 60
        assert "".join(segment.text for segment in encoder.segments(cells, row)) == text
    picture = svg(cells)
    assert all(f">{character}</text>" in picture for character in "損失学習")


def test_a_wide_character_of_which_half_is_covered_is_left_out():
    paper = CellCanvas(20, 6).draw(one(Line(TEN, TEN / 10, "lane0"), x=COUNT))
    paper.glyphs[0, :8] = in_cells("a学b習c x")[:8]
    paper.glyphs[0, 2] = ord("|")
    assert paper.text().splitlines()[0].startswith("a |b習c")
    cut = Cells(*(part[:, :5] for part in (paper.glyphs, paper.ink, paper.ground, paper.bold)), paper.palette)
    assert Encoder(cut.palette, "none", bold=False).rows(cut)[0] == "a |b "


def test_what_is_left_out_of_a_row_of_words_leaves_a_sign():
    placed = flow([[Words(f"a word {index}", LETTERS) for index in range(9)]], (40,), cell_metrics(80, 24))
    assert [one.words.text for one in placed] == ["a word 0", "a word 1", "a word 2", "a word 3", "…"]
    assert flow([[Words("a very long title", LETTERS)]], (10,), cell_metrics(80, 24))[0].words.text == "a very lo…"


def test_two_themes_have_the_same_characters():
    light, dark = (CellCanvas(100, 30, name).draw(every_mark(430)) for name in ("light", "dark"))
    assert light.text().replace("▀", " ") == dark.text().replace("▀", " ")
    assert np.array_equal(light.palette, theme("light").palette(RAMPS))


FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)
COUNTS = st.integers(0, 6)
PLACES = st.sampled_from([0.0, 0.5, 1.0, -1.0, 1e300, -1e-300, 5e-324, np.nan, np.inf, -np.inf])
DASHES = st.sampled_from(["solid", "dashed"])
ROLES = st.sampled_from(["lane0", "text", "muted", "term.decay"])


def vectors(count):
    return arrays.arrays(np.float64, count, elements=PLACES | FLOATS)


@st.composite
def marks(draw):
    count = draw(COUNTS)
    a, b, c, d = (draw(vectors(count)) for _ in range(4))
    role, place = draw(ROLES), PLACES | FLOATS
    grid = draw(
        arrays.arrays(np.float64, arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=4), elements=place)
    )
    extent = draw(st.tuples(place, place, place, place))
    now = draw(st.none() | place)
    return draw(st.sampled_from([
        Line(a, b, role, draw(st.text(max_size=8)), now, draw(st.none() | vectors(count)), draw(DASHES)),
        Line(a, b, role, "name", now, np.arange(count), width=2.0),
        Band(a, b, c, role, now),
        Points(a, b, role, draw(st.sampled_from([1.0, 3.0, 9.0])), draw(st.sampled_from(["dot", "star"])), alpha=0.5),
        Bars(a, b, role, draw(PLACES), draw(PLACES)),
        Arrows(a, b, c, d, role, "pull"),
        Field(grid, extent, Norm(*extent[:2], draw(st.sampled_from(["linear", "log"])))),
        Regions(grid, extent, draw(st.sampled_from([(), ("lane0",), ("lane0", "grid")]))),
        Contours(grid, extent, tuple(b.tolist())),
        ReferenceLine(draw(place), role, vertical=draw(st.booleans()), label="rule"),
        Text(draw(place), draw(place), draw(st.text(max_size=20)), anchor=draw(st.sampled_from(["left", "right"]))),
    ]))  # fmt: skip


@st.composite
def axes(draw):
    limits = draw(st.tuples(PLACES | FLOATS, PLACES | FLOATS) | st.just((0.0, 1.0)))
    return Axis(limits, draw(st.sampled_from(["linear", "log"])), draw(st.text(max_size=5)), draw(st.booleans()))


@st.composite
def scenes(draw):
    panels = []
    for _ in range(draw(st.integers(0, 5))):
        said = tuple(Readout(*draw(st.tuples(st.text(max_size=9), ROLES, st.text(max_size=4)))) for _ in range(2))
        drawn_ = tuple(draw(st.lists(marks(), max_size=4)))
        panels.append(Panel(draw(st.text(max_size=20)), draw(axes()), draw(axes()), drawn_, said, draw(st.booleans())))
    return Scene(draw(st.text(max_size=50)), tuple(panels), draw(st.integers(0, 10**9)), draw(st.integers(0, 10**9)))


@settings(max_examples=60, deadline=None)
@given(scenes(), st.integers(1, 220), st.integers(1, 70), st.booleans())
def test_any_scene_is_drawn_at_any_size(scene, columns, rows, head):
    canvas = CellCanvas(columns, rows, head=head)
    for _ in range(2):
        cells = canvas.draw(scene)
    assert cells.glyphs.shape == cells.ink.shape == cells.ground.shape == cells.bold.shape == (rows, columns)
    assert max(cells.ink.max(), cells.ground.max()) < len(cells.palette)
    assert len(cells.text().split("\n")) == rows
    for place in canvas.areas.places:
        canvas.areas.hit(place.plot.left, place.plot.top)


EXTREMES = (0.0, 1e300, -1.79e308, 1.79e308, 5e-324, -1e-300, math.inf, -math.inf, math.nan, 1.0, 1.0 + 2**-52)


@pytest.mark.parametrize("low", EXTREMES)
def test_axes_reach_as_far_as_numbers_do(low):
    for high in EXTREMES:
        for scale in ("linear", "log"):
            far, near = Axis((low, high), scale, "far"), Axis((0.0, 1.0))
            line = Line(np.array([0.0, 1.0]), np.array([0.0, 1.0]), "lane0")
            scene = Scene("far", (Panel("x", far, near, (line,)), Panel("y", near, far, ())), 1, 2)
            assert CellCanvas(80, 24, head=True).draw(scene).glyphs.shape == (24, 80)


@pytest.mark.parametrize(
    ("text", "room", "cut"),
    [("validation loss", 10, "validatio…"), ("loss", 4, "loss"), ("loss", 0, ""), ("1.2 to 13.4", 9, "1.2 to…")],
)
def test_words_are_cut_with_an_ellipsis_and_numbers_are_whole_or_not_there(text, room, cut):
    assert fit(text, LETTERS, room, cell_metrics(80, 24)) == cut


@pytest.mark.parametrize(
    ("first", "room", "lines"),
    [("loss 42", 9, ["loss 42", "…"]), ("loss 42", 8, ["loss 42", ""]), ("loss ab", 8, ["loss ab", "…"])],
)
def test_the_sign_that_words_are_left_out_does_not_touch_a_number(first, room, lines):
    blocks = [[Words(first, LETTERS)], [Words("other words", LETTERS)]]
    assert [one.words.text for one in flow(blocks, [room], cell_metrics(80, 24))] == lines


def test_the_cells_backend_needs_neither_matplotlib_nor_textual():
    code = (
        "import sys; import dynviz.cells.canvas; from tests.scenes import every_mark\n"
        "dynviz.cells.canvas.CellCanvas(100, 40).draw(every_mark(3))\n"
        "print([name for name in ('torch', 'matplotlib', 'PIL', 'rich', 'textual') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_maps_are_in_one_plane_of_one_size():
    panels = tuple(Panel(name, *MAP, (), square=True) for name in ("one", "a longer title than the other"))
    canvas = CellCanvas(90, 30)
    canvas.draw(Scene("", panels, 0, 0))
    assert len({(place.plot.width, place.plot.height) for place in canvas.areas.places}) == 1


def test_plain_words_keep_what_takes_one_column():
    assert plain("10⁻⁷ · adamw-l1 λ=0.1 …") == "10⁻⁷ · adamw-l1 λ=0.1 …"
    assert LEAST == (40, 12)
