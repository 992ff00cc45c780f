"""The scenario exponential-rate: weight decay and a growing rate are the same function."""

import math
from fractions import Fraction

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz import plugins
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.plugins.schedules import Schedule
from dynviz.scenarios.exponential_rate import ExponentialRate


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    rules = ["sgd:weight_decay=0.005", "sgd:lr=undecayed(0.02,0.005,0.9)"]
    return dynviz.run("exponential-rate", rules, seeds="0:8", steps=400, out=tmp_path_factory.mktemp("both") / "run")


def test_the_functions_are_equal_while_the_norms_part(both):
    decayed, growing = both.values()
    # Of all eight seeds, each of which learns a function of its own.
    assert np.abs(decayed["outputs"] - growing["outputs"]).max() < 1e-10
    assert np.abs(decayed["outputs"][-1, 1:] - decayed["outputs"][-1, :-1]).max(axis=(1, 2)).min() > 1
    np.testing.assert_allclose(decayed["loss"], growing["loss"], rtol=0, atol=1e-10)
    assert decayed["test_accuracy"][-1].min() > 0.9
    apart = growing["log_norm"] - decayed["log_norm"]
    assert (np.diff(apart, axis=0) > 0).all()
    # The theorem's factor: the larger root of x^2 - (1 + momentum - rate decay) x + momentum, a step.
    sum_of_roots = 1 + 0.9 - 0.02 * 0.005
    root = sum_of_roots / 2 + math.sqrt(sum_of_roots**2 / 4 - 0.9)
    np.testing.assert_allclose(np.diff(apart[20:], axis=0), -10 * math.log10(root), rtol=1e-6)


def test_the_rate_is_that_of_the_theorem():
    rate, decay, momentum = 0.1, 0.02, 0.8
    schedule, inverse = Schedule(f"undecayed({rate},{decay},{momentum})"), [Fraction(1), Fraction(1)]
    exact = [Fraction(number) for number in (rate, decay, momentum)]
    for step in range(1, 300):
        inverse.append((1 + exact[2] - exact[0] * exact[1]) * inverse[-1] - exact[2] * inverse[-2])
        # To the last digit: training multiplies an error by the number of the step, and more where it is unstable.
        assert schedule.at(step) == float(exact[0] / (inverse[-1] * inverse[-2]))
    # In the long run it grows by the square of the root's inverse: an exponential rate.
    half = (1 + momentum - rate * decay) / 2
    root = half + math.sqrt(half**2 - momentum)
    assert schedule.at(5001) / schedule.at(5000) == pytest.approx(root**-2, rel=1e-12)
    plain = Schedule("undecayed(0.5,0.1)")
    assert [plain.at(t) for t in (1, 2, 9)] == pytest.approx([0.5 * 0.95 ** (1 - 2 * t) for t in (1, 2, 9)])


def test_it_stops_before_overflow_and_says_so(tmp_path):
    rule = "sgd:lr=undecayed(0.5,0.9),momentum=0"
    run = dynviz.run("exponential-rate:data=shapes,width=8", rule, steps=700, out=tmp_path / "run")["sgd"]
    assert np.isfinite(run["loss"]).all()
    assert np.isfinite(run["outputs"]).all()
    assert 140 < run["log_norm"].max() < 152
    assert run["log_norm"][-1] == run["log_norm"][-5]
    last = int(run.steps("lr")[np.flatnonzero(run["lr"][:, 0])[-1]])
    told = CliRunner().invoke(commands, ["events", str(tmp_path / "run"), "--kind", "overflow"]).output
    assert told.startswith(f"steps {last} to {last + 10}: overflow")
    panels = plugins.load("views", "equivalence").make(recordings=[run]).scene(700).panels
    assert any(
        words.text == f"stopped by step {last + 10}, before overflow" for panel in panels for words in panel.readouts
    )


def test_the_view_draws_the_difference_and_both_rates(both):
    film = plugins.load("views", "equivalence").make(recordings=list(both.values()))
    titles = [panel.title for panel in film.scene(400).panels]
    assert titles[1:] == [
        "largest difference of the outputs",
        "log10 of the weights' norm",
        "log10 of the learning rate",
    ]


def test_a_story_says_that_the_outputs_are_the_same_and_has_logarithmic_axes(both):
    film = plugins.load("views", "equivalence").make(recordings=list(both.values())).story()
    scene = film.scene(400)
    assert [panel.title for panel in scene.panels[1:]] == ["norm of the weights", "learning rate"]
    assert all(panel.y.scale == "log" for panel in scene.panels[1:])
    assert any(words.text.startswith("Same loss and same outputs") for words in scene.readouts)


@pytest.mark.parametrize("option", [{"data": "faces"}, {"width": 1}])
def test_options_that_do_not_fit_are_refused(option):
    with pytest.raises(DynvizError, match=next(iter(option))):
        ExponentialRate(**option)
