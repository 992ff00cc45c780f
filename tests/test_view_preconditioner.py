"""The view of eigenvalues of statistics, beside chance."""

from dataclasses import replace

import numpy as np
import pytest

import dynviz
from dynviz import DynvizError, plugins
from dynviz.scene.marks import Line, Points
from dynviz.views import _null
from tests.recorded import record


def open_view(recordings, **options):
    return plugins.load("views", "preconditioner").target(recordings, **options)


def made(folder, values, shape, label="shampoo", **options):
    """A recording whose parameter M [shape] has these eigenvalues [samples, entries] of its rows, every 10 steps."""
    channels = {
        "loss": (1, np.ones((10 * (len(values) - 1) + 1, 1))),
        "state.m.eigenvalues.0": (10, np.asarray(values, dtype=np.float64)[:, None]),
    }
    found = record(folder, channels, scenario="surface", steps=10 * (len(values) - 1), label=label, **options)
    found.metadata = replace(found.metadata, parameters={"M": shape})
    return found


def lines(panel, color="lane0"):
    return [mark for mark in panel.marks if isinstance(mark, Line) and mark.color == color]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("preconditioner") / "run"
    rules = ["shampoo:lr=1,beta2=0.99", "sketchy:lr=1,rank=3"]
    return dynviz.run("matrix-sensing:d=12", rules, seeds="0:2", steps=60, record="state.*:every=5", out=out)


def test_it_shows_eigenvalues_shares_and_conditions_of_what_ran(run):
    film = open_view(list(run.values()), lane=1, parameter="W2")
    titles = [panel.title for panel in film.scene(60).panels]
    assert titles == [
        "eigenvalues of W2, rows, 9 of 12",
        "eigenvalues of W2, columns, 9 of 12",
        "share of the top quarter",
        "condition number",
    ]
    assert film.steps.tolist() == list(range(0, 61, 5))
    values = run["shampoo"]["state.w2.eigenvalues.0"][:, 1]
    drawn = lines(film.scene(60).panels[0])
    largest = max(drawn, key=lambda line: np.nanmax(line.y))
    np.testing.assert_array_equal(largest.y[1:], values[1:, 0])
    share = lines(film.scene(60).panels[2])[0].y
    np.testing.assert_allclose(share[1:], np.sort(values)[1:, -3:].sum(axis=1) / values[1:].sum(axis=1))


def test_axes_and_marks_stay_the_same_while_time_goes_on(run):
    film = open_view(list(run.values()))
    scenes = [film.scene(int(step)) for step in film.steps]
    assert len({str([(panel.title, panel.x, panel.y) for panel in scene.panels]) for scene in scenes}) == 1
    assert len({str([[type(mark) for mark in panel.marks] for panel in scene.panels]) for scene in scenes}) == 1
    first, last = (lines(scene.panels[0]) for scene in (scenes[0], scenes[-1]))
    assert all(one.y is other.y for one, other in zip(first, last, strict=True))


def test_the_null_is_of_as_many_columns_and_of_the_rules_own_average(run):
    recording = run["shampoo"]
    panel = open_view([recording]).scene(60).panels[2]
    null = lines(panel, "muted")[0]
    assert null.y[-1] == _null.share(12, 12, 0.99, 60)
    assert null.x[0] == 1
    assert (np.diff(null.y) < 0.02).all()


def test_a_condition_is_drawn_from_where_the_statistics_are_regular(tmp_path):
    values = [[0, 0, 0, 0], [4, 1, 0, 0], [8, 4, 2, 1], [100, 4, 2, 1]]
    film = open_view([made(tmp_path / "a", values, (4, 2))])
    panel = film.scene(30).panels[-1]
    np.testing.assert_array_equal(lines(panel)[0].y, [np.nan, np.nan, 8, 100])
    assert [film.scene(step).panels[-1].readouts[0].text for step in (10, 30)] == ["∞", "100"]
    np.testing.assert_allclose(lines(film.scene(30).panels[1])[0].y, [np.nan, 0.8, 8 / 15, 100 / 107])


def test_statistics_that_are_always_singular_say_so(tmp_path):
    panel = open_view([made(tmp_path / "a", [[0, 0], [1, 0], [2, 0]], (2, 1))]).scene(20).panels[-1]
    assert panel.marks[-1].text == "singular"


def test_a_lane_that_diverged_is_marked(tmp_path):
    values = [[0, 0], [2, 1], [3, 1], [np.nan, np.nan]]
    scene = open_view([made(tmp_path / "a", values, (2, 2))]).scene(30)
    crosses = [mark for mark in scene.panels[0].marks if isinstance(mark, Points)]
    assert [(mark.marker, mark.x.tolist()) for mark in crosses if len(mark.x)] == [("cross", [20.0])]
    assert [panel.readouts[0].text for panel in scene.panels] == ["diverged"] * 3


def test_the_largest_parameter_is_shown_unless_another_is_asked_for(run):
    recordings = [run["shampoo"]]
    assert open_view(recordings).scene(0).panels[0].title == "eigenvalues of W1, rows, 9 of 12"
    with pytest.raises(DynvizError, match=r"no parameter with statistics named 'W9'\. There are: w1, w2"):
        open_view(recordings, parameter="W9")


def test_without_states_it_says_what_to_record(tmp_path):
    run = dynviz.run("surface", "adamw", steps=3, out=tmp_path / "run")
    with pytest.raises(DynvizError, match=r"needs the channel 'state\.\*'.*--record 'state\.\*'.*shampoo, sketchy"):
        open_view([run["adamw"]])
    with pytest.raises(DynvizError, match="needs at least one recording"):
        open_view([])
