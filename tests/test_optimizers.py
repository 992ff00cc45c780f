"""Every rule that there is: the contract, and steps beside an independent implementation."""

import dataclasses

import pytest
import torch
from torch import nn

from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.training.flat import Layout
from dynviz.training.steppers import RuleStepper, TorchStepper
from tests import network

RULES = list(plugins.files("optimizers"))


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def make(name, **values):
    return plugins.load("optimizers", name).make(**values)


def layout():
    return Layout({name: tuple(value.shape) for name, value in network.parameters().items()})


def gradient(row, step):
    places = layout()
    leaf = row.clone().requires_grad_()
    (found,) = torch.autograd.grad(network.loss(places.views(leaf), network.batch(step)), leaf)
    return found


def path(stepper, row, steps):
    for step in range(steps):
        row, terms = stepper.step(row, gradient(row, step), step + 1)
        yield row.clone(), terms


@pytest.mark.parametrize("name", RULES)
def test_terms_add_up_to_the_step(name):
    row = layout().join(network.parameters())
    stepper = RuleStepper(make(name), {}, layout(), row)
    for after, terms in path(stepper, row, 20):
        assert tuple(terms) == stepper.terms
        torch.testing.assert_close(row + sum(terms.values()), after, rtol=0, atol=1e-14)
        row = after


@pytest.mark.parametrize("name", RULES)
def test_a_rule_changes_nothing_in_place(name):
    rule, theta, g = make(name), torch.randn(4, 3), torch.randn(4, 3)
    state = rule.init(theta)
    kept = [value.clone() for value in (theta, g, *state.values())]
    rule.update(theta, g, state, torch.tensor(1.0, dtype=torch.float64))
    for before, now in zip(kept, (theta, g, *state.values()), strict=True):
        assert torch.equal(before, now)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_descends_on_a_bowl(name):
    rule, theta = make(name, lr=0.05), torch.tensor([1.0, -2.0], dtype=torch.float64)
    state = rule.init(theta)
    for step in range(300):
        terms, state = rule.update(theta, theta, state, torch.tensor(step + 1.0, dtype=torch.float64))
        theta = theta + sum(terms.values())
    assert theta.abs().max() < 0.1


