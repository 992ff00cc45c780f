"""Recording a script's own loop: what is recorded is what happened, and nothing happens otherwise."""

import math
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import dynviz
from dynviz.animation.drawing import open_film
from dynviz.errors import DynvizError
from dynviz.optimizers.adamw import AdamW
from dynviz.recorder.singular_values import LargestSingularValues
from dynviz.recording.checking import check

STEPS = 25

VARIANTS = {
    "adam": lambda p: torch.optim.Adam(p, lr=1e-2),
    "adam-decay": lambda p: torch.optim.Adam(p, lr=1e-2, weight_decay=0.1),
    "adamw-amsgrad": lambda p: torch.optim.AdamW(p, lr=1e-2, weight_decay=0.1, amsgrad=True),
    "adamw-foreach": lambda p: torch.optim.AdamW(p, lr=1e-2, foreach=True, maximize=True),
    "adamw-fused": lambda p: torch.optim.AdamW(p, lr=1e-2, fused=True),
    "adamax": lambda p: torch.optim.Adamax(p, lr=1e-2, weight_decay=0.1),
    "nadam": lambda p: torch.optim.NAdam(p, lr=1e-2, weight_decay=0.1),
    "nadam-decoupled": lambda p: torch.optim.NAdam(p, lr=1e-2, weight_decay=0.1, decoupled_weight_decay=True),
    "radam": lambda p: torch.optim.RAdam(p, lr=1e-2, weight_decay=0.1),
    "sgd": lambda p: torch.optim.SGD(p, lr=1e-2, weight_decay=0.1),
    "sgd-dampening": lambda p: torch.optim.SGD(p, lr=1e-2, momentum=0.9, dampening=0.5, weight_decay=0.1),
    "sgd-nesterov": lambda p: torch.optim.SGD(p, lr=1e-2, momentum=0.9, nesterov=True, maximize=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-3, weight_decay=0.1),
    "rmsprop-centered": lambda p: torch.optim.RMSprop(p, lr=1e-3, centered=True, momentum=0.9),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=1e-2, lr_decay=0.1, weight_decay=0.1),
}


def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 1))


def data(count: int = 32):
    x = torch.linspace(-1, 1, 3 * count).reshape(count, 3).sin()
    return x, x[:, :1] * x[:, 1:2]


def loop(net, optimizer, rec=None, steps=STEPS, seen=None):
    x, y = data()
    for _ in range(steps):
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        if seen is not None:
            row = torch.cat([p.detach().flatten() for p in net.parameters()])
            slope = torch.cat([p.grad.flatten() for p in net.parameters()])
            seen.append((row.clone(), slope.clone(), loss.item()))
        optimizer.step()
        optimizer.zero_grad()
        if rec is not None:
            rec(loss)
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def only(folder: Path):
    (recording,) = dynviz.open(folder).values()
    return recording


def test_what_is_recorded_is_what_happened_and_nothing_happens_otherwise(tmp_path):
    net = model()
    plain = loop(net, torch.optim.AdamW(net.parameters(), lr=1e-2))
    net, seen = model(), []
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    generator = torch.get_rng_state()
    with dynviz.record(net, optimizer, out=tmp_path / "mine", title="my task") as rec:
        end = loop(net, optimizer, rec, seen=seen)
    assert torch.equal(torch.get_rng_state(), generator)
    assert torch.equal(plain, end)
    recording = only(tmp_path / "mine")
    assert recording.status == "finished"
    assert (recording.total, recording.recorded) == (STEPS, STEPS)
    assert recording["parameters"][:, 0].tolist() == [*(row.tolist() for row, _, _ in seen), end.tolist()]
    assert recording["gradient"][:, 0].tolist() == [slope.tolist() for _, slope, _ in seen]
    assert recording["loss"][:, 0].tolist() == [loss for _, _, loss in seen]
    assert recording["lr"][:, 0].tolist() == [1e-2] * STEPS
    weight = recording.part("parameters", "0.weight")
    assert weight.shape == (STEPS + 1, 1, 6, 3)
    assert np.allclose(recording["weight_size"][:, 0, 0], np.linalg.norm(weight[:, 0], axis=(1, 2)))
    exact = np.linalg.svd(weight[:, 0], compute_uv=False)
    assert np.allclose(recording["singular_values.0.weight"][:, 0], exact, atol=1e-6)
    assert recording.metadata.hyperparameters["lr"].source == "given"
    assert not check(recording).problems


