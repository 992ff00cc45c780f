"""What every bundled scenario promises: lanes that stack, in float64, beside a lane that diverged, and compiled."""

import random
import shutil

import numpy as np
import pytest

import dynviz
from dynviz import plugins
from dynviz.recording.metadata import Lane
from dynviz.training import block_functions, launch
from dynviz.training.forking import fork
from tests.sizes import COMPILED, SIZES, VARIANTS

BUNDLED = plugins.files("scenarios")
SCENARIOS = [*BUNDLED, *VARIANTS]
STEPS = 12


def small(scenario):
    return f"{scenario}:{SIZES[scenario]}" if scenario in SIZES else scenario


def same(one, other, lane, tolerance):
    assert list(one) == list(other)
    for name in one:
        values, alone = one[name][:, lane], other[name][:, 0]
        if name in ("true_rank",) or alone.dtype.kind != "f":
            np.testing.assert_array_equal(values, alone, err_msg=name)
        else:
            inside = tuple(slice(size) for size in alone.shape)
            np.testing.assert_allclose(values[inside], alone, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_lane_in_a_stack_goes_as_it_does_alone_in_float64(scenario, tmp_path):
    options = {"dtype": "float64", "steps": STEPS}
    stacked = dynviz.run(small(scenario), "adam", seeds="0:3", out=tmp_path / "stack", **options)["adam"]
    alone = dynviz.run(small(scenario), "adam", seeds="2", out=tmp_path / "alone", **options)["adam"]
    assert stacked["loss"].dtype == np.float64
    same(stacked, alone, 2, 1e-7)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_lane_that_diverges_harms_no_other(scenario, tmp_path):
    lanes = [Lane(1, {"lr": 1e-3}), Lane(1, {"lr": 1e300})]
    options = {"dtype": "float64", "steps": STEPS}
    both = launch.run(small(scenario), "sgd", lanes=lanes, out=tmp_path / "both", **options)["sgd"]
    alone = launch.run(small(scenario), "sgd", lanes=lanes[:1], out=tmp_path / "alone", **options)["sgd"]
    assert both.status == "finished"
    same(both, alone, 0, 1e-7)


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="there is no compiler for C++")
@pytest.mark.parametrize("scenario", [*BUNDLED, *COMPILED])
def test_compiled_steps_are_the_same_but_for_rounding_and_are_forked_to_the_same_bytes(scenario, tmp_path, monkeypatch):
    # Compilers take the longer, the more steps a block has.
    monkeypatch.setattr(block_functions, "MOST_COMPILED", 1)
    options = {"dtype": "float64", "steps": 5, "seeds": "0:2"}
    plain = dynviz.run(small(scenario), "adam", out=tmp_path / "plain", **options)["adam"]
    parent = dynviz.run(small(scenario), "adam", compile=True, out=tmp_path / "compiled", **options)
    compiled = parent["adam"]
    for name in plain:
        np.testing.assert_allclose(compiled[name], plain[name], rtol=1e-6, atol=1e-6, err_msg=name)
    for at in random.Random(scenario).sample(range(1, 5), 3):
        child = fork(parent.folder, at=at, out=tmp_path / str(at))["adam"]
        assert (child.metadata.compiled, child.metadata.origin.step) == (True, at)
        for name in compiled:
            assert child[name].tobytes() == compiled[name].tobytes(), (at, name)
