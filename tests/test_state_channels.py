"""What a rule shows of its state, as channels."""

from pathlib import Path

import numpy as np
import pytest
import torch

import dynviz
from dynviz import DynvizError, plugins
from dynviz.training import launch

BOWL = str(Path(__file__).parent / "files" / "bowl.py")
NAMES = ["state.x.eigenvalues.0", "state.y.eigenvalues.0", "state.y.eigenvalues.1"]


def states(recording):
    return [name for name in recording.channels if name.startswith("state.")]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    record = ["state.*:every=4", "gradient:every=1"]
    rules = ["shampoo", "sketchy:rank=2", "adamw", "torch.optim.SGD"]
    return dynviz.run(BOWL, rules, seeds="0:2", steps=30, record=record, out=tmp_path_factory.mktemp("states") / "run")


def test_states_are_recorded_where_they_are_asked_for(run, tmp_path):
    assert states(run["shampoo"]) == states(run["sketchy"]) == NAMES
    plain = dynviz.run(BOWL, "shampoo", steps=3, out=tmp_path / "plain")
    assert states(plain["shampoo"]) == []


def test_rules_that_show_nothing_have_no_such_channels(run, tmp_path):
    assert states(run["adamw"]) == states(run["torch.optim.SGD"]) == []
    with pytest.raises(DynvizError, match=r"no channel to record named 'state\.\*'"):
        dynviz.run(BOWL, "adamw", steps=3, record="state.*", out=tmp_path / "none")


def test_samples_are_of_the_state_after_so_many_steps_and_the_last_is_there(run):
    recording = run["shampoo"]
    assert recording.steps(NAMES[1]).tolist() == [0, 4, 8, 12, 16, 20, 24, 28, 30]
    gradients = recording.part("gradient", "y")
    for lane in range(2):
        for sample, step in enumerate(recording.steps(NAMES[1])):
            seen = gradients[:step, lane].astype(np.float64)
            for axis, statistics in enumerate((seen @ seen.mT, seen.mT @ seen)):
                expected = np.linalg.eigvalsh(statistics.sum(axis=0) if step else np.zeros((2, 2)))[::-1]
                found = recording[f"state.y.eigenvalues.{axis}"][sample, lane]
                np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


def test_watching_changes_nothing(run, tmp_path):
    plain = dynviz.run(BOWL, "sketchy:rank=2", seeds="0:2", steps=30, out=tmp_path / "plain")
    np.testing.assert_array_equal(plain["sketchy"]["loss"], run["sketchy"]["loss"])


def test_one_lane_shows_what_it_shows_among_several(run, tmp_path):
    alone = dynviz.run(BOWL, "shampoo", seeds="1", steps=30, record="state.*:every=4", out=tmp_path / "alone")
    for name in NAMES:
        np.testing.assert_allclose(alone["shampoo"][name][:, 0], run["shampoo"][name][:, 1], rtol=1e-5, atol=1e-9)


def test_a_run_made_longer_goes_on_with_its_states(run, tmp_path):
    arguments = {"seeds": "0:2", "record": ["state.*:every=4"]}
    dynviz.run(BOWL, "shampoo", steps=13, out=tmp_path / "run", **arguments)
    launch.resume(tmp_path / "run", steps=30, trust="/")
    recording = dynviz.open(tmp_path / "run")["shampoo"]
    assert recording.steps(NAMES[0]).tolist() == [0, 4, 8, 12, 16, 20, 24, 28, 30]
    for name in NAMES:
        np.testing.assert_array_equal(recording[name], run["shampoo"][name])


def test_lanes_of_different_shape_are_padded(tmp_path):
    run = dynviz.run(f"{BOWL}:vary=true", "shampoo", seeds="0:3", steps=5, record="state.*:every=1", out=tmp_path / "r")
    values = run["shampoo"]["state.x.eigenvalues.0"]
    assert values.shape == (6, 3, 5)
    assert [int(np.isfinite(values[-1, lane]).sum()) for lane in range(3)] == [3, 4, 5]


RULE = '''"""A rule that shows its state."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Shows:
    lr: float = 0.1
    coordinatewise: ClassVar[bool] = True

    def init(self, theta):
        return {"sum": theta * 0}

    def update(self, theta, gradient, state, t):
        return {"gradient": -self.lr * gradient}, {"sum": state["sum"] + gradient}

    def watch(self, state):
        return {"rate": self.lr * state["sum"].sum()}


optimizer = Shows
'''


def test_a_users_rule_shows_a_number_of_all_parameters(tmp_path):
    (tmp_path / "shows.py").write_text(RULE)
    rule = str(tmp_path / "shows.py")
    run = dynviz.run(
        BOWL, rule, seeds="0:2", steps=6, record=["state.rate:every=1", "gradient:every=1"], out=tmp_path / "r"
    )
    recording = run["shows"]
    expected = 0.05 * np.cumsum(recording["gradient"].sum(axis=2), axis=0)[:-1]
    np.testing.assert_allclose(recording["state.rate"][1:], expected, rtol=1e-4)


SHOWING = [name for name in plugins.files("optimizers") if hasattr(plugins.load("optimizers", name).make(), "watch")]


@pytest.mark.parametrize("name", SHOWING)
def test_what_a_rule_shows_is_the_same_by_name_before_and_after_a_step(name):
    rule, theta = plugins.load("optimizers", name).make(), torch.randn(3, 2)
    state = rule.init(theta)
    _, after = rule.update(theta, theta, state, torch.ones((), dtype=torch.float64))
    before, now = rule.watch(state), rule.watch(after)
    assert {key: value.shape for key, value in before.items()} == {key: value.shape for key, value in now.items()}