@pytest.mark.parametrize("name", VARIANTS)
def test_terms_of_torch_classes_add_up_to_the_step(name, tmp_path):
    net = model()
    optimizer = VARIANTS[name](net.parameters())
    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        loop(net, optimizer, rec)
    recording = only(tmp_path / "mine")
    assert "gradient" in recording.metadata.terms
    moves = np.diff(recording["parameters"].astype(np.float64), axis=0)
    told = sum(recording[f"term.{term}"][1:].astype(np.float64) for term in recording.metadata.terms)
    assert np.abs(told - moves).max() < 2e-3 * np.abs(moves).max()
    assert not recording["term.other"].any()


def test_terms_of_adamw_are_those_of_our_rule(tmp_path):
    """The rule is another implementation: it is given the recorded gradients."""
    net = model().double()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2, weight_decay=0.1)
    x, y = (part.double() for part in data())
    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = ((net(x) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            rec(loss)
    recording = only(tmp_path / "mine")
    rule = AdamW(lr=1e-2, weight_decay=0.1)
    theta = torch.from_numpy(recording["parameters"][0, 0].copy())
    state = rule.init(theta)
    for step in range(STEPS):
        gradient = torch.from_numpy(recording["gradient"][step, 0].copy())
        terms, state = rule.update(theta, gradient, state, torch.tensor(float(step + 1), dtype=torch.float64))
        for term, expected in terms.items():
            assert np.allclose(recording[f"term.{term}"][step + 1, 0], expected.numpy(), rtol=1e-9, atol=1e-15)
        theta = theta + sum(terms.values())


def test_a_class_of_ones_own_has_one_term_and_changes_beside_the_step_are_told_apart(tmp_path):
    class Signed(torch.optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": 0.01})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.sub_(group["lr"] * p.grad.sign())

    net = model()
    optimizer = Signed(net.parameters())
    with dynviz.record(net, optimizer, out=tmp_path / "own") as rec:
        loop(net, optimizer, rec)
    assert only(tmp_path / "own").metadata.terms == ("step",)

    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with dynviz.record(net, optimizer, out=tmp_path / "clipped") as rec:
        loop(net, optimizer, rec, steps=3)
        optimizer.register_step_post_hook(lambda *_: None)
        clip = optimizer.register_step_pre_hook(lambda *_: [p.data.mul_(0.5) for p in net.parameters()] and None)
        loop(net, optimizer, rec, steps=2)
        clip.remove()
    recording = only(tmp_path / "clipped")
    assert not recording["term.other"][:4].any()
    assert recording["term.other"][4:].all(axis=(1, 2)).any()


def test_values_belong_to_their_steps(tmp_path):
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    x, y = data()
    before, after = [], []
    for name, ahead in (("before", True), ("after", False)):
        with dynviz.record(net, optimizer, out=tmp_path / name) as rec:
            for step in range(4):
                loss = ((net(x) - y) ** 2).mean()
                loss.backward()
                (before if ahead else after).append(loss.item())
                if ahead:
                    rec(loss)
                optimizer.step()
                if not ahead:
                    rec(loss, **({"val_loss": step} if step % 2 else {}))
                    rec(None, acc=1)
    assert only(tmp_path / "before")["loss"][:, 0].tolist() == before
    recording = only(tmp_path / "after")
    assert recording["loss"][:, 0].tolist() == after
    assert np.array_equal(recording["val_loss"][:, 0], [math.nan, 1, 1, 3], equal_nan=True)
    assert recording.metadata.channels["val_loss"].better == "lower"
    assert recording.metadata.channels["acc"].better == "higher"


LOOPS = {
    "once a step": ("bsrz" * 3, [1, 2, 3]),
    "before the step": ("brsz" * 3, [1, 2, 3]),
    "before the backward pass": ("rbsz" * 3, [0, 1, 2]),
    "accumulating, after the step": ("brbrbrbsrz" * 3, [2.5, 6.5, 10.5]),
    "accumulating, before the step": ("brbrbrbrsz" * 3, [2.5, 6.5, 10.5]),
    "accumulating, before the backward pass": ("rbrbrbrbsz" * 3, [1.5, 5.5, 9.5]),
    "accumulating, once a step": ("bbbbsrz" * 3, [4, 8, 12]),
    "accumulating, two passes a call": ("bbrbbsrz" * 2, [3, 7]),
    "zeros instead of no gradients": ("brbrbsr0" * 3, [2, 5, 8]),
    "a last group that is too small": ("brbsrz" * 2 + "br", [1.5, 3.5]),
    "a second group that is smaller": ("brbrbsrz" + "brbsrz" + "bsrz", [2, 4.5, 6]),
    "now and then": ("bsz" + "bsrz" + "bsz" + "bsr", [math.nan, 2, math.nan, 4]),
    "never": ("bsz" * 3, [math.nan] * 3),
    "skipped": ("bsrz" + "brz" + "bsrz", [1, 3]),
    "skipped, zeros": ("bsr0" + "br0" + "bsr0", [1, 3]),
    "skipped, cleared before the pass": ("zbsr" + "zbr" + "zbsr", [1, 3]),
    "skipped, before the step": ("brsz" + "brz" + "brsz", [1, 3]),
    "skipped, before the backward pass": ("rbsz" + "rbz" + "rbsz", [0, 2]),
    "skipped, accumulating": ("brbsrz" + "brbrz" + "brbsrz", [1.5, 5.5]),
    "skipped at first": ("brz" + "brz" + "bsrz" + "bsrz", [3, 4]),
    "skipped at last": ("bsrz" + "brz", [1]),
    "gradients never cleared": ("bsr" * 3, [1, 2, 3]),
    "passes that end nowhere, before the call": ("bsbrz" * 3, [2, 4, 6]),
}
"""Loops as letters: backward pass, step, report of the number of passes so far, gradients None, or zero; and losses."""


@pytest.mark.parametrize("name", LOOPS)
def test_values_belong_to_the_passes_that_a_step_was_made_from(name, tmp_path):
    letters, expected = LOOPS[name]
    net, (x, y) = model(), data()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    passes = 0
    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        for letter in letters:
            if letter == "b":
                ((net(x) - y) ** 2).mean().backward()
                passes += 1
            elif letter == "s":
                optimizer.step()
            elif letter == "r":
                rec(float(passes))
            else:
                optimizer.zero_grad(set_to_none=letter == "z")
    recording = only(tmp_path / "mine")
    assert np.array_equal(recording["loss"][:, 0], expected, equal_nan=True)
    assert recording.total == len(expected)
    assert recording.events() == ()


def test_a_value_of_the_state_before_training_moves_no_other(tmp_path):
    net, (x, y) = model(), data()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        rec(val_loss=100)
        for step in range(3):
            ((net(x) - y) ** 2).mean().backward()
            optimizer.step()
            rec(step, val_loss=step)
    recording = only(tmp_path / "mine")
    assert recording["loss"][:, 0].tolist() == [0, 1, 2]
    assert recording["val_loss"][:, 0].tolist() == [100, 0, 1]


def test_passes_of_another_optimizer_take_nothing_away(tmp_path):
    """The generator's pass leaves a gradient in the discriminator, after its step and before the losses are given."""
    judge, maker, (x, y) = model(), model(), data()
    optimizers = {
        "judge": torch.optim.SGD(judge.parameters(), lr=0.01),
        "maker": torch.optim.SGD(maker.parameters(), lr=0.01),
    }
    with dynviz.record(nn.ModuleList([judge, maker]), optimizers, out=tmp_path / "mine") as rec:
        for step in range(4):
            optimizers["judge"].zero_grad()
            (judge(x) - y).square().mean().backward()
            optimizers["judge"].step()
            optimizers["maker"].zero_grad()
            judge(maker(x).expand(-1, 3)).mean().backward()
            optimizers["maker"].step()
            rec(float(step))
    for recording in dynviz.open(tmp_path / "mine").values():
        assert recording["loss"][:, 0].tolist() == [0, 1, 2, 3]


def test_gradients_that_a_script_makes_itself(tmp_path):
    """No backward pass is seen: values belong to the step before, or to the one after where they came first."""
    for ahead in (True, False):
        parameter = nn.Parameter(torch.ones(2))
        optimizer = torch.optim.SGD([parameter], lr=0.01)
        with dynviz.record(None, optimizer, out=tmp_path / str(ahead)) as rec:
            for step in range(3):
                parameter.grad = torch.ones(2)
                if ahead:
                    rec(step)
                optimizer.step()
                if not ahead:
                    rec(step)
        assert only(tmp_path / str(ahead))["loss"][:, 0].tolist() == [0, 1, 2]


def test_calls_within_a_closure_are_of_its_step(tmp_path):
    net, (x, y) = model(), data()
    optimizer = torch.optim.LBFGS(net.parameters(), lr=0.1, max_iter=3, line_search_fn="strong_wolfe")
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        rec(loss)
        losses[-1].append(loss.item())
        return loss

    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        for _ in range(4):
            losses.append([])
            optimizer.step(closure)
    assert np.allclose(only(tmp_path / "mine")["loss"][:, 0], [np.mean(several) for several in losses])


def test_a_step_that_fails_is_none(tmp_path):
    net, (x, y) = model(), data()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)

    def fails():
        raise ValueError("mine")

    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        for step in range(4):
            optimizer.zero_grad()
            ((net(x) - y) ** 2).mean().backward()
            if step == 2:
                with pytest.raises(ValueError, match="mine"):
                    optimizer.step(fails)
            optimizer.step()
            rec(step)
    assert only(tmp_path / "mine")["loss"][:, 0].tolist() == [0, 1, 2, 3]


def test_no_value_at_all(tmp_path):
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with dynviz.record(net, optimizer, out=tmp_path / "mine"):
        loop(net, optimizer)
    recording = only(tmp_path / "mine")
    assert np.isnan(recording["loss"]).all()
    assert recording.events() == ()
    assert len(recording["parameters"]) == STEPS + 1
    assert len(open_film([recording], "weights").steps)


@pytest.mark.parametrize("fused", [False, True])
def test_steps_that_a_scaler_skips_are_no_steps(fused, tmp_path):
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    x, y = data()
    losses = []
    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        for step in range(6):
            optimizer.zero_grad()
            overflow = step in (0, 3)
            loss = ((net(x) - y) ** 2).mean() * (math.inf if overflow else 1.0)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            rec(loss)
            losses += [] if overflow else [loss.item()]
    recording = only(tmp_path / "mine")
    assert recording.total == 4
    assert recording["loss"][:, 0].tolist() == losses
    assert recording.events() == ()
    assert np.isfinite(recording["gradient"]).all()
    assert not recording["term.other"].any()


def test_several_optimizers_have_a_recording_each(tmp_path):
    first, second = model(), nn.Linear(3, 1)
    both = nn.ModuleDict({"first": first, "second": second})
    optimizers = {"critic": torch.optim.Adam(first.parameters()), "actor": torch.optim.SGD(second.parameters(), lr=0.1)}
    x, y = data()
    with dynviz.record(both, optimizers, out=tmp_path / "mine") as rec:
        for step in range(6):
            loss = ((first(x) + second(x) - y) ** 2).mean()
            loss.backward()
            optimizers["critic"].step()
            if step % 3 == 2:
                optimizers["actor"].step()
                optimizers["actor"].zero_grad()
            optimizers["critic"].zero_grad()
            rec(loss)
    run = dynviz.open(tmp_path / "mine")
    assert {name: one.total for name, one in run.items()} == {"critic": 6, "actor": 2}
    assert list(run["actor"].metadata.parameters) == ["second.weight", "second.bias"]


def test_groups_that_are_added_later_frozen_tied_and_buffers(tmp_path):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 4), nn.Linear(4, 4))
    net[3].weight = net[0].weight
    net[2].weight.requires_grad_(requires_grad=False)
    optimizer = torch.optim.SGD(net[0].parameters(), lr=0.1)
    x = torch.eye(4)
    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        for step in range(4):
            if step == 2:
                optimizer.add_param_group({"params": net[1].parameters(), "lr": 0.01})
            loss = net(x).square().mean()
            loss.backward()
            optimizer.step()
            rec(loss)
    recording = only(tmp_path / "mine")
    assert "2.weight" not in recording.metadata.parameters
    assert "3.weight" not in recording.metadata.parameters
    moved = recording.part("parameters", "1.weight")[:, 0]
    assert np.array_equal(moved[0], moved[2])
    assert not np.array_equal(moved[2], moved[3])


