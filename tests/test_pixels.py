import dataclasses
import gc
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynviz.errors import DynvizError
from dynviz.layout.metrics import Font
from dynviz.layout.words import Words, flow
from dynviz.pixels import PixelCanvas
from dynviz.pixels.metrics import pixel_metrics, pixel_page
from dynviz.pixels.pen import Pen
from dynviz.pixels.sizes import sizes
from dynviz.scene.marks import Arrows, Axis, Bars, Field, Line, Panel, Points, Readout, ReferenceLine, Scene, Text
from dynviz.scene.norm import Norm
from dynviz.scene.scales import fractions
from dynviz.scene.theme import theme
from tests.plain_drawing import plain
from tests.scenes import FALL, PULL, ROOTS, STEPS, TIME, TURN, every_mark, film

SIZE = (800, 600)
looks = pytest.mark.parametrize("look", ["light", "dark"])


def blend(look, role, share, under="ground"):
    ground, color = (np.array(theme(look).color(name), float) for name in (under, role))
    return ground + share * (color - ground)


def spot(scene, panel, x, y):
    """Column and row of data coordinates."""
    place = pixel_page(scene, Pen(*SIZE)).places[panel].plot
    axes = scene.panels[panel]
    column = place.left + fractions(axes.x, x) * place.width
    row = place.bottom - fractions(axes.y, y) * place.height
    return int(column), int(row)


@looks
def test_every_mark_has_its_colour_where_its_data_is(look):
    scene = every_mark(430)
    picture = PixelCanvas(*SIZE, look).draw(scene).astype(int)

    def color(panel, x, y):
        column, row = spot(scene, panel, x, y)
        return picture[row, column]

    def near(found, wanted, far=4):
        assert np.abs(found - np.asarray(wanted)).max() <= far, (found, wanted)

    field, path = scene.panels[0].marks[0], scene.panels[1]
    ramp = theme(look).ramp("signed")
    near(color(0, -1.95, 1.95), ramp[field.norm.levels(field.values[-1:, 0])[0]], 0)
    near(color(0, *[place[0] for place in (scene.panels[0].marks[1].x, scene.panels[0].marks[1].y)]), color_of(look, 3))
    near(color(1, -1.75, -1.2), theme(look).color("grid"), 0)
    near(color(1, -0.75, -1.75), theme(look).color("ground"), 0)
    near(color(1, *TURN[:, 20]), color_of(look, 0))
    near(color(1, 0.0, 0.0), theme(look).color("text"))
    near(color(1, *(ROOTS + 0.5 * 0.77 * PULL)[:, 0]), color_of(look, 1))
    assert path.marks[4].text == "start"
    near(color(2, 200, np.interp(200, TIME, FALL)), color_of(look, 0))
    near(color(2, 430, np.interp(430, TIME, FALL)), color_of(look, 0))
    near(color(2, 250, np.interp(250, TIME, FALL) + 0.05), blend(look, "lane0", theme(look).shade), 3)
    near(color(2, 550, np.interp(550, TIME, FALL) + 0.04), blend(look, "lane0", theme(look).shade_ghost), 3)
    future = color(2, 520, np.interp(520, TIME, FALL))
    near(
        future,
        blend(look, "lane0", theme(look).future("lane0") + (1 - theme(look).future("lane0")) * theme(look).shade_ghost),
        6,
    )
    near(color(3, 2, 0.1), theme(look).color("lane2"), 0)
    near(color(3, 2.5, 1.1), theme(look).color("ground"), 0)


def color_of(look, lane):
    return theme(look).color(f"lane{lane}")


