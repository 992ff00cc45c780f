"""Training on a GPU: graphs against single steps, and both against the CPU. Left out where there is no CUDA device."""

import numpy as np
import pytest
import torch

import dynviz
from dynviz.training import block_functions, preparation
from dynviz.training.cuda_graph import CapturedFunction
from tests.test_blocks import TASKS, same

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@pytest.fixture
def captured(monkeypatch):
    """The graphs that a run makes."""
    made = []

    class Watched(CapturedFunction):
        def __init__(self, function):
            super().__init__(function)
            made.append(self)

    monkeypatch.setattr(block_functions, "CapturedFunction", Watched)
    return made


@pytest.mark.parametrize("task", TASKS)
def test_graphs_give_what_single_steps_give(task, tmp_path, monkeypatch, captured):
    scenario, optimizers, options = TASKS[task]
    options = {"steps": 53, "device": "cuda", **options}
    graphs = dynviz.run(scenario, optimizers, out=tmp_path / "graphs", **options)
    assert captured or task == "factorisations"
    assert all(each._graph is not None for each in captured)
    monkeypatch.setattr(preparation, "block_functions", lambda lanes, *_, **__: (None,) * len(lanes.stacks))
    same(dynviz.run(scenario, optimizers, out=tmp_path / "steps", **options), graphs)


@pytest.mark.parametrize("task", TASKS)
def test_the_gpu_follows_the_cpu(task, tmp_path):
    scenario, optimizers, options = TASKS[task]
    options = {"steps": 23, "dtype": "float64", **options}
    here = dynviz.run(scenario, optimizers, device="cpu", out=tmp_path / "cpu", **options)
    there = dynviz.run(scenario, optimizers, device="cuda", out=tmp_path / "cuda", **options)
    for name, recording in here.items():
        np.testing.assert_allclose(there[name]["loss"], recording["loss"], rtol=1e-6, atol=1e-9)


def test_a_run_on_a_gpu_goes_on_to_the_same_bytes(tmp_path):
    scenario, optimizers, options = TASKS["two rules"]
    options = {**options, "device": "cuda"}
    whole = dynviz.run(scenario, optimizers, out=tmp_path / "whole", **options, steps=97)
    dynviz.run(scenario, optimizers, out=tmp_path / "short", **options, steps=53)
    same(dynviz.resume(tmp_path / "short", steps=97, trust="/"), whole)


@pytest.mark.slow
def test_compiled_steps_are_captured_too(tmp_path, captured):
    scenario, optimizers, options = TASKS["two rules"]
    options = {"steps": 53, "device": "cuda", **options}
    quick = dynviz.run(scenario, optimizers, compile=True, out=tmp_path / "compiled", **options)
    assert all(each._graph is not None for each in captured)
    plain = dynviz.run(scenario, optimizers, out=tmp_path / "plain", **options)
    for name, recording in plain.items():
        np.testing.assert_allclose(quick[name]["loss"], recording["loss"], rtol=1e-4, atol=1e-5)