def test_a_closure_tells_the_loss_and_the_gradient(tmp_path):
    net, x = nn.Linear(3, 1).double(), torch.eye(3, dtype=torch.float64)
    optimizer = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=3)
    losses, slopes = [], []

    def closure():
        optimizer.zero_grad()
        loss = (net(x) - 1).square().mean()
        loss.backward()
        calls.append((loss.item(), net.weight.grad.flatten().tolist()))
        return loss

    with dynviz.record(net, optimizer, out=tmp_path / "mine"):
        for _ in range(3):
            calls = []
            optimizer.step(closure)
            losses.append(calls[0][0])
            slopes.append(calls[0][1])
    recording = only(tmp_path / "mine")
    assert recording["loss"][:, 0].tolist() == losses
    assert recording["gradient"][:, 0, :3].tolist() == slopes
    assert recording.metadata.terms == ("step",)


def test_terms_of_a_step_whose_closure_makes_the_gradient(tmp_path):
    net, (x, y) = model(), data()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)

    def closure():
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        return loss

    with dynviz.record(net, optimizer, out=tmp_path / "mine"):
        for _ in range(6):
            optimizer.step(closure)
    recording = only(tmp_path / "mine")
    assert recording.metadata.terms == ("gradient", "momentum", "decay", "other")
    assert not recording["term.other"].any()
    assert recording["term.gradient"][1:].all(axis=(1, 2)).any()


