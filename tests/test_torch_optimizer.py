"""Rules as optimizers of torch's kind: the same steps, wherever they are made."""

import copy
import inspect

import pytest
import torch
from torch import nn

import dynviz
from dynviz.errors import DynvizError
from dynviz.rule import NOISE, QuickRule
from dynviz.training.steppers import RuleStepper
from tests import network
from tests.rules import LAYOUT, MODIFIED, ROW, RULES, gradient, make

STEPS = 12
PLAIN = [name for name in (*RULES, *MODIFIED) if "sam" not in name]


def parameters(row=ROW):
    return [nn.Parameter(view.clone()) for view in LAYOUT.views(row).values()]


def walk(optimizer, own, steps=STEPS, first=0):
    row = None
    for step in range(first, first + steps):
        row = torch.cat([one.detach().reshape(-1) for one in own])
        for one, slope in zip(own, LAYOUT.views(gradient(row, step)).values(), strict=True):
            one.grad = slope.clone()
        optimizer.step()
    return torch.cat([one.detach().reshape(-1) for one in own])


@pytest.mark.parametrize("name", PLAIN)
def test_steps_are_those_of_training(name):
    kind = dynviz.torch_optimizer(name)
    own = parameters()
    optimizer = kind(own)
    end = walk(optimizer, own)
    if any(NOISE in state for state in optimizer.state.values()):
        assert torch.isfinite(end).all()
        return
    stepper = RuleStepper(make(name), {}, LAYOUT, ROW)
    row = ROW.clone()
    for step in range(STEPS):
        row, _ = stepper.step(row, gradient(row, step), step + 1)
    torch.testing.assert_close(end, row, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", PLAIN)
def test_it_goes_on_from_a_state_dict(name):
    kind = dynviz.torch_optimizer(name)
    own = parameters()
    optimizer = kind(own)
    walk(optimizer, own, 5)
    there = parameters(torch.cat([one.detach().reshape(-1) for one in own]))
    again = kind(there)
    # Like torch's own classes it takes the tensors as they are.
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert torch.equal(walk(optimizer, own, 4, 5), walk(again, there, 4, 5))


@pytest.mark.parametrize("name", [name for name in RULES if isinstance(make(name), QuickRule)])
def test_a_quick_step_is_the_sum_of_the_terms(name):
    rule = make(name)
    theta = torch.linspace(-1, 1, 50, dtype=torch.float64)
    state = rule.init(theta)
    quick = {key: value.clone() for key, value in state.items()}
    for t in range(1, 6):
        slope = torch.sin(theta * t)
        terms, state = rule.update(theta, slope, state, torch.tensor(float(t), dtype=torch.float64))
        move = rule.move(theta, slope, quick, float(t))
        torch.testing.assert_close(move, sum(terms.values()), rtol=1e-12, atol=1e-16)
        assert all(torch.allclose(quick[key], state[key], rtol=1e-13, atol=0) for key in state)
        theta = theta + move


def test_it_is_torch_s_own_adamw():
    own, others = parameters(), parameters()
    groups = [[{"params": row[:1], "lr": 0.1}, {"params": row[1:], "weight_decay": 0.0}] for row in (own, others)]
    ours = dynviz.torch_optimizer("adamw")(groups[0], lr=0.02, maximize=True)
    theirs = torch.optim.AdamW(groups[1], lr=0.02, maximize=True)
    schedules = [torch.optim.lr_scheduler.StepLR(one, 3, 0.5) for one in (ours, theirs)]
    for step in range(10):
        for row, optimizer in ((own, ours), (others, theirs)):
            for place, one in enumerate(row):
                # A parameter that is left out now and then keeps a count of its own.
                one.grad = None if place == 1 and step % 3 == 1 else torch.sin(one.detach() * (step + 1))
            optimizer.step()
        for schedule in schedules:
            schedule.step()
    for one, other in zip(own, others, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_a_rule_that_looks_elsewhere_evaluates_twice():
    kind = dynviz.torch_optimizer("sgd+sam:lr=0.1,rho=0.2")
    own = parameters()
    optimizer = kind(own)
    calls = []

    def closure():
        calls.append(torch.cat([one.detach().reshape(-1) for one in own]))
        optimizer.zero_grad()
        row = torch.cat([one.reshape(-1) for one in own])
        loss = network.loss(LAYOUT.views(row), network.batch(0))
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    assert float(loss.detach()) > 0
    slope = gradient(ROW, 0)
    torch.testing.assert_close(calls[1], ROW + 0.2 * slope / slope.norm())
    end = torch.cat([one.detach().reshape(-1) for one in own])
    torch.testing.assert_close(end, ROW - 0.1 * gradient(calls[1], 0))
    with pytest.raises(DynvizError, match="pass a closure"):
        optimizer.step()


def test_its_signature_and_what_it_refuses():
    kind = dynviz.torch_optimizer("adamw-l1:lr=0.5")
    assert inspect.signature(kind).parameters["lr"].default == 0.5
    assert kind(parameters()).param_groups[0]["lr"] == 0.5
    assert kind.__name__ == "AdamwL1"
    for arguments in ({"lr": -1.0}, {"nothing": 1}, {"beta1": "high"}):
        with pytest.raises(DynvizError):
            kind(parameters(), **arguments)
    with pytest.raises(DynvizError, match="lr"):
        kind([{"params": parameters(), "lr": -1.0}])
    with pytest.raises(DynvizError, match="torch's kind"):
        dynviz.torch_optimizer("torch.optim.Adam")
    table = nn.Embedding(3, 2, sparse=True)
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(DynvizError, match="sparse"):
        kind(table.parameters()).step()


def test_large_and_small_parameters_step_alike(monkeypatch):
    ends = []
    for block in (1, 7, 1 << 16):
        monkeypatch.setattr("dynviz.training.rule_optimizer.BLOCK", block)
        own = parameters()
        ends.append(walk(dynviz.torch_optimizer("adamw")(own), own))
    for end in ends:
        torch.testing.assert_close(end, ends[0], rtol=1e-12, atol=1e-14)


def test_it_is_recorded_like_any_other(tmp_path):
    own = parameters()
    optimizer = dynviz.torch_optimizer("lion")(own)
    with dynviz.record(None, optimizer, out=tmp_path / "mine"):
        walk(optimizer, own, 3)
    (recording,) = dynviz.open(tmp_path / "mine").values()
    assert (recording.label, recording.total) == ("lion", 3)
