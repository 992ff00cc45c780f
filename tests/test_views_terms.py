"""Views of what steps are made of: `ledger`, `update`, `weights`, beside what the recording says."""

import itertools

import numpy as np
import pytest

import dynviz
from dynviz.animation.drawing import open_film
from dynviz.animation.story import told
from dynviz.errors import DynvizError
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Arrows, Band, Bars, Line


@pytest.fixture(scope="module")
def valley(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terms") / "valley"
    return dynviz.run("surface:f=rosenbrock", ["adamw", "sgd"], steps=60, record="term.*", out=folder)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terms") / "network"
    return dynviz.run(
        "voronoi:model=labels",
        ["sgd:lr=.1", "adam+proximal-l1:decay=1"],
        seeds="0:3",
        steps=40,
        record=["term.*:every=1", "gradient:every=1", "parameters:every=10"],
        out=folder,
    )


def only(panel, kind):
    return [mark for mark in panel.marks if isinstance(mark, kind)]


def test_the_ledger_shows_lengths_and_shares_that_add_up_to_one(valley):
    recording = valley["adamw"]
    lengths, shares = open_film([recording], "ledger").scene(40).panels
    lines = {line.label: line for line in only(lengths, Line)}
    assert set(lines) == {"gradient", "momentum", "decay", "whole step"}
    at = int(np.searchsorted(recording.steps("term.decay"), 40))
    for name in ("gradient", "momentum", "decay"):
        expected = np.linalg.norm(recording[f"term.{name}"][at, 0])
        assert lines[name].y[at] == pytest.approx(expected, rel=1e-5)
    moved = np.linalg.norm(recording["position"][at, 0] - recording["position"][at - 1, 0])
    assert lines["whole step"].y[at] == pytest.approx(moved, rel=1e-3)
    bands = only(shares, Band)
    assert bands[0].low[at] == 0
    assert bands[-1].high[at] == pytest.approx(1)
    for below, above in itertools.pairwise(bands):
        np.testing.assert_array_equal(below.high, above.low)


def test_a_story_of_the_ledger_names_the_areas_of_shares_that_lead(valley):
    film = open_film([valley["adamw"]], "ledger")
    assert not only(film.scene(40).panels[1], DirectLabel)
    shares, lengths = told(film).scene(40).panels
    assert (shares.title, lengths.title) == ("share of each term", "length of each term")
    labels = only(shares, DirectLabel)
    assert [label.name for label in labels] == ["gradient", "momentum", "decay"]
    for label, band in zip(labels, only(shares, Band), strict=True):
        at = int(np.flatnonzero(band.x == 40)[0])
        assert label.y == pytest.approx((band.low[at] + band.high[at]) / 2)
        assert label.value == f"{100 * (band.high[at] - band.low[at]):.1f} %"
    assert open_film(list(valley.values()), "ledger").story is None


def test_terms_that_were_never_at_work_are_left_out(valley):
    lengths, _ = open_film([valley["sgd"]], "ledger").scene(40).panels
    assert [line.label for line in only(lengths, Line)] == ["gradient"]


def test_arrows_point_to_the_next_step(valley):
    recording = valley["adamw"]
    (panel,) = open_film([recording], "update:scale=1").scene(20).panels
    arrows = only(panel, Arrows)
    assert len(arrows) == 3
    total = sum(np.array([arrow.dx[0], arrow.dy[0]]) for arrow in arrows)
    np.testing.assert_allclose([arrows[0].x[0], arrows[0].y[0]], recording.at("position", 20)[0])
    np.testing.assert_allclose(recording.at("position", 20)[0] + total, recording.at("position", 21)[0], rtol=1e-5)
    assert panel.title == "terms of the next step"


def test_arrows_too_short_to_be_seen_are_drawn_longer_by_a_round_factor(valley):
    (panel,) = open_film([valley["adamw"]], "update").scene(20).panels
    assert panel.title == "terms of the next step, 20 x"


def test_the_step_of_gradient_descent_goes_straight_down(network):
    (panel,) = open_film([network["sgd"]], "update:lane=1").scene(30).panels
    (line,) = only(panel, Line)
    assert line.label == "gradient"
    np.testing.assert_allclose(line.y, 1, atol=1e-5)


def test_a_term_is_compared_with_the_gradient_of_its_step_however_seldom_it_is_recorded(tmp_path):
    asked = {"seeds": "0", "steps": 23, "out": tmp_path / "run"}
    record = ["term.*:every=4", "gradient:every=1"]
    run = dynviz.run("voronoi:model=labels", "sgd:lr=.1", record=record, **asked)
    (panel,) = open_film([run["sgd"]], "update").scene(20).panels
    (line,) = only(panel, Line)
    assert line.x.tolist() == [4, 8, 12, 16, 20, 23]
    np.testing.assert_allclose(line.y, 1, atol=1e-5)


def test_where_gradients_are_recorded_less_often_than_terms_the_nearest_one_counts(tmp_path):
    record = ["term.*:every=1", "gradient:every=5"]
    run = dynviz.run("voronoi:model=labels", "sgd:lr=.1", record=record, seeds="0", steps=20, out=tmp_path / "run")
    recording = run["sgd"]
    (panel,) = open_film([recording], "update").scene(20).panels
    (line,) = only(panel, Line)
    assert line.x.tolist() == list(range(1, 21))
    straight = line.x[np.isclose(line.y, 1, atol=1e-5)]
    assert {1, 6, 11, 16} <= set(straight.tolist())
    term, slope = recording["term.gradient"][4, 0], -recording["gradient"][1, 0]
    expected = term @ slope / np.sqrt((term @ term) * (slope @ slope))
    assert line.y[3] == pytest.approx(expected, abs=1e-6)


def test_the_gradient_term_of_adam_goes_down_and_is_not_straight(network):
    (panel,) = open_film([network["adam+proximal-l1"]], "update").scene(30).panels
    gradient = next(line for line in only(panel, Line) if line.label == "gradient")
    assert (gradient.y > 0.3).all()
    assert (gradient.y < 0.9999).all()


def test_exact_zeros_are_counted(network):
    recordings = list(network.values())
    scene = open_film(recordings, "weights:lane=2").scene(40)
    for recording, panel in zip(recordings, scene.panels, strict=False):
        (bars,) = only(panel, Bars)
        assert bars.heights.sum() == pytest.approx(1)
        share = float((recording["parameters"][-1, 2] == 0).mean())
        assert panel.readouts[0].text == f"{100 * share:.1f} % exactly zero"
    assert (recordings[1]["parameters"][-1, 2] == 0).any()
    size = scene.panels[-1]
    assert size.title == "root mean square of the weights"


def test_weights_of_one_parameter_can_be_seen_alone(network):
    recording = network["sgd"]
    name = next(iter(recording.metadata.parameters))
    (panel, *_) = open_film([recording], f"weights:parameter={name}").scene(40).panels
    assert only(panel, Bars)[0].heights.sum() == pytest.approx(1)
    with pytest.raises(DynvizError, match="no part"):
        open_film([recording], "weights:parameter=nothing")


@pytest.mark.parametrize("view", ["ledger", "update"])
def test_what_was_not_recorded_is_named_with_the_option_that_records_it(tmp_path, view):
    run = dynviz.run("surface", "sgd", steps=3, out=tmp_path / "bare")
    with pytest.raises(DynvizError, match=r"--record 'term\.\*'"):
        open_film([run["sgd"]], view)
