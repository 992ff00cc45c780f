"""Whether a run is chaotic, asked of runs of which it is known."""

import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import dynviz
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.training.sensitivity import _judged, sensitivity

MODULES = str(Path(__file__).parent / "files" / "modules.py")


@pytest.mark.parametrize(
    ("scenario", "optimizer", "chaotic"),
    [
        ("surface:f=two-wells", "sgd:lr=12.9", True),
        ("surface:f=booth", "sgd:lr=1e-3", False),
        ("surface:f=booth", "torch.optim.Adam:lr=1e-2", False),
    ],
)
def test_a_run_says_whether_it_is_chaotic(scenario, optimizer, chaotic, tmp_path):
    dynviz.run(scenario, optimizer, steps=300, seeds="0:2", out=tmp_path / "run")
    result = CliRunner().invoke(commands, ["show", str(tmp_path / "run"), "--sensitivity"], catch_exceptions=False)
    assert (": chaotic: moved by 1 float32 ulp at its start" in result.output) is chaotic
    assert (": not chaotic in its 300 steps" in result.output) is not chaotic


def test_the_growth_of_a_quadratic_is_the_factor_of_its_steps(tmp_path):
    # x <- x (1 - 2 lr): the difference shrinks by 0.9 a step, with nothing but rounding beside.
    surface = "surface:f='x**2+y**2',start=(1.7,1.3)"
    (recording,) = dynviz.run(surface, "sgd:lr=0.05,momentum=0", steps=20, out=tmp_path / "run").values()
    assert sensitivity(recording).growth == pytest.approx(0.9, rel=1e-3)


def test_the_lane_that_leaves_its_path_first_is_told():
    steps = np.arange(101.0)
    apart = np.stack([1e-16 * 1.05**steps, 1e-16 * 2.0**steps], axis=1)
    apart[70:, 1] = math.inf
    judged = _judged(apart, np.ones_like(apart))
    assert (judged.lane, judged.step, judged.steps) == (1, 47, 69)
    assert judged.growth == pytest.approx(2)


def test_code_of_a_user_is_run_again_with_trust_alone(tmp_path):
    dynviz.run(MODULES, "adam", steps=5, out=tmp_path / "run")
    with pytest.raises(DynvizError, match="if you trust it, add --trust"):
        CliRunner().invoke(commands, ["show", str(tmp_path / "run"), "--sensitivity"], catch_exceptions=False)
    command = ["show", str(tmp_path / "run"), "--sensitivity", "--trust", MODULES]
    assert CliRunner().invoke(commands, command, catch_exceptions=False).exit_code == 0