def test_a_step_that_cannot_be_told_apart_is_recorded_as_a_whole(tmp_path):
    """An optimizer whose state is lost on the way, as by a faulty load_state_dict."""
    net = model()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        loop(net, optimizer, rec, steps=3)
        forget = optimizer.register_step_post_hook(lambda *_: optimizer.state.clear())
        # Before that of the recorder, which so finds no state.
        optimizer._optimizer_step_post_hooks.move_to_end(forget.id, last=False)
        loop(net, optimizer, rec, steps=2)
    recording = only(tmp_path / "mine")
    assert (recording.status, recording.total) == ("finished", 5)
    moves = np.diff(recording["parameters"], axis=0)
    assert np.allclose(recording["term.other"][4:], moves[3:])
    assert not recording["term.gradient"][4:].any()


def test_compiled_models_are_named_as_they_are(tmp_path):
    net = model()
    compiled = torch.compile(net, backend="eager")
    optimizer = torch.optim.SGD(compiled.parameters(), lr=0.01)
    with dynviz.record(compiled, optimizer, out=tmp_path / "mine") as rec:
        loop(compiled, optimizer, rec, steps=3)
    recording = only(tmp_path / "mine")
    assert next(iter(recording.metadata.parameters)) == "0.weight"
    assert recording.metadata.scenario.name == "Sequential"


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="there is no compiler for C++")
def test_a_model_that_inductor_compiles_is_recorded_and_undisturbed(tmp_path):
    ends = []
    for folder in (tmp_path / "mine", None):
        net = model()
        compiled = torch.compile(net)
        optimizer = torch.optim.AdamW(compiled.parameters(), lr=0.01)
        rec = dynviz.record(compiled, optimizer, out=folder) if folder else None
        ends.append(loop(compiled, optimizer, rec, steps=4))
        if rec:
            rec.close()
    assert torch.equal(*ends)
    recording = only(tmp_path / "mine")
    assert list(recording.metadata.parameters) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert np.array_equal(recording["parameters"][-1, 0], ends[0].numpy())
    assert np.isfinite(recording["loss"]).all()
    terms = sum(recording[name][1:] for name in recording if name.startswith("term."))
    assert np.allclose(terms, np.diff(recording["parameters"], axis=0), atol=1e-6)