def test_the_words_of_a_text_mark_are_drawn():
    scene = every_mark(0)
    marks = tuple(mark for mark in scene.panels[1].marks if not isinstance(mark, Text))
    without = dataclasses.replace(scene.panels[1], marks=marks)
    panels = (scene.panels[0], without, *scene.panels[2:])
    both = [PixelCanvas(*SIZE).draw(one).astype(int) for one in (scene, dataclasses.replace(scene, panels=panels))]
    column, row = spot(scene, 1, -1.9, 1.7)
    changed = np.argwhere(np.abs(both[0] - both[1]).sum(-1))
    assert len(changed) > 50
    assert np.abs(changed.mean(axis=0) - (row, column + 17)).max() < 8


@looks
@pytest.mark.parametrize("step", [0, 430, STEPS])
def test_the_picture_is_the_one_that_plain_matplotlib_draws(look, step):
    ours = PixelCanvas(*SIZE, look).draw(every_mark(step)).astype(int)
    theirs = plain(every_mark(step), *SIZE, look).astype(int)
    far = np.abs(ours - theirs).max(axis=-1)
    # What differs: matplotlib moves axes, markers and words to whole pixels, and draws no swatches in our legend.
    assert far.mean() < 2.5
    assert (far > 32).mean() < 0.015


@pytest.mark.parametrize("index", range(4))
def test_each_mark_alone_is_the_one_that_plain_matplotlib_draws(index):
    panel = every_mark(430).panels[index]
    shapes = [mark for mark in panel.marks if not isinstance(mark, Text | ReferenceLine)]
    for mark in [dataclasses.replace(one, label="") if hasattr(one, "label") else one for one in shapes]:
        scene, empty = (Scene("", (dataclasses.replace(panel, marks=marks),), 0, 0) for marks in ((mark,), ()))
        canvas = PixelCanvas(400, 300)
        plot = pixel_page(scene, Pen(400, 300)).places[0].plot
        area = (slice(plot.top + 1, plot.bottom), slice(plot.left + 1, plot.right))
        # Without what is drawn on empty axes, whose grid matplotlib moves by a pixel.
        ours = canvas.draw(scene).astype(int)[area] - canvas.draw(empty)[area]
        theirs = plain(scene, 400, 300, "light").astype(int)[area] - plain(empty, 400, 300, "light")[area]
        # Its markers stand on whole pixels.
        most = 0.8 if isinstance(mark, Points) else 0.2
        assert np.abs(ours - theirs).mean() < most * np.abs(theirs).mean(), type(mark)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, STEPS), min_size=1, max_size=6))
def test_a_canvas_that_drew_other_scenes_gives_the_same_bytes_as_a_new_one(steps):
    used = PixelCanvas(400, 300, "dark")
    for step in steps:
        assert np.array_equal(used.draw(every_mark(step)), PixelCanvas(400, 300, "dark").draw(every_mark(step)))


def test_scenes_of_other_shape_in_between_leave_no_trace():
    canvas, fresh = PixelCanvas(400, 300), PixelCanvas(400, 300)
    wanted = fresh.draw(every_mark(500))
    canvas.draw(every_mark(100))
    scene = every_mark(500)
    canvas.draw(dataclasses.replace(scene, panels=scene.panels[:2], title="other"))
    canvas.draw(Scene("", (), 0, 0))
    changed = dataclasses.replace(scene.panels[2], y=Axis((0.0, 1.0)))
    canvas.draw(dataclasses.replace(scene, panels=(*scene.panels[:2], changed, scene.panels[3])))
    gc.collect()
    assert np.array_equal(canvas.draw(scene), wanted)


def test_a_mark_with_new_arrays_at_the_same_place_in_memory_is_drawn_anew():
    canvas = PixelCanvas(400, 300)
    for value in (0.2, 0.8, 0.4):
        y = np.full(50, value)
        panel = Panel("p", Axis((0, 49)), Axis((0, 1)), (Line(np.arange(50.0), y, "lane0", "line"),))
        scene = Scene("t", (panel,), 0, 0)
        assert np.array_equal(canvas.draw(scene), PixelCanvas(400, 300).draw(scene))
        del y, panel, scene
        gc.collect()


