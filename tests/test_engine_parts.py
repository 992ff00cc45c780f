"""What training adds to a rule: schedules, noise, and a gradient that is taken elsewhere."""

import numpy as np
import pytest
import torch

import dynviz
from dynviz.errors import DynvizError
from dynviz.plugins.schedules import Schedule
from dynviz.task import Channel
from dynviz.training import preparation, sources
from dynviz.training.block import BlockFunction
from dynviz.training.block_functions import block_program
from dynviz.training.noise import Noise
from dynviz.training.parameter_layout import ParameterLayout
from dynviz.training.sources import Source
from dynviz.training.step_values import Phase
from dynviz.training.torch_stepper import TorchStepper

BOWL = "surface:f=quadratic"
NETWORK = "voronoi:model=labels,grid=8"


def run(tmp_path, optimizer, scenario=BOWL, **options):
    options = {"steps": 40, "seeds": 1, "dtype": "float64", **options}
    found = dynviz.run(scenario, optimizer, out=tmp_path / optimizer.replace(":", "-").replace("/", "-"), **options)
    return next(iter(found.values()))


def test_a_scheduled_rate_is_recorded_and_is_what_steps_take(tmp_path):
    recording = run(
        tmp_path, "sgd:lr=warmup(0.02,10)*cosine(1)", record=["lr:every=1", "term.*:every=1", "gradient:every=1"]
    )
    schedule = Schedule("warmup(0.02,10)*cosine(1,40)")
    assert recording.metadata.hyperparameters["lr"].value == str(schedule)
    rates = recording["lr"][:, 0]
    np.testing.assert_allclose(rates, [schedule.at(t + 1) for t in range(41)], rtol=1e-6)
    taken = recording["term.gradient"][1:, 0] / -recording["gradient"][:-1, 0]
    np.testing.assert_allclose(taken, [[schedule.at(t)] * 2 for t in range(1, 41)], rtol=1e-9)


def test_a_constant_rate_can_be_recorded_and_is_not_by_default(tmp_path):
    assert "lr" not in run(tmp_path, "sgd:lr=0.01")
    recording = run(tmp_path, "adamw:lr=0.01", record="lr")
    # At each sample: it may be changed while the run trains.
    assert len(recording["lr"]) > 1
    np.testing.assert_allclose(recording["lr"], 0.01, rtol=1e-6)


def test_any_number_can_be_scheduled(tmp_path):
    recording = run(tmp_path, "sgd:lr=0.01,momentum=ramp(0,0.9)", record="momentum:every=10")
    np.testing.assert_allclose(recording["momentum"][:, 0], [0, 0.225, 0.45, 0.675, 0.9], rtol=1e-6)


def test_schedules_of_torch_classes_follow_torch(tmp_path):
    ours = run(tmp_path, "adamw:lr=cosine(0.02),weight_decay=0.1", record="parameters:every=1")
    theirs = run(tmp_path, "torch.optim.AdamW:lr=cosine(0.02),weight_decay=0.1", record="parameters:every=1")
    np.testing.assert_allclose(ours["parameters"], theirs["parameters"], rtol=1e-9)


def test_what_a_torch_class_does_not_keep_cannot_be_scheduled(tmp_path):
    with pytest.raises(DynvizError, match="etas"):
        run(tmp_path, "torch.optim.Rprop:lr=0.1,etas=cosine(1)")
    layout, row = ParameterLayout({"w": (2,)}), torch.zeros(2)
    with pytest.raises(DynvizError, match="has no speed that could change"):
        TorchStepper(torch.optim.SGD, "SGD", layout, row, schedules={"speed": Schedule("cosine(1,9)")})


def test_a_schedule_is_refused_where_a_number_is_no_hyperparameter():
    with pytest.raises(DynvizError, match="condition"):
        dynviz.run("surface:f=quadratic,condition=cosine(10)", "sgd")


