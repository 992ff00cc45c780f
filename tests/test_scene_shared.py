import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynviz.layout.arrange import arrange
from dynviz.scene.decimate import decimate
from dynviz.scene.marks import Axis, Panel
from dynviz.scene.scales import fractions, nearest_pixels, values

SHARED = (
    *(f"scene.{name}" for name in ("theme", "ticks", "decimate", "scales", "palette", "norm", "marks")),
    *(f"layout.{name}" for name in ("arrange", "naming", "counter", "page", "place")),
    "charts.caption",
    "charts.numbers",
    "charts.trend",
    "cli.tables",
)


def panels(kinds):
    return [Panel("", Axis((0, 1)), Axis((0, 1)), (), square=kind == "map") for kind in kinds]


def counted(rects, width, height):
    paper = np.zeros((height, width), int)
    for rect in rects:
        assert 0 <= rect.left < rect.right <= width
        assert 0 <= rect.top < rect.bottom <= height
        paper[rect.top : rect.bottom, rect.left : rect.right] += 1
    return paper


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["map", "curve"]), min_size=1, max_size=12),
    st.integers(60, 400),
    st.integers(60, 400),
    st.sampled_from([0.5, 1.0, 2.0]),
)
def test_panels_never_overlap_and_curves_fill_the_area(kinds, width, height, aspect):
    for words in ((0, 0), (8 / aspect, 6)):
        paper = counted(arrange(panels(kinds), width, height, aspect=aspect, words=words), width, height)
        assert paper.max() == 1
        assert "map" in kinds or (paper == 1).all()


@pytest.mark.parametrize(
    ("kinds", "size", "columns"),
    [
        (["curve"] * 4, (800, 560), 2),
        (["curve"] * 6, (1100, 500), 3),
        (["map", "map"], (800, 560), 2),
        (["map", "map", "curve", "curve"], (800, 560), 2),
        (["curve", "curve"], (400, 800), 1),
    ],
)
def test_the_grid_suits_the_area(kinds, size, columns):
    assert len({rect.left for rect in arrange(panels(kinds), *size)}) == columns


@pytest.mark.parametrize(("size", "aspect", "words"), [((780, 560), 1.0, (58, 60)), ((118, 37), 0.5, (7, 3))])
@pytest.mark.parametrize("kinds", [["map"] + ["curve"] * 6, ["map"] * 2 + ["curve"] * 6, ["map"] * 3 + ["curve"] * 6])
def test_maps_lead_and_are_the_largest(kinds, size, aspect, words):
    rects = arrange(panels(kinds), *size, aspect=aspect, words=words)
    maps, curves = rects[: kinds.count("map")], rects[kinds.count("map") :]
    assert rects[0].left == rects[0].top == 0
    plots = [[(r.height - words[1]) * (r.width - words[0]) for r in group] for group in (maps, curves)]
    assert min(plots[0]) > 1.2 * sum(plots[1]) / len(plots[1])


def test_maps_alone_have_room_beside_them_for_their_words():
    rects = arrange(panels(["map", "map", "map", "map"]), 800, 600)
    assert all(rect.width > 1.3 * rect.height for rect in rects)


def test_a_lone_map_stands_in_the_middle():
    (rect,) = arrange(panels(["map"]), 800, 500)
    assert (rect.left, rect.right, rect.height) == (150, 650, 500)


def test_a_column_of_maps_is_narrower_than_its_neighbour():
    one, other = arrange(panels(["map", "curve"]), 1000, 300)
    assert one.width < other.width


def test_no_panels_need_no_room():
    assert arrange([], 100, 100) == ()


@given(st.lists(st.one_of(st.floats(-100, 100), st.just(float("nan"))), min_size=1, max_size=200), st.integers(1, 20))
def test_decimation_keeps_the_extremes_of_each_column_and_every_gap(heights, columns):
    y = np.array(heights)
    x = np.linspace(0, columns, len(y))
    kept = decimate(x, y)
    assert (np.diff(kept) > 0).all()
    assert {0, len(y) - 1} <= set(kept.tolist())
    for column in range(columns + 1):
        run = np.floor(x) == column
        mine = run[kept]
        if np.isfinite(y[run]).any():
            assert np.nanmin(y[kept][mine]) == np.nanmin(y[run])
            assert np.nanmax(y[kept][mine]) == np.nanmax(y[run])
    gaps = np.isnan(y)
    assert gaps[kept].any() == gaps.any()


def test_a_long_line_becomes_short():
    x = np.linspace(0, 300, 100_000)
    assert len(decimate(x, np.sin(x * 50))) <= 4 * 301


@given(st.floats(0, 1), st.sampled_from(["linear", "log"]))
def test_places_and_values_are_inverse(place, scale):
    axis = Axis((0.1, 1000), scale)
    assert fractions(axis, values(axis, place)) == pytest.approx(place, abs=1e-9)


def test_what_an_axis_cannot_show_stays_in_reach_of_integers():
    assert np.isnan(fractions(Axis((1, 10), "log"), [0, -1])).all()
    assert np.abs(fractions(Axis((0, 1)), [1e300, -np.inf])).max() <= 1e3


def test_a_picture_larger_than_the_axis_is_cut_and_a_smaller_one_leaves_places_empty():
    assert nearest_pixels(Axis((0, 2)), 0, 4, 4, 4).tolist() == [0, 0, 1, 1]
    assert nearest_pixels(Axis((0, 4)), 1, 3, 2, 4).tolist() == [-1, 0, 1, -1]


def test_the_shared_modules_need_neither_torch_nor_matplotlib():
    modules = ", ".join(f"dynviz.{name}" for name in SHARED)
    code = f"import sys, {modules}; sys.exit(any(name in sys.modules for name in ('torch', 'matplotlib', 'PIL')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