def test_what_was_given_out_does_not_change_when_the_next_scene_is_drawn():
    canvas = PixelCanvas(400, 300)
    first = canvas.draw(every_mark(0))
    kept = first.copy()
    canvas.draw(every_mark(900))
    assert np.array_equal(first, kept)


def test_axes_and_words_do_not_move_while_time_does():
    pages = [pixel_page(film().scene(step), Pen(*SIZE)) for step in range(0, STEPS, 50)]
    assert len({tuple(place.plot for place in page.places) for page in pages}) == 1
    assert len({tuple(place.words for place in page.places) for page in pages}) == 1


@pytest.mark.parametrize("size", [(400, 300), (800, 600), (960, 540), (1600, 1200)])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 9])
def test_plots_and_words_stay_in_their_cells_and_do_not_overlap(size, count):
    panels = (every_mark(100).panels * 3)[:count]
    readouts = (Readout("adamw lr 0.01", "lane0"), Readout("a rather long name lr 0.01", "lane1"))
    pen = Pen(*size)
    page = pixel_page(Scene("a title of some length", panels, 100, STEPS, readouts), pen)
    for place in page.places:
        cell, plot = place.cell, place.plot
        assert cell.left <= plot.left < plot.right <= cell.right
        assert cell.top <= plot.top < plot.bottom <= cell.bottom
        boxes = []
        for placed in place.words:
            wide, size_ = pen.measure(placed.words.text, placed.words.font), placed.words.font.size
            assert placed.left >= 0
            assert placed.left + wide <= size[0]
            assert cell.top <= placed.baseline - 0.8 * size_
            assert placed.baseline <= cell.bottom
            boxes.append((placed.left, placed.baseline - 0.7 * size_, placed.left + wide, placed.baseline))
        for number, one in enumerate(boxes):
            for other in boxes[:number]:
                apart = one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
                assert apart, (one, other)


def test_maps_keep_equal_units():
    panel = Panel("map", Axis((-2, 2)), Axis((-1, 1)), (), square=True)
    plot = pixel_page(Scene("", (panel,), 0, 0), Pen(800, 600)).places[0].plot
    assert plot.width / plot.height == pytest.approx(2, rel=0.01)


def test_a_map_whose_span_is_no_float_takes_all_the_room_there_is():
    far = Axis((-1.79e308, 1.79e308))
    with np.errstate(all="ignore"):
        place = pixel_page(Scene("", (Panel("far", far, far, (), square=True),), 0, 0), Pen(400, 300)).places[0]
    assert place.plot.width > 0.5 * place.cell.width
    assert place.plot.height > 0.5 * place.cell.height


def test_names_of_lines_stand_at_their_ends_where_there_is_room_and_else_in_a_legend():
    def swatches(name):
        line = Line(TIME, FALL, "lane0", name, now=500)
        page = pixel_page(Scene("", (Panel("p", Axis((0, STEPS)), Axis((0, 1)), (line,)),), 0, 0), Pen(400, 300))
        return [placed.words.swatch for placed in page.places[0].words if placed.words.text == name]

    assert swatches("short") == [None]
    (swatch,) = swatches("a name of many letters")
    assert swatch is not None
    assert swatch.color == "lane0"


def test_names_that_would_lie_over_one_another_are_spread():
    lines = tuple(Line(TIME, FALL + 0.001 * index, f"lane{index}", f"name {index}", now=500) for index in range(5))
    scene = Scene("", (Panel("p", Axis((0, STEPS)), Axis((0, 1)), lines),), 0, 0)
    page = pixel_page(scene, Pen(800, 600))
    rows = sorted(placed.baseline for placed in page.places[0].words if placed.words.text.startswith("name"))
    assert min(np.diff(rows)) >= page.metrics.sizes.words.size


