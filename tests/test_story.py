"""Stories: what leads takes most of the page; rings of one standard deviation; losses as a terrain."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dynviz
from dynviz.animation.drawing import open_film, told_by
from dynviz.animation.export import animate
from dynviz.animation.story import told
from dynviz.cells.canvas import CellCanvas
from dynviz.charts.nearest_line import example
from dynviz.charts.numbers import significant
from dynviz.charts.plane_terrain import LossPlane
from dynviz.charts.relief import Camera
from dynviz.charts.stages import Stages
from dynviz.charts.swarm import basins
from dynviz.layout.story import SHARE, arrange_story
from dynviz.pixels.metrics import pixel_page
from dynviz.pixels.pen import Pen
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Arrows, Bars, Line, Points, Text
from dynviz.scene.norm import Norm
from tests.recorded import surface, voronoi


@given(
    st.integers(1, 2), st.integers(0, 2), st.tuples(st.integers(100, 2000), st.integers(100, 2000)), st.floats(0.3, 1.5)
)
def test_parts_of_a_story_do_not_overlap_and_what_leads_is_the_largest(lead, supports, size, shape):
    rects = arrange_story(lead, supports, size, 1.0, shape)
    assert len(rects) == lead + supports
    covered = np.zeros(size[::-1], int)
    for rect in rects:
        covered[rect.top : rect.bottom, rect.left : rect.right] += 1
        assert 0 <= rect.left < rect.right <= size[0]
        assert 0 <= rect.top < rect.bottom <= size[1]
    assert covered.max() == 1


@pytest.mark.parametrize("size", [(800, 450), (400, 600), (600, 600)])
def test_the_lead_of_a_path_takes_sixty_percent_in_both_backends(size, tmp_path):
    film = told(open_film([surface(tmp_path / "adamw", steps=60)], "path"))
    scene = film.scene(30)
    assert [panel.square for panel in scene.panels] == [True, False]
    page = pixel_page(scene, Pen(*size))
    lead, support = (place.cell for place in page.places)
    assert support.left >= SHARE * size[0] * 0.9 or support.top >= SHARE * size[1] * 0.9
    assert lead.height >= 0.6 * support.height
    canvas = CellCanvas(100, 30)
    canvas.draw(scene)
    assert canvas.areas.places[1].cell.left > 60


def test_the_maps_of_two_recordings_lead_together_and_at_most_two_panels_support_them(tmp_path):
    both = [voronoi(tmp_path / name, steps=40, every=10, centers=10) for name in ("adamw", "sgd")]
    scene = told(open_film(both, "benchmark")).scene(40)
    assert scene.lead == 2
    assert [panel.square for panel in scene.panels] == [True, True, False, False]


def test_a_scenario_names_the_view_of_its_story_unless_that_is_a_file(tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=40, every=10, centers=10)
    for story, view in (("rings", "rings"), ("./mine.py", ""), ("", "")):
        recording.metadata = replace(recording.metadata, story=story)
        assert told_by([recording]) == view
    recording.metadata = replace(recording.metadata, story="")
    assert animate([recording], tmp_path / "a.png", story=True, size=(400, 300)).stat().st_size > 1000


def test_a_ring_has_the_radius_of_the_deviation_of_all_coordinates(tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=40, every=10, centers=300)
    film = open_film([recording], "rings")
    sds = [float(recording["centers"][index, 0].std(dtype=np.float64)) for index in (0, -1)]
    first, last = (significant(sd, padded=True) for sd in sds)
    said = [one.text for one in film.scene(40).readouts if one.color == "text"]
    assert said == [f"The spread of the centers goes from {first} to {last}."]
    for step, index in ((0, 0), (40, -1)):
        marks = film.scene(step).panels[0].marks
        began, now = (mark for mark in marks if isinstance(mark, Line))
        for line, sample in ((began, 0), (now, index)):
            wanted = recording["centers"][sample, 0].std(dtype=np.float64)
            assert np.hypot(line.x, line.y) == pytest.approx(np.full(len(line.x), wanted))
        assert began.dash == "dashed"
        assert sum(isinstance(mark, Points) for mark in marks) == 1
    assert {mark.label for mark in film.scene(40).panels[0].marks if isinstance(mark, Line)} == {""}
    rings = [mark for mark in told(film).scene(40).panels[0].marks if isinstance(mark, Line)]
    assert [line.label for line in rings] == ["spread at the start", "spread now"]


def test_a_story_of_centers_draws_their_spread_from_zero_and_says_the_same_numbers(tmp_path):
    recording = voronoi(tmp_path / "adamw", steps=40, every=10, centers=300)
    scene = told(open_film([recording], "centers")).scene(40)
    cloud, curve = scene.panels
    assert (scene.lead, curve.title, curve.y.limits[0]) == (1, "spread of the centers", 0.0)
    (label,) = (mark for mark in curve.marks if isinstance(mark, DirectLabel))
    now = significant(float(recording["centers"][-1, 0].std(dtype=np.float64)), padded=True)
    assert (label.value, cloud.readouts[0].text) == (now, f"spread {now}")
    assert any(one.text.startswith("The spread of the centers goes") and now in one.text for one in scene.readouts)


def test_the_truth_leads_beside_the_predictions_and_the_sentence_has_their_accuracy(tmp_path):
    both = [voronoi(tmp_path / name, steps=40, every=10, centers=10) for name in ("adamw", "sgd")]
    for view, supports in (("benchmark", 2), ("logits", 0)):
        scene = told(open_film(both, f"{view}:truth=true")).scene(40)
        assert [panel.title for panel in scene.panels[:3]] == ["prediction", "prediction", "true classes"]
        assert (scene.lead, len(scene.panels)) == (3, 3 + supports)
        (said,) = (one.text for one in scene.readouts if one.color == "text")
        for panel in scene.panels[:2]:
            assert panel.readouts[0].text.removesuffix(" right") in said
        assert "true classes" not in [panel.title for panel in told(open_film(both, view)).scene(40).panels]


def test_a_story_of_the_environment_names_no_optimizer(tmp_path):
    film = open_film([voronoi(tmp_path / "adamw", steps=40, every=10, centers=10)], "environment")
    assert any(one.text.startswith("adamw") for one in film.scene(0).readouts)
    scene = told(film).scene(0)
    assert (scene.readouts, scene.steps) == ((), -1)


@pytest.mark.parametrize(("rule", "drawn"), [("tangent", True), ("nearest", False)])
def test_a_story_of_the_environment_has_a_point_with_the_line_that_decides_its_class(tmp_path, rule, drawn):
    (run,) = dynviz.run(f"voronoi:model=exact,grid=96,rule={rule}", "adamw", steps=1, out=tmp_path / "run").values()
    (panel,) = told(open_film([run], "environment")).scene(0).panels
    words = [mark.text for mark in panel.marks if isinstance(mark, Text)]
    assert [re.split("[,:]", one)[0] for one in words] == (
        ["nearest", "second", "third", "0", "a point"] if drawn else []
    )
    shown = example(run, 0)
    assert (shown is not None) == drawn
    if shown is None:
        return
    center, foot, star = shown.centers[0], shown.foot, shown.point
    assert (foot - center) @ center == pytest.approx(0, abs=1e-6)
    assert (star - foot) @ (foot - center) == pytest.approx(0, abs=1e-6)
    assert np.hypot(*(star - center)) > 24 > 3 * np.hypot(*(star - foot))
    centers = run["true_centers"][0, 0].astype(float)
    away = np.abs(centers @ star / (centers**2).sum(axis=1) - 1)
    nearest = np.argsort(np.nan_to_num(away, nan=np.inf))[:3]
    assert shown.centers.tolist() == centers[nearest].tolist()
    assert shown.classes.tolist() == run["true_class"][0, 0][nearest].tolist()
    # The way to the line is drawn, and the line through its center.
    ways = [np.stack([mark.x, mark.y], axis=1) for mark in panel.marks if isinstance(mark, Line)]
    assert any(len(way) == 2 and np.allclose(way, [star, foot]) for way in ways)
    assert any(way.mean(axis=0) == pytest.approx(center.tolist()) and np.ptp(way) > 200 for way in ways)


def test_losses_rise_by_equal_factors_on_a_logarithmic_scale_that_all_planes_share():
    values = np.array([[1e-2, 1e-1], [1.0, np.nan]])
    plane = LossPlane(values, (0, 1, 0, 1), Norm(1e-2, 1.0, "log"))
    shares = plane.shares(values)
    assert shares[np.isfinite(shares)].tolist() == pytest.approx([0.0, 0.5, 1.0])
    assert [round(place, 3) for place, _ in plane.rise()] == sorted(round(place, 3) for place, _ in plane.rise())
    even = LossPlane(values, (0, 1, 0, 1), Norm(0.0, 2.0))
    assert even.shares(np.array([0.5, 1.0, 5.0])).tolist() == [0.25, 0.5, 1.0]


def test_a_camera_that_orbits_keeps_its_frame_and_its_box_in_it(tmp_path):
    camera = Camera(-35.0, 40.0, 0.9, orbit=90.0)
    left, right, bottom, top = camera.frame()
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (0, 0.9)], float)
    for share in np.linspace(0, 1, 7):
        turned = camera.turned(float(share))
        assert turned.frame() == (left, right, bottom, top)
        seen = turned.project(corners)
        assert seen[:, 0].min() >= left - 1e-9
        assert seen[:, 0].max() <= right + 1e-9
        assert seen[:, 1].min() >= bottom - 1e-9
        assert seen[:, 1].max() <= top + 1e-9
    film = open_film([surface(tmp_path / "adamw", steps=60)], "surface3d:orbit=60")
    first, last = (film.scene(step).panels[0] for step in (0, 60))
    assert (first.x, first.y) == (last.x, last.y)
    assert first.marks[0].heights.shape == last.marks[0].heights.shape
    assert not np.array_equal(first.marks[0].heights, last.marks[0].heights, equal_nan=True)
    assert film.scene(0).panels[0].marks[0].extent == first.marks[0].extent


def test_two_maps_that_lead_are_as_large_as_the_page_allows():
    wide, tall = arrange_story(2, 2, (1200, 400), 1.0, 1.0), arrange_story(2, 2, (600, 600), 1.0, 1.0)
    assert [(rect.width, rect.height) for rect in wide[:2]] == [(384, 400), (384, 400)]
    assert [rect.left for rect in wide[2:]] == [768, 768]
    assert [(rect.width, rect.height) for rect in tall[:2]] == [(300, 384), (300, 384)]
    lone = arrange_story(1, 1, (600, 600), 1.0, 1.0)[0]
    assert abs(lone.left - (600 - lone.right)) <= 1
    assert lone.width < 420


@pytest.fixture(scope="module")
def clouds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clouds")
    run = dynviz.run(
        "surface:f=himmelblau,spread=1.5,grid=24", ["sgd", "adam"], seeds="0:40", steps=100, out=folder / "run"
    )
    return [run["sgd"], run["adam"]]


def test_the_story_of_a_cloud_is_dots_in_the_colour_of_the_minimum_that_each_reaches(clouds):
    scene = told(open_film(clouds, "cloud")).scene(100)
    assert scene.lead == 2
    assert [panel.title for panel in scene.panels[2:]] == ["share at each minimum", "loss"]
    optima = np.array(clouds[0].facts["optimum"])
    lanes = 0
    for index, place in enumerate(optima):
        dots = next(
            mark for mark in scene.panels[0].marks if isinstance(mark, Points) and mark.color == f"class{index}"
        )
        lanes += len(dots.x)
        away = np.hypot(dots.x - place[0], dots.y - place[1])
        assert (away < basins(clouds[0]).radius).all()
    heights = next(mark.heights for mark in scene.panels[2].marks if isinstance(mark, Bars))
    assert heights.sum() == pytest.approx(lanes / 40)
    assert 0.5 < heights.sum() <= 1


def test_tails_of_a_cloud_are_twelve_steps_long_and_a_cloud_that_has_begun_is_tinted(clouds):
    panel = told(open_film(clouds, "cloud")).scene(30).panels[0]
    tail = next(mark for mark in panel.marks if isinstance(mark, Line) and mark.color == "class0")
    assert np.diff(np.flatnonzero(np.isnan(tail.x)))[0] == 12 + 2
    assert not tail.dot


def test_places_without_a_minimum_nearby_and_lanes_that_diverged_are_at_none(clouds):
    known = basins(clouds[0])
    places = np.array([known.optima[2], [0.0, 0.0], [np.nan, 1.0], [np.inf, np.inf]])
    assert known.at(places).tolist() == [2, -1, -1, -1]


def test_clouds_over_functions_without_known_minima_keep_their_panels(tmp_path):
    run = dynviz.run("surface:f='x**2+y**2'", ["sgd"], seeds="0:3", steps=5, out=tmp_path / "run")
    assert open_film([run["sgd"]], "cloud").story is None


def test_the_story_of_an_update_has_arrows_that_are_seen_at_every_step(tmp_path):
    run = dynviz.run("surface:f=rosenbrock", ["adamw"], steps=120, record="term.*", out=tmp_path / "run")
    film = told(open_film([run["adamw"]], "update"))
    sentences = set()
    for step in (1, 40, 80, 118):
        scene = film.scene(step)
        panel = scene.panels[0]
        arrows = [mark for mark in panel.marks if isinstance(mark, Arrows)]
        width = panel.x.limits[1] - panel.x.limits[0]
        drawn = {mark.color.removeprefix("term."): float(np.hypot(mark.dx, mark.dy)[0]) for mark in arrows}
        seen = {name: length for name, length in drawn.items() if np.isfinite(length)}
        longest = max(seen.values())
        assert 0.1 * width < longest <= 0.17 * width + 1e-9
        # All are magnified alike; those that could not be seen are not drawn, and have no name in the plot.
        after = run["adamw"].steps("term.gradient").tolist().index(step + 1)
        true = {name: float(np.hypot(*run["adamw"][f"term.{name}"][after, 0])) for name in drawn}
        times = longest / max(true.values())
        assert seen == pytest.approx({name: times * true[name] for name in seen})
        short = [name for name in true if times * true[name] < 0.035 * width]
        assert set(short) == set(drawn) - set(seen)
        named = {mark.name for mark in panel.marks if isinstance(mark, DirectLabel) and np.isfinite(mark.x)}
        assert named == set(seen)
        magnified, hidden = panel.readouts
        assert magnified.text.startswith("arrows magnified ")
        assert set(hidden.text.removeprefix("too short to see: ").split(", ")) == set(short)
        # They end inside the plane.
        for mark in (mark for mark in arrows if np.isfinite(mark.dx[0])):
            assert panel.x.limits[0] < (mark.x + mark.dx)[0] < panel.x.limits[1]
            assert panel.y.limits[0] < (mark.y + mark.dy)[0] < panel.y.limits[1]
        values = {mark.name: mark.value for mark in scene.panels[1].marks if isinstance(mark, DirectLabel)}
        assert {name: float(value) for name, value in values.items()} == pytest.approx(true, rel=0.05)
        arrow = {mark.color: mark.dx[0] < 0 for mark in arrows}
        labels = [mark for mark in panel.marks if isinstance(mark, DirectLabel)]
        assert all(label.leftward == arrow[label.color] for label in labels)
        sentences.add(scene.readouts[0].text)
    assert [panel.title for panel in scene.panels] == ["terms of the next step", "length of each term"]
    assert "Gradient and momentum pull the same way." in sentences
    assert "Almost all of the step is momentum." in sentences


@pytest.mark.parametrize(
    ("gradient", "sentence"),
    [
        ((1.0, 0.1), "Momentum and gradient pull the same way."),
        ((0.0, 1.0), "Momentum and gradient pull at an angle."),
        ((-1.0, 0.1), "Gradient pulls against momentum."),
        ((0.1, 0.0), "Almost all of the step is momentum."),
        ((np.nan, 0.0), "Almost all of the step is momentum."),
    ],
)
def test_sentences_about_terms_follow_from_their_lengths_and_angles(gradient, sentence):
    moves = {"gradient": np.array([gradient]), "momentum": np.array([(2.0, 0.0)])}
    assert Stages(np.array([1]), moves).words(0) == sentence
    assert Stages(np.array([1]), {"gradient": np.zeros((1, 2))}).words(0) == ""