def test_a_scheduled_run_goes_on_to_the_same_bytes(tmp_path):
    whole = run(tmp_path, "adam+dropout-l2:lr=onecycle(0.02),decay=ramp(0,1)", NETWORK, steps=60, seeds="0:2")
    half = tmp_path / "half"
    crashed = dynviz.run(
        NETWORK,
        "adam+dropout-l2:lr=onecycle(0.02,60),decay=ramp(0,1,60)",
        steps=30,
        seeds="0:2",
        dtype="float64",
        out=half,
    )
    assert next(iter(crashed.values())).status == "finished"
    on = next(iter(dynviz.resume(half, steps=60, trust="/").values()))
    for channel in ("loss", "lr", "decay"):
        assert np.array_equal(whole[channel], on[channel]), channel


def test_lanes_of_a_random_rule_are_those_of_their_seeds_alone(tmp_path):
    both = run(tmp_path, "adam+dropout-l2:lr=0.01,decay=1", NETWORK, seeds="3,5", record="parameters:every=40")
    for place, seed in enumerate((3, 5)):
        alone = run(
            tmp_path / str(seed), "adam+dropout-l2:lr=0.01,decay=1", NETWORK, seeds=seed, record="parameters:every=40"
        )
        np.testing.assert_allclose(both["parameters"][:, place], alone["parameters"][:, 0], rtol=0, atol=1e-12)


def test_noise_is_even_and_a_function_of_seed_and_step():
    noise = Noise((1, 2), torch.zeros(2, 1000))
    first = noise.at(1).clone()
    for t in (300, 2, 1):
        again = noise.at(t)
    assert torch.equal(again, first)
    assert torch.equal(Noise((2,), torch.zeros(1000)).at(1), first[1])
    assert not torch.equal(first[0], first[1])
    rows = torch.cat([noise.at(t).flatten() for t in range(1, 400)])
    assert rows.mean() == pytest.approx(0.5, abs=0.002)
    assert rows.var() == pytest.approx(1 / 12, rel=0.01)
    assert 0 <= rows.min() < rows.max() < 1


def test_sam_takes_its_gradient_at_the_perturbed_point(tmp_path):
    """On a quadratic, where gradients are known everywhere: f = x^T A x / 2."""
    recording = run(
        tmp_path,
        "sgd+sam:lr=0.01,rho=0.3",
        record=["perturbation:every=1", "gradient:every=1", "term.*:every=1", "parameters:every=1"],
    )
    theta, perturbation = recording["parameters"][:, 0], recording["perturbation"][:, 0]
    gradient, step = recording["gradient"][:, 0], recording["term.gradient"][1:, 0]
    np.testing.assert_allclose(np.linalg.norm(perturbation, axis=1), 0.3, rtol=1e-9)
    np.testing.assert_allclose(perturbation, 0.3 * gradient / np.linalg.norm(gradient, axis=1)[:, None], rtol=1e-9)
    hessian = np.linalg.lstsq(theta[:20], gradient[:20], rcond=None)[0]
    np.testing.assert_allclose(step, -0.01 * (theta + perturbation)[:-1] @ hessian, rtol=1e-6, atol=1e-9)
    assert recording.part("perturbation", next(iter(recording.metadata.parameters))).shape == (41, 1, 2)


def test_the_reach_of_sam_may_be_scheduled_and_goes_on_to_the_same_bytes(tmp_path):
    record = ["perturbation:every=1", "rho:every=1"]
    optimizer = "sgd+sam:lr=0.01,rho=ramp(0.1,0.4,40)"
    whole = run(tmp_path, optimizer, record=record)
    lengths = np.linalg.norm(whole["perturbation"][:, 0], axis=1)
    np.testing.assert_allclose(lengths, [0.1 + 0.3 * step / 40 for step in range(41)], rtol=1e-9)
    np.testing.assert_allclose(whole["rho"][:, 0], lengths, rtol=1e-6)
    dynviz.run(BOWL, optimizer, steps=20, seeds=1, dtype="float64", record=record, out=tmp_path / "half")
    on = next(iter(dynviz.resume(tmp_path / "half", steps=40, trust="/").values()))
    for channel in ("loss", "perturbation", "rho"):
        assert np.array_equal(whole[channel], on[channel]), channel