def test_sparse_gradients_and_bfloat16(tmp_path):
    torch.manual_seed(0)
    for whole in (True, False):
        table = nn.Embedding(3000, 4, sparse=True)
        optimizer = torch.optim.SparseAdam(table.parameters(), lr=0.1)
        with dynviz.record(table, optimizer, out=tmp_path / f"sparse-{whole}", whole=whole) as rec:
            for _ in range(3):
                optimizer.zero_grad()
                loss = table(torch.tensor([1, 5, 5, 2999])).square().sum()
                loss.backward()
                rec(loss)
                optimizer.step()
        recording = only(tmp_path / f"sparse-{whole}")
        assert np.isclose(recording["gradient_size"][-1, 0, 0], float(table.weight.grad.to_dense().norm()))
        if whole:
            assert (recording["gradient"][-1, 0].reshape(3000, 4).any(axis=1)).nonzero()[0].tolist() == [1, 5, 2999]
    net = model().bfloat16()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
    with dynviz.record(net, optimizer, out=tmp_path / "half") as rec:
        for _ in range(3):
            loss = net(torch.ones(2, 3, dtype=torch.bfloat16)).float().square().sum()
            loss.backward()
            optimizer.step()
            rec(loss)
    recording = only(tmp_path / "half")
    assert recording["parameters"].dtype == np.float32
    assert recording["parameters"][-1, 0, :2].tolist() == net[0].weight.flatten()[:2].tolist()