def test_what_cannot_be_drawn_is_left_out():
    nothing = np.full(20, np.nan)
    x = np.arange(20.0)
    grow = np.exp(x * 35)
    marks = (
        Line(x, nothing, "lane0", "nothing", now=5),
        Line(x, np.where(x > 9, np.nan, x), "lane1", "breaks", now=15),
        Line(x, grow, "lane2", "leaves", now=18),
        Line(np.empty(0), np.empty(0), "lane3", "empty", now=3),
        Line(x[:1], x[:1], "lane3", now=0, along=x[:1]),
        Points(nothing, x, "lane0"),
        Bars(x, nothing, "lane0"),
        Arrows(x, x, nothing, x, "lane0"),
        Arrows(np.empty(0), np.empty(0), np.empty(0), np.empty(0), "lane0"),
        Field(np.full((4, 4), np.nan), (0, 1, 0, 1), Norm(0, 1)),
        Text(500, 0, "far away"),
        ReferenceLine(99),
    )
    for scale in ("linear", "log"):
        panel = Panel("p", Axis((0, 19)), Axis((0.1, 10), scale), marks)
        assert PixelCanvas(400, 300).draw(Scene("", (panel,), 1, 2)).shape == (300, 400, 3)


@pytest.mark.parametrize("size", [(0, 600), (800, 100), (99999, 600), (-5, 300)])
def test_a_size_that_cannot_be_drawn_is_refused_with_what_can(size):
    with pytest.raises(DynvizError, match="each side is from 120 to 8192"):
        PixelCanvas(*size)


@pytest.mark.parametrize("size", range(9, 17))
def test_a_comma_stands_at_its_word(size):
    pen, font = Pen(400, 60), Font(size, bold=True)
    (_, _), (comma, begin), *_ = pen.places("rosenbrock, 12 lanes", font)[0]
    alone = pen.write("rosenbrock", font, 10, 40).places % 400
    assert comma == ","
    assert begin <= alone.max() + 1 - 10 + 0.15 * size


def test_words_are_as_wide_as_they_are_measured():
    pen, font = Pen(400, 100), Font(16, bold=True)
    shape = pen.write("step 4 300 of 10 000", font, 20, 50)
    columns = shape.places % 400
    assert columns.min() == pytest.approx(20, abs=2)
    assert columns.max() == pytest.approx(20 + pen.measure("step 4 300 of 10 000", font), abs=3)


def test_only_the_pixels_backend_needs_matplotlib():
    code = "import dynviz.animation.export, sys; sys.exit('matplotlib' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_line_without_a_dot_has_none():
    x = np.arange(20.0)
    pictures = []
    for dot in (True, False):
        line = Line(x, x, "lane0", now=10, ghost=False, dot=dot)
        pictures.append(
            PixelCanvas(400, 300).draw(Scene("", (Panel("p", Axis((0, 19)), Axis((0, 19)), (line,)),), 0, 0))
        )
    blue = [(picture == theme("light").color("lane0")).all(axis=-1).sum() for picture in pictures]
    assert blue[0] > blue[1] + 10


def test_a_picture_too_small_for_all_panels_shows_the_first_and_says_so():
    panels = (*every_mark(0).panels, *every_mark(0).panels, *every_mark(0).panels)
    page = pixel_page(Scene("title", panels, 0, STEPS), Pen(400, 300))
    assert len(page.places) < len(panels)
    assert page.title.words[1].words.text == f"{len(page.places)} of 12 panels"
    assert len(pixel_page(Scene("title", panels, 0, STEPS), Pen(1600, 1200)).places) == 12


def test_a_name_is_written_where_there_is_room_and_else_left_to_the_title():
    said = (Readout("0.371", "lane0", "adamw"), Readout("0.388", "lane1", "adamw-l1"))
    panel = Panel("validation loss", Axis((0, STEPS)), Axis((0, 1)), (), said)

    def named(width, *heads):
        return [spot.named for spot in pixel_page(Scene("t", (panel,), 0, 0, heads), Pen(width, 200)).places[0].spots]

    heads = (Readout("adamw", "lane0"), Readout("adamw-l1", "lane1"))
    assert named(800, *heads) == [True, True]
    assert named(220, *heads) == [True, True]
    assert named(100, *heads) == [False, False]
    assert named(220) == [True, True]


