"""Blocks of steps that torch's interpreter runs, against the same steps taken one by one: every byte is the same."""

import pytest

import dynviz
from dynviz.recording import changes
from dynviz.training import block_functions
from dynviz.training.tracing import TracedFunction
from tests.rules import MODIFIED, RULES
from tests.test_blocks import BOWL, TASKS, Asks, same

SCENARIO = """
from dataclasses import dataclass
import torch
from dynviz.task import Task, no_batches

calls = [0]

def loss(parameters, constants, batch):
    calls[0] += 1
    x = parameters["x"]
    return {loss}

@dataclass(frozen=True)
class Own:
    def build(self, seed):
        return Task(parameters={{"x": torch.ones(3)}}, loss=loss, batches=no_batches, steps=60)

scenario = Own
"""


@pytest.fixture
def traced(monkeypatch):
    """Traces that are made; runs of any length are traced."""
    made = []

    class Kept(TracedFunction):
        def __init__(self, program):
            super().__init__(program)
            made.append(self)

    monkeypatch.setattr(block_functions, "TRACED_STEPS", 1)
    monkeypatch.setattr(block_functions, "TRACED_SHARE", 1)
    # Where the machine is slow, few steps are taken at once.
    monkeypatch.setattr(block_functions, "LONGEST", 5)
    monkeypatch.setattr(block_functions, "TracedFunction", Kept)
    return made


def stepwise(monkeypatch):
    monkeypatch.setattr(block_functions, "TRACED_STEPS", 10**9)


@pytest.mark.parametrize("task", TASKS)
def test_traced_steps_give_the_bytes_of_single_steps(task, tmp_path, monkeypatch, traced):
    scenario, optimizers, options = TASKS[task]
    options = {"steps": 83, **options}
    blocks = dynviz.run(scenario, optimizers, out=tmp_path / "traced", **options)
    assert traced
    # An empty row of parameters has no bytes to compare.
    assert any(function._trace and not function._checks for function in traced) or task == "nothing to train"
    stepwise(monkeypatch)
    same(blocks, dynviz.run(scenario, optimizers, out=tmp_path / "steps", **options))


@pytest.mark.parametrize("rule", [*RULES, *MODIFIED])
def test_every_rule_can_be_traced(rule, tmp_path, monkeypatch, traced):
    monkeypatch.setattr(block_functions, "LONGEST", 2)
    options = {"steps": 11, "record": ["term.*:every=2", "parameters:every=1", "y:every=2"]}
    blocks = dynviz.run(BOWL, rule, out=tmp_path / "traced", **options)
    assert traced[0]._trace is not None
    stepwise(monkeypatch)
    same(blocks, dynviz.run(BOWL, rule, out=tmp_path / "steps", **options))


@pytest.mark.parametrize(
    "loss",
    [
        "x.square().sum() if x.sum() > 0 else 2 * x.square().sum()",
        "(x * torch.from_numpy(x.detach().numpy().copy())).sum()",
    ],
    ids=["Python decides", "NumPy computes"],
)
def test_what_a_trace_does_not_hold_is_taken_step_by_step(loss, tmp_path, monkeypatch, traced):
    file = tmp_path / "own.py"
    file.write_text(SCENARIO.format(loss=loss))
    run = dynviz.run(str(file), "sgd:lr=0.01", record="parameters:every=1", out=tmp_path / "traced")
    assert [function._trace for function in traced] == [None]
    stepwise(monkeypatch)
    same(run, dynviz.run(str(file), "sgd:lr=0.01", record="parameters:every=1", out=tmp_path / "steps"))


def test_a_traced_run_goes_on_to_the_same_bytes_from_any_step(tmp_path, traced):
    options = {"record": ["parameters:every=1", "term.*:every=1"]}
    whole = dynviz.run(BOWL, ["adamw"], steps=97, out=tmp_path / "whole", **options)
    for steps in (5, 31, 50):
        dynviz.run(BOWL, ["adamw"], steps=steps, out=tmp_path / str(steps), **options)
        same(dynviz.resume(tmp_path / str(steps), steps=97, trust="/"), whole)
    assert traced


@pytest.mark.parametrize("lane", [None, 1])
def test_traced_steps_are_given_what_hyperparameters_are_changed_to(lane, tmp_path, monkeypatch, traced):
    wanted = changes.Request(action="set", name="lr", value=0.5, lane=lane)
    options = {"steps": 400, "seeds": "0:2", "record": ["parameters:every=1", "lr:every=1"]}
    live = dynviz.run(BOWL, "adamw", out=tmp_path / "live", progress=Asks(wanted), **options)["adamw"]
    assert len(live.changes()) == 1
    stepwise(monkeypatch)
    again = dynviz.run(BOWL, "adamw", out=tmp_path / "again", changes=live.folder / "changes.jsonl", **options)
    same({"adamw": live}, again)