@pytest.mark.parametrize("name", RULES)
def test_what_is_coordinatewise_gives_the_same_parameter_by_parameter(name):
    rule = make(name)
    if not type(rule).coordinatewise:
        pytest.skip("works on whole parameters")
    row = layout().join(network.parameters())
    joined, apart = RuleStepper(rule, {}, layout(), row), RuleStepper(rule, {}, layout(), row)
    apart.whole = False
    apart._state = {part: rule.init(value) for part, value in layout().views(row).items()}
    for (one, _), (other, _) in zip(path(joined, row, 10), path(apart, row, 10), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", RULES)
def test_lanes_with_their_own_hyperparameters_go_as_they_would_alone(name):
    rates = [1e-3, 1e-2, 3e-2]
    row = layout().join(network.parameters())
    stacked = RuleStepper(make(name), {"lr": rates}, layout(), row.expand(3, -1).clone())
    alone = [RuleStepper(make(name, lr=rate), {}, layout(), row) for rate in rates]
    rows, stack = [row] * 3, row.expand(3, -1).clone()
    for step in range(30):
        stack, _ = stacked.step(stack, torch.stack([gradient(each, step) for each in stack]), step + 1)
        rows = [each.step(lane, gradient(lane, step), step + 1)[0] for each, lane in zip(alone, rows, strict=True)]
    torch.testing.assert_close(stack, torch.stack(rows), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_rule_keeps_the_dtype(name, dtype):
    theta = torch.randn(3, dtype=dtype)
    stepper = RuleStepper(make(name), {}, Layout({"w": (3,)}), theta)
    after, terms = stepper.step(theta, theta, 1)
    assert {after.dtype, *(term.dtype for term in terms.values())} == {dtype}


@pytest.mark.parametrize("name", RULES)
def test_a_diverged_lane_harms_no_other(name):
    row = layout().join(network.parameters())
    healthy = RuleStepper(make(name), {}, layout(), row)
    both = RuleStepper(make(name), {}, layout(), torch.stack([row, row]))
    stack = torch.stack([row, row])
    for step, (after, _) in enumerate(path(healthy, row, 5)):
        found = torch.stack([gradient(stack[0], step), torch.full_like(row, float("nan"))])
        stack, _ = both.step(stack, found, step + 1)
        torch.testing.assert_close(stack[0], after, rtol=0, atol=1e-14)
        assert not stack[1].isfinite().any()


ORACLES = [
    ("sgd", {"lr": 0.05}, torch.optim.SGD, {"lr": 0.05}),
    ("sgd", {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.01}, torch.optim.SGD, None),
    ("sgd", {"lr": 0.02, "momentum": 0.9, "dampening": 0.3}, torch.optim.SGD, None),
    ("sgd", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, torch.optim.SGD, None),
    ("adam", {"lr": 0.01}, torch.optim.Adam, None),
    ("adam", {"lr": 0.01, "weight_decay": 0.05}, torch.optim.Adam, None),
    ("adam", {"beta1": 0.5, "beta2": 0.9, "eps": 1e-3}, torch.optim.Adam, {"betas": (0.5, 0.9), "eps": 1e-3}),
    ("adamw", {"lr": 0.01}, torch.optim.AdamW, None),
    ("adamw", {"lr": 0.01, "weight_decay": 0.3}, torch.optim.AdamW, None),
]


@pytest.mark.parametrize(("name", "ours", "theirs", "options"), ORACLES)
def test_200_steps_follow_torch_to_1e_10(name, ours, theirs, options):
    row = layout().join(network.parameters())
    oracle = [nn.Parameter(value) for value in network.parameters().values()]
    other = theirs(oracle, **(ours if options is None else options))
    for step, (after, _) in enumerate(path(RuleStepper(make(name, **ours), {}, layout(), row), row, 200)):
        other.zero_grad()
        network.loss(dict(zip(layout().shapes, oracle, strict=True)), network.batch(step)).backward()
        other.step()
        expected = torch.cat([value.detach().reshape(-1) for value in oracle])
        torch.testing.assert_close(after, expected, rtol=0, atol=1e-10)


def test_adamw_l1_is_adamw_whose_decay_is_the_sign():
    row = layout().join(network.parameters())
    l1 = RuleStepper(make("adamw-l1", lr=0.01, weight_decay=0.1), {}, layout(), row)
    plain = torch.optim.AdamW([only := nn.Parameter(row.clone())], lr=0.01, weight_decay=0.0)
    for step, (after, _) in enumerate(path(l1, row, 50)):
        only.grad = gradient(only.detach(), step)
        with torch.no_grad():
            only -= 0.01 * 0.1 * only.sign()
        plain.step()
        torch.testing.assert_close(after, only.detach(), rtol=0, atol=1e-12)


def test_a_class_of_torch_steps_as_it_does_alone_with_its_decay_apart():
    row = layout().join(network.parameters())
    theta = row.clone()
    stepper = TorchStepper(lambda each: torch.optim.AdamW(each, lr=0.01, weight_decay=0.1), "AdamW", layout(), theta)
    alone = torch.optim.AdamW([only := nn.Parameter(row.clone())], lr=0.01, weight_decay=0.1)
    for step in range(20):
        before = theta.clone()
        theta, terms = stepper.step(theta, gradient(theta, step), step + 1)
        only.grad = gradient(only.detach(), step)
        alone.step()
        assert torch.equal(theta, only.detach())
        torch.testing.assert_close(terms["decay"], before * -0.001, rtol=0, atol=0)
        torch.testing.assert_close(before + terms["step"] + terms["decay"], theta, rtol=0, atol=1e-15)


def test_coupled_decay_is_no_term_of_its_own():
    theta = torch.zeros(3)
    stepper = TorchStepper(lambda each: torch.optim.Adam(each, weight_decay=0.1), "Adam", Layout({"w": (3,)}), theta)
    assert stepper.terms == ("step",)


def test_an_optimizer_that_needs_a_closure_is_refused():
    with pytest.raises(DynvizError, match="closure"):
        TorchStepper(torch.optim.LBFGS, "LBFGS", Layout({"w": (3,)}), torch.zeros(3))


def test_hyperparameters_that_torch_refuses_are_an_error_of_ours():
    with pytest.raises(DynvizError, match="Invalid learning rate"):
        TorchStepper(lambda each: torch.optim.AdamW(each, lr=-1.0), "AdamW", Layout({"w": (3,)}), torch.zeros(3))


def test_nesterov_needs_momentum():
    with pytest.raises(DynvizError, match="momentum above 0"):
        make("sgd", nesterov=True)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_a_frozen_dataclass_with_a_line_for_each_hyperparameter(name):
    plugin = plugins.load("optimizers", name)
    assert dataclasses.is_dataclass(plugin.target)
    assert plugin.target.__dataclass_params__.frozen
    assert all(option.help for option in plugin.options.values())