def test_room_is_kept_for_the_widest_text_of_a_readout():
    def places(text):
        said = (Readout(text, "lane0", widest="-0.000"), Readout("next", "lane1"))
        scene = Scene("t", (Panel("p", Axis((0, 1)), Axis((0, 1)), (), said),), 0, 0)
        return pixel_page(scene, Pen(400, 300)).places

    assert places("0.5") == places("-1.234") == places("NaN")


def test_names_that_end_at_one_place_become_one():
    lines = tuple(Line(TIME, FALL + 0.01 * index, f"lane{index}", "+", now=500) for index in range(2))
    scene = Scene("", (Panel("p", Axis((0, STEPS)), Axis((0, 1)), lines),), 0, 0)
    found = [placed.words for placed in pixel_page(scene, Pen(800, 600)).places[0].words if placed.words.text == "+"]
    assert [words.color for words in found] == ["muted"]


def test_what_is_cut_from_a_row_of_words_leaves_a_sign():
    pen, font = Pen(400, 100), Font(12)
    items = [Words(f"a word {index}", font) for index in range(9)]
    placed = flow([items], (200.0,), pixel_metrics(pen, 1))
    assert len(placed) < 9
    assert placed[-1].words.text.endswith("…")
    assert placed[-1].left + pen.measure(placed[-1].words.text, font) <= 200


def arrowed(*arrows, x=(0.0, 10.0), y=(0.0, 10.0), scale="linear"):
    """Which pixels arrows (x, y, dx, dy) touch, and the plot that they are drawn in."""
    axes = Axis(x, scale), Axis(y, scale)
    pictures = []
    for marks in ((Arrows(*np.array(arrows, float).T, "lane0"),), ()):
        scene = Scene("", (Panel("p", *axes, marks),), 0, 0)
        pictures.append(PixelCanvas(400, 300).draw(scene).astype(int))
    touched = np.abs(pictures[0] - pictures[1]).sum(axis=-1) > 60
    return touched, pixel_page(scene, Pen(400, 300)).places[0].plot


def place(plot, across, up):
    return plot.left + across * plot.width, plot.bottom - up * plot.height


def box(touched):
    rows, columns = np.nonzero(touched)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_an_arrow_reaches_from_its_place_to_its_tip_and_is_widest_at_its_head():
    touched, plot = arrowed((2, 5, 6, 0))
    (left, middle), (right, _) = place(plot, 0.2, 0.5), place(plot, 0.8, 0.5)
    assert box(touched)[::2] == pytest.approx((left, right), abs=1.5)
    thick = touched.sum(axis=0)
    widest = int(np.argmax(thick))
    assert right - 10 < widest < right - 3
    assert thick[widest] >= 2 * thick[int((left + right) / 2)] > 0
    assert box(touched)[1::2] == pytest.approx((middle - thick[widest] / 2, middle + thick[widest] / 2), abs=1.5)


def test_heads_are_as_large_on_any_axes_and_at_any_length():
    heads = []
    for scale in (1.0, 1e-6):
        touched, _ = arrowed((2 * scale, 5 * scale, 6 * scale, 0), x=(0, 10 * scale), y=(0, 10 * scale))
        heads.append(touched.sum(axis=0).max())
    heads.append(arrowed((2, 5, 2, 0))[0].sum(axis=0).max())
    assert len(set(heads)) == 1


def test_arrows_on_logarithmic_axes_end_where_their_tips_are():
    touched, plot = arrowed((1, 10, 9, 0), (1, 1, -5, 0), x=(0.1, 100), y=(0.1, 1000), scale="log")
    left, right = place(plot, 1 / 3, 0.5)[0], place(plot, 2 / 3, 0.5)[0]
    assert box(touched)[::2] == pytest.approx((left, right), abs=1.5)