def test_what_cannot_be_recorded_is_refused(tmp_path):
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    (tmp_path / "there").mkdir()
    with pytest.raises(DynvizError, match="exists"):
        dynviz.record(net, optimizer, out=tmp_path / "there")
    whole = nn.Parameter(torch.zeros(2, dtype=torch.complex64))
    with pytest.raises(DynvizError, match="complex"):
        dynviz.record(None, torch.optim.SGD([whole], lr=0.1), out=tmp_path / "complex")
    with pytest.raises(DynvizError, match="none of the model's parameters"):
        dynviz.record(nn.Linear(2, 2).requires_grad_(requires_grad=False), optimizer, out=tmp_path / "other")
    with pytest.raises(DynvizError, match="GB"):
        dynviz.record(net, optimizer, out=tmp_path / "large", steps=10**9)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        with pytest.raises(DynvizError, match="one number"):
            rec(torch.ones(3))
        with pytest.raises(DynvizError, match="is a number"):
            rec("low")
        with pytest.raises(DynvizError, match="recorder itself"):
            rec(1.0, lr=3)
    assert not (tmp_path / "mine").exists()


def test_a_call_that_is_refused_has_no_effect(tmp_path):
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = data()
    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        for step in range(3):
            loss = ((net(x) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            rec(float(step))
            with pytest.raises(DynvizError, match="is a number"):
                rec(100.0, acc="low")
    recording = only(tmp_path / "mine")
    assert recording.metadata.status == "finished"
    assert recording["loss"][:, 0].tolist() == [0, 1, 2]
    assert "acc" not in recording


def test_only_the_first_process_of_a_job_records(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        loop(net, optimizer, rec)
    assert not (tmp_path / "mine").exists()


DISTRIBUTED = """
import sys, torch, dynviz
from torch import nn
rank, folder = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(1)
torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
torch.manual_seed(0)
net = nn.parallel.DistributedDataParallel(nn.Linear(3, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
with dynviz.record(net, optimizer, out=f"{folder}/mine") as rec:
    for step in range(5):
        optimizer.zero_grad()
        loss = net(torch.full((1, 3), float(1 + rank))).square().mean()
        loss.backward()
        optimizer.step()
        rec(loss)
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_that_train_together_write_one_recording(tmp_path):
    processes = [subprocess.Popen([sys.executable, "-c", DISTRIBUTED, str(rank), tmp_path]) for rank in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    recording = only(tmp_path / "mine")
    assert (recording.status, recording.total) == ("finished", 5)
    assert list(recording.metadata.parameters) == ["weight", "bias"]
    # The gradient is the mean of both: of (w (1, 1, 1) + b)^2 and of (w (2, 2, 2) + b)^2.
    weight, bias = recording["parameters"][0, 0, :3].sum(), recording["parameters"][0, 0, 3]
    assert np.isclose(recording["gradient"][0, 0, 3], (weight + bias) + (2 * weight + bias), rtol=1e-6)


def test_errors_and_interruptions_end_it(tmp_path):
    for name, error, status in (
        ("failed", ValueError("mine"), "failed"),
        ("stopped", KeyboardInterrupt(), "interrupted"),
    ):
        net = model()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

        def script(net=net, optimizer=optimizer, name=name, error=error):
            with dynviz.record(net, optimizer, out=tmp_path / name) as rec:
                loop(net, optimizer, rec, steps=3)
                raise error

        with pytest.raises(type(error)):
            script()
        recording = only(tmp_path / name)
        assert (recording.status, recording.total, len(recording["parameters"])) == (status, 3, 4)
    assert "mine" in only(tmp_path / "failed").metadata.error


def test_a_fault_of_the_recording_is_none_of_the_training(tmp_path, monkeypatch):
    net = model()
    plain = loop(net, torch.optim.SGD(net.parameters(), lr=0.1))
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    rec = dynviz.record(net, optimizer, out=tmp_path / "mine")
    loop(net, optimizer, rec, steps=5)
    monkeypatch.setattr("dynviz.recorder.growing.FLUSH_SECONDS", -1)

    def full(*_args, **_kwargs):
        raise DynvizError("the disk is full")

    monkeypatch.setattr("dynviz.recording.writer.Writer.write", full)
    with pytest.warns(UserWarning, match="the disk is full; training goes on"):
        end = loop(net, optimizer, rec, steps=STEPS - 5)
    assert torch.equal(plain, end)


def test_it_grows_and_a_large_model_is_sampled(tmp_path, monkeypatch):
    monkeypatch.setattr("dynviz.recorder.launch.FIRST_STEPS", 8)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 200), nn.Tanh(), nn.Linear(200, 600), nn.Tanh(), nn.Linear(600, 1))
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        end = loop(net, optimizer, rec, steps=33)
    recording = only(tmp_path / "mine")
    assert recording.total == 33
    assert recording.steps("parameters").tolist() == [0, 10, 20, 30, 33]
    assert recording["parameters"].shape[2] == 4096
    assert "4096 of 122001 parameters" in recording.metadata.channels["parameters"].help
    assert set(recording["parameters"][-1, 0].tolist()) <= set(end.tolist())
    assert not recording["term.other"][:-1].any()
    assert np.isnan(recording["term.other"][-1]).all()
    assert len(open_film([recording], "ledger").steps)
    exact = torch.linalg.svdvals(net[2].weight.detach())[:8].numpy()
    assert np.allclose(recording["singular_values.2.weight"][-1, 0], exact, rtol=0.1)
    assert recording["singular_values.2.weight"][-1, 0, 0] <= exact[0] * (1 + 1e-5)
    assert not check(recording).problems


def test_largest_singular_values_settle_on_the_true_ones():
    generator = torch.Generator().manual_seed(1)
    left = torch.linalg.qr(torch.randn(300, 100, generator=generator)).Q
    right = torch.linalg.qr(torch.randn(100, 100, generator=generator)).Q
    true = 2.0 ** -torch.arange(100) + 0.01
    matrix = left @ torch.diag(true) @ right.T
    follow = LargestSingularValues(matrix)
    for _ in range(3):
        values = follow.of(matrix)
    assert torch.allclose(values, true[:8], rtol=1e-3)
    assert follow.of(torch.full_like(matrix, torch.nan)).isnan().all()


def test_it_cannot_be_gone_on_with(tmp_path):
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with dynviz.record(net, optimizer, out=tmp_path / "mine") as rec:
        loop(net, optimizer, rec, steps=3)
    for attempt in (
        lambda: dynviz.resume(tmp_path / "mine", steps=10),
        lambda: dynviz.fork(tmp_path / "mine", at=2),
    ):
        with pytest.raises(DynvizError, match="script's own loop"):
            attempt()


SCRIPT = """
import sys, torch, dynviz
torch.manual_seed(0)
net = torch.nn.Linear(3, 1)
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
rec = dynviz.record(net, optimizer, out=sys.argv[1])
for step in range(int(sys.argv[2])):
    loss = net(torch.ones(1, 3)).square().mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    rec(loss)
    if step == 10:
        print("begun", flush=True)
if len(sys.argv) > 3:
    raise ValueError("at the end")
"""


def test_a_script_that_does_not_close_it(tmp_path):
    for name, more, status in (("whole", [], "finished"), ("failed", ["x"], "failed")):
        subprocess.run(
            [sys.executable, "-c", SCRIPT, tmp_path / name, "20", *more], check=not more, capture_output=True
        )
        recording = only(tmp_path / name)
        assert (recording.status, recording.total) == (status, 20)


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path):
    """What was flushed is there, whole, and can be drawn; the run counts as killed."""
    moments = np.random.default_rng(0).uniform(0.0, 0.8, 8)
    for number, moment in enumerate(moments):
        folder = tmp_path / str(number)
        script = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, folder, "10000000"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert script.stdout is not None
        script.stdout.readline()
        time.sleep(float(moment))
        script.send_signal(signal.SIGKILL)
        script.wait()
        script.stdout.close()
        recording = only(folder)
        assert recording.status == "killed"
        assert not recording.missing
        count = len(recording["parameters"])
        losses = recording["loss"][: count - 1, 0]
        assert np.isfinite(losses).all()
        if count > 2:
            assert len(open_film([recording], "curves").steps)


def test_by_default_it_has_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        with dynviz.record(net, optimizer) as rec:
            loop(net, optimizer, rec, steps=3)
    assert sorted(path.name for path in Path("runs").iterdir()) == ["sequential-1", "sequential-2"]
