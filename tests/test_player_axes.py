"""The axes of curves as the user wants them: by keys, and zoomed with the mouse."""

import numpy as np
import pytest

from dynviz.charts.moving import STEP
from dynviz.player.fitting import AxisChoice, fitted
from dynviz.player.plot import Plot
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Axis, Band, Line, Panel
from tests import recorded
from tests.watched import asynchronous, watching

X = np.arange(1001)
Y = np.exp(-X / 100) + 0.1 * np.sin(X) - 0.02


@pytest.fixture(scope="module")
def surface(tmp_path_factory):
    return recorded.surface(tmp_path_factory.mktemp("runs") / "surface" / "adam", steps=60).folder


@pytest.fixture
def panel():
    line = Line(X, Y, "lane0", "adam", now=400.0)
    label = DirectLabel(400.0, float(Y[400]), "adam", "lane0", "0.1")
    marks = (Band(X, Y - 1, Y + 1, "lane0"), line, label)
    return Panel("loss", Axis((0.0, 1000.0), label=STEP, whole=True), Axis((-1.0, 1.2)), marks)


def lines(panel):
    return next(mark for mark in panel.marks if isinstance(mark, Line))


def test_smoothed_curves_are_trailing_means_and_so_are_their_labels(panel):
    shown = fitted([panel], AxisChoice(smooth=10), None)[0]
    expected = np.convolve(Y, np.ones(10) / 10, "valid")
    np.testing.assert_allclose(lines(shown).y[9:], expected)
    label = next(mark for mark in shown.marks if isinstance(mark, DirectLabel))
    assert label.y == pytest.approx(expected[400 - 9])
    assert "mean of 10 samples" in {readout.text for readout in shown.readouts}


def test_curves_of_few_samples_are_not_smoothed(panel):
    rare = Panel("validation", panel.x, panel.y, (Line(X[::50], Y[::50], "lane0", "adam"),))
    assert fitted([rare], AxisChoice(smooth=10), None)[0] is rare


def test_logarithmic_axes_show_what_is_above_zero(panel):
    shown = fitted([panel], AxisChoice(log_x=True, log_y=True), None)[0]
    assert (shown.x.scale, shown.x.limits, shown.y.scale) == ("log", (1.0, 1000.0), "log")
    line = lines(shown)
    assert line.x.min() == 1
    np.testing.assert_array_equal(line.y, np.where(Y > 0, Y, np.nan)[1:])
    assert shown.y.limits[0] < np.nanmin(line.y)
    assert shown.y.limits[1] > 1.9


def test_between_two_steps_the_vertical_axis_is_that_of_what_is_shown(panel):
    choice = AxisChoice(between=(500.0, 700.0))
    shown = fitted([panel], choice, choice.steps(400, 1000, 1000, live=False))[0]
    assert shown.x.limits == (500.0, 700.0)
    seen = np.concatenate([Y[500:701] - 1, Y[500:701] + 1])
    assert shown.y.limits[0] <= seen.min()
    assert shown.y.limits[1] >= seen.max()
    assert not any(isinstance(mark, DirectLabel) for mark in shown.marks)


def test_the_last_steps_contain_the_shown_one_and_the_axis_rarely_moves():
    ends = [AxisChoice("last").steps(step, 10_000, 10_000, live=False) for step in range(0, 10_001, 10)]
    for step, (low, high) in zip(range(0, 10_001, 10), ends, strict=True):
        assert low <= step <= high
        assert high - low == 1000
    assert len(set(ends)) == 37


def test_what_was_not_asked_for_stays_the_same_object(panel):
    assert fitted([panel], AxisChoice(), None)[0] is panel


@asynchronous
async def test_keys_change_the_axes_and_the_picture_says_so(surface):
    async with watching(surface, view="curves", step=30) as watched:

        def shown():
            return watched.state.scene().panels[0]

        assert (shown().x.scale, shown().x.limits) == ("linear", (0.0, 60.0))
        await watched.press("X")
        assert shown().x.scale == "log"
        await watched.press("X", "Y")
        assert (shown().x.scale, shown().y.scale) == ("linear", "log")
        await watched.press("w")
        assert "mean of 10 samples" in watched.text
        await watched.press("w", "w", "x", "x")
        assert "axes show the last tenth of the plan" in watched.text
        await watched.press("x")
        assert watched.state.axes == AxisChoice(log_y=True)


@asynchronous
async def test_the_mouse_is_dragged_over_steps_to_zoom_and_escape_shows_all(surface):
    async with watching(surface, view="curves", step=30) as watched:
        place = watched.screen.query_one(Plot).areas.places[0].plot
        row, first, last = place.top + 3, place.left + place.width // 4, place.left + place.width // 2
        await watched.pilot.mouse_down(Plot, offset=(last, row))
        await watched.pilot.hover(Plot, offset=(first, row))
        await watched.pilot.mouse_up(Plot, offset=(first, row))
        await watched.settle()
        low, high = watched.state.scene().panels[0].x.limits
        assert 10 < low < 20 < high < 35
        assert not watched.state.zoomed
        await watched.press("escape")
        assert watched.state.scene().panels[0].x.limits == (0.0, 60.0)