def test_arrows_are_cut_at_the_edge_of_the_plot():
    touched, plot = arrowed((5, 5, 9, 0), (5, 2, 0, -400), (50, 50, 1, 1), (-5, 8, 10, 0))
    left, top, right, bottom = box(touched)
    assert left >= plot.left - 3
    assert right <= plot.right + 3
    assert bottom <= plot.bottom + 3
    # The one from the left shows its head; those that leave show none.
    assert touched[int(plot.bottom - 0.8 * plot.height), int(plot.left + 0.4 * plot.width)]
    assert touched[top + 20 :, plot.right - 3].sum() <= 3


def test_an_arrow_of_any_length_keeps_its_direction():
    slope = []
    for length in (4, 4e12, 1e300):
        touched, plot = arrowed((5, 5, length, length / 4))
        column = int(plot.left + 0.8 * plot.width)
        slope.append(plot.bottom - np.flatnonzero(touched[:, column]).mean())
    assert slope == pytest.approx([slope[0]] * 3, abs=1)


def test_what_is_not_finite_of_arrows_is_not_drawn():
    unknown = [(np.nan, 5, 1, 1), (5, np.inf, 1, 1), (5, 5, np.nan, 1), (5, 5, 1, -np.inf)]
    assert not arrowed(*unknown)[0].any()
    assert np.array_equal(arrowed(*unknown, (2, 2, 3, 3))[0], arrowed((2, 2, 3, 3))[0])


def test_an_arrow_that_goes_nowhere_is_a_dot_and_a_short_one_a_smaller_head():
    nowhere, short, long = (arrowed((5, 5, length, 0))[0].sum() for length in (0, 0.14, 2))
    assert 0 < nowhere < short < long


def test_named_arrows_are_shown_in_the_legend():
    panel = Panel("p", Axis((0, 1)), Axis((0, 1)), (Arrows(ROOTS[0], ROOTS[1], *PULL, "lane1", "pull"),))
    found = pixel_page(Scene("", (panel,), 0, 0), Pen(400, 300)).places[0].words
    (named,) = [placed for placed in found if placed.words.text == "pull"]
    assert named.words.swatch.kind == "arrow"
    picture = PixelCanvas(400, 300).draw(Scene("", (panel,), 0, 0))
    size = named.words.font.size
    swatch = picture[named.baseline - size : named.baseline, int(named.left) : int(named.left + 1.4 * size)]
    thick = (swatch.min(axis=-1) < 180).sum(axis=0)
    assert 0 < thick[2] < thick[-6:].max()


@pytest.mark.parametrize("panels", [1, 4, 8])
def test_letters_can_be_read_at_each_width_and_grow_with_it(panels):
    small, usual, large = (sizes(width, width * 3 // 4, panels) for width in (400, 800, 1600))
    for size in (small, usual, large):
        letters = [size.title.size, size.panel.size, size.words.size, size.ticks.size]
        assert letters == sorted(letters, reverse=True)
        assert min(letters) >= 9
    # A picture of the usual size that a document shows at half of it, and a large one at half of its own.
    assert usual.words.size / 2 >= 6
    for usual_font, large_font in ((usual.title, large.title), (usual.words, large.words), (usual.ticks, large.ticks)):
        assert 1.8 <= large_font.size / usual_font.size <= 2
    assert small.line < usual.line < large.line
    assert small.dot < usual.dot < large.dot


@pytest.mark.parametrize("width", [400, 800, 1600])
def test_words_of_a_picture_are_whole_at_each_width(width):
    pen = Pen(width, width * 3 // 4)
    page = pixel_page(every_mark(100), pen)
    assert len(page.places) == 4
    written = [*page.title.words, *(placed for place in page.places for placed in place.words)]
    assert {"every mark · test", "field", "path", "loss", "values", "pull", "fast", "slow"} <= {
        placed.words.text for placed in written
    }
    assert not any(placed.words.text.endswith("…") for placed in written)
