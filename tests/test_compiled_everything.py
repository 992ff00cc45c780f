"""Every rule and modifier with compiled steps: forks to the same bytes. Of scenarios see `test_scenario_contracts`."""

import random
import shutil

import pytest

import dynviz
from dynviz import plugins
from dynviz.training import block_functions
from dynviz.training.forking import fork
from tests.rules import RULES, make
from tests.test_fork import same

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="there is no compiler for C++"),
]
EVERY = [*RULES, "+".join(["adam", *plugins.files("modifiers")])]
STEPS = 9


def scenario(rule):
    """A small one to compile; rules that do not work by coordinates have a matrix to do."""
    alone = rule in RULES and type(make(rule)).coordinatewise
    return "double-descent" if alone else "matrix-recovery:M=3,N=2,rank=1"


def forked(task, rule, times, tmp_path, monkeypatch):
    """Fork a compiled run at random steps."""
    # Compilers take the longer, the more steps a block has.
    monkeypatch.setattr(block_functions, "MOST_COMPILED", 1)
    options = {"dtype": "float64", "steps": STEPS, "seeds": "0:2", "compile": "on"}
    parent = dynviz.run(task, rule, out=tmp_path / "parent", **options)
    assert parent[rule].metadata.compiled
    for at in random.Random(rule).sample(range(1, STEPS), times):
        child = fork(parent.folder, at=at, out=tmp_path / str(at))[rule]
        assert (child.metadata.compiled, child.metadata.origin.step) == (True, at)
        same(child, parent[rule])


@pytest.mark.parametrize("rule", EVERY)
def test_compiled_steps_are_forked_to_the_same_bytes_at_three_random_steps(rule, tmp_path, monkeypatch):
    forked(scenario(rule), rule, 3, tmp_path, monkeypatch)


@pytest.mark.parametrize("modifier", plugins.files("modifiers"))
def test_a_compiled_step_of_each_modifier_alone_is_forked_to_the_same_bytes(modifier, tmp_path, monkeypatch):
    forked("double-descent", f"sgd+{modifier}", 1, tmp_path, monkeypatch)