def test_what_is_shown_of_a_state_takes_scheduled_hyperparameters_of_the_last_step(tmp_path):
    record = ["state.*:every=1"]
    optimizer = "adagrad:lr=0.01,eps=ramp(1,3,40)"
    whole = run(tmp_path, optimizer, record=record)
    dynviz.run(BOWL, optimizer, steps=20, seeds=1, dtype="float64", record=record, out=tmp_path / "half")
    on = next(iter(dynviz.resume(tmp_path / "half", steps=40, trust="/").values()))
    (name,) = (name for name in whole.channels if name.startswith("state."))
    assert np.array_equal(whole[name], on[name])


def test_sam_over_lanes_is_sam_alone(tmp_path):
    both = run(tmp_path, "adam+sam:rho=0.1", NETWORK, seeds="3,5", record="parameters:every=40")
    for place, seed in enumerate((3, 5)):
        alone = run(tmp_path / str(seed), "adam+sam:rho=0.1", NETWORK, seeds=seed, record="parameters:every=40")
        np.testing.assert_allclose(both["parameters"][:, place], alone["parameters"][:, 0], rtol=0, atol=1e-10)


def test_sam_is_that_of_a_plain_loop(tmp_path):
    """The same network by hand, with autograd and torch.optim."""
    recording = run(tmp_path, "sgd+sam:lr=0.1,rho=0.05", NETWORK, steps=10, record="parameters:every=1")
    from dynviz import plugins

    task = plugins.load("scenarios", NETWORK).make().build(1)
    weights = {name: value.double().clone().requires_grad_() for name, value in task.parameters.items()}
    constants = {name: value.double() if value.is_floating_point() else value for name, value in task.constants.items()}
    batches = task.batches(0, 10)
    for t in range(10):
        batch = tuple(each[t].double() if each.is_floating_point() else each[t] for each in batches)
        first = torch.autograd.grad(task.loss(weights, constants, batch), list(weights.values()))
        length = torch.sqrt(sum(part.square().sum() for part in first))
        moved = {
            name: (value + 0.05 * part / length).detach().requires_grad_()
            for (name, value), part in zip(weights.items(), first, strict=True)
        }
        second = torch.autograd.grad(task.loss(moved, constants, batch), list(moved.values()))
        weights = {
            name: (value - 0.1 * part).detach().requires_grad_()
            for (name, value), part in zip(weights.items(), second, strict=True)
        }
    row = torch.cat([value.detach().flatten() for value in weights.values()])
    np.testing.assert_allclose(recording["parameters"][-1, 0], row.numpy(), rtol=1e-9, atol=1e-11)


def test_a_new_kind_of_channel_is_one_function_in_the_table_of_sources(tmp_path, monkeypatch):
    def gradient_norm(sampled):
        def read(values):
            return (values.gradient.norm(dim=-1),)

        channel = Channel("gradient_norm", 3, (), "length of the gradient")
        yield Source(channel=channel, phase=Phase.GRADIENT, read=read)

    monkeypatch.setattr(sources, "KINDS", (*sources.KINDS, gradient_norm))
    options = {"seeds": "0:2", "steps": 50, "record": "gradient:every=3"}
    single = run(tmp_path / "single", "sgd", **options)
    monkeypatch.setattr(preparation, "block_functions", in_blocks)
    for recording in (single, run(tmp_path / "blocks", "sgd", **options)):
        assert recording.steps("gradient_norm").tolist() == [*range(0, 50, 3), 50]
        norms = np.linalg.norm(recording["gradient"], axis=-1)
        np.testing.assert_allclose(recording["gradient_norm"], norms, rtol=1e-6)


def in_blocks(lanes, samples, label, *, steps, compiled):
    programs = [
        block_program(stack, stepper, buffers, 20, captured=False)
        for stack, stepper, buffers in zip(lanes.stacks, lanes.steppers, samples, strict=True)
    ]
    return [BlockFunction(program.length, program) for program in programs]
