"""Steps beside `torch.optim`: rules that have a class of their name there, and such classes as optimizers here."""

import contextlib
import inspect

import numpy as np
import pytest
import torch
from torch import nn

import dynviz
from dynviz.errors import DynvizError
from dynviz.training.parameter_layout import ParameterLayout
from dynviz.training.torch_stepper import TorchStepper
from tests.rules import LAYOUT, ROW, RULES, alone, departures, gradient, holds, make, options

CLASSES = {
    name.lower(): found
    for name, found in vars(torch.optim).items()
    if isinstance(found, type) and issubclass(found, torch.optim.Optimizer)
}
BOTH = [name for name in RULES if name in CLASSES]
TUPLES = {"betas": ("beta1", "beta2"), "etas": ("eta_minus", "eta_plus"), "step_sizes": ("step_min", "step_max")}
"""Options of torch that are several of ours."""
STATES = {
    "m": ("exp_avg", "grad_avg"),
    "v": ("exp_avg_sq", "square_avg"),
    "u": ("exp_inf", "acc_delta"),
    "velocity": ("momentum_buffer",),
}
"""What torch calls a state that has the paper's letter here."""
REGIMES = [
    ("sgd", {"lr": 0.02, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
    ("sgd", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("adam", {"lr": 0.01, "beta1": 0.5, "beta2": 0.9, "eps": 1e-3}),
    ("adamw", {"lr": 0.01, "weight_decay": 0.3}),
    ("adagrad", {"lr": 0.1, "lr_decay": 0.1}),
    ("adamax", {"lr": 0.01, "beta2": 0.5, "eps": 0.3}),
    ("asgd", {"lr": 0.05, "lambd": 0.5, "t0": 50.0}),
    ("nadam", {"lr": 0.01, "momentum_decay": 0.5}),
    ("radam", {"lr": 0.01, "beta2": 0.9}),  # trusts its mean square early
    ("radam", {"lr": 0.01, "beta2": 0.6}),  # never does
    ("rmsprop", {"alpha": 0.9, "momentum": 0.9, "centered": True, "weight_decay": 0.01}),
    ("rprop", {"lr": 0.01, "step_min": 0.004, "step_max": 0.02}),  # meets both ends
]


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@contextlib.contextmanager
def in_float64():
    """Torch keeps numbers such as the mu_product of NAdam in the default dtype, and rounds them there."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def other(value):
    """A value unlike the default."""
    if isinstance(value, bool):
        return not value
    return (0.7 if value <= 1 else 1.1) * value if value else 0.1


def settings(name):
    """The defaults, all floats changed, and each option changed, alone and beside all floats."""
    defaults = {key: option.default for key, option in options(name).items()}
    floats = {key: other(value) for key, value in defaults.items() if type(value) is float}
    flags = [key for key, value in defaults.items() if type(value) is bool]
    yield from ({}, floats)
    yield from ({key: floats[key]} for key in floats)
    for flag in flags:
        yield from ({flag: other(defaults[flag])}, {**floats, flag: other(defaults[flag])})


def whole(name, values):
    """Dampening without momentum counts in our SGD and not in that of torch."""
    return name != "sgd" or "dampening" not in values or "momentum" in values


def theirs(name, values):
    """Our options as those of torch's class."""
    known = inspect.signature(CLASSES[name]).parameters
    full = {**{key: option.default for key, option in options(name).items()}, **values}
    out = {key: tuple(full.pop(each) for each in parts) for key, parts in TUPLES.items() if key in known}
    return {**out, **full}


def oracle(name, values):
    row = ROW.clone()
    parameters = {key: nn.Parameter(view) for key, view in LAYOUT.views(row).items()}
    plain = {"foreach": False} if "foreach" in inspect.signature(CLASSES[name]).parameters else {}
    return row, parameters, CLASSES[name](parameters.values(), **plain, **theirs(name, values))


def state_of(optimizer, parameter, rule):
    """What torch keeps of a parameter's state as entries of the rule's state; nothing before the first step."""
    kept, state = optimizer.state[parameter], {}
    for key in rule.init(parameter.detach()):
        for value in (kept[each] for each in STATES.get(key, (key,)) if kept.get(each) is not None):
            state[key] = value.detach().clone().expand_as(parameter)
    return state


def differences(name, values, steps):
    """The farthest that we are from torch, in steps and states from its own states, and along a path of our own."""
    row, parameters, optimizer = oracle(name, values)
    rule, stepper, ours = make(name, **values), alone(name, **values), ROW
    single = along = torch.zeros((), dtype=torch.float64)
    for step in range(steps):
        slopes, after = LAYOUT.views(gradient(row, step)), {}
        for key, parameter in parameters.items():
            parameter.grad = slopes[key]
            theta = parameter.detach().clone()
            state = {**rule.init(theta), **state_of(optimizer, parameter, rule)}
            terms, state = rule.update(theta, slopes[key], state, torch.tensor(step + 1.0, dtype=torch.float64))
            after[key] = theta + sum(terms.values()), state
        with in_float64():
            optimizer.step()
        for key, parameter in parameters.items():
            pairs = [(after[key][0], parameter.detach())]
            pairs += [(after[key][1][each], value) for each, value in state_of(optimizer, parameter, rule).items()]
            single = torch.stack([single, *((mine - their).abs().max() for mine, their in pairs)]).max()
        ours, _ = stepper.step(ours, gradient(ours, step), step + 1)
        along = torch.maximum(along, (ours - row).abs().max())
    return single, along


def agrees(name, values, steps):
    try:
        oracle(name, values)
    except (TypeError, ValueError):
        # An option that torch does not have, or tensors that it does not take: another convention.
        return False
    single, along = differences(name, values, steps)
    return bool(single <= 1e-12) and bool(along <= 1e-10)


def follow(name, values, steps):
    try:
        make(name, **values)
    except DynvizError:
        # What we refuse, torch refuses too.
        with pytest.raises(ValueError, match=r"."):
            oracle(name, values)
    else:
        single, along = differences(name, values, steps)
        assert single <= 1e-12
        assert along <= 1e-10


OWN = [name for name in BOTH if "own-convention" in departures(name)]
SETTINGS = [(name, values) for name in BOTH if name not in OWN for values in settings(name) if whole(name, values)]
LONG = [each for each in SETTINGS if len(each[1]) != 1] + REGIMES
SHORT = [each for each in SETTINGS if len(each[1]) == 1]


@pytest.mark.parametrize("name", OWN)
def test_a_convention_of_ones_own_is_one(name):
    holds(name, "own-convention", agrees(name, {}, 20))


@pytest.mark.parametrize("name", [name for name in RULES if name not in BOTH])
def test_only_a_name_that_torch_has_may_have_another_convention(name):
    assert "own-convention" not in departures(name)


@pytest.mark.parametrize(("name", "values"), LONG, ids=str)
def test_steps_are_those_of_torch_from_its_states_and_200_along(name, values):
    follow(name, values, 200)


@pytest.mark.parametrize(("name", "values"), SHORT, ids=str)
def test_each_option_does_what_it_does_in_torch(name, values):
    follow(name, values, 30)


@pytest.mark.parametrize("name", [name for name in BOTH if name not in OWN])
def test_a_rule_and_the_class_of_its_name_run_beside_each_other_with_the_same_defaults(name, tmp_path):
    spec = f"torch.optim.{CLASSES[name].__name__}"
    run = dynviz.run("surface", [name, spec], steps=3, dtype="float64", out=tmp_path / "run")
    np.testing.assert_allclose(run[name]["loss"], run[spec]["loss"], rtol=1e-6)


def test_dampening_counts_without_momentum_where_torch_passes_it_over():
    single, _ = differences("sgd", {"lr": 0.1, "dampening": 0.5}, 1)
    assert single < 1e-15
    single, _ = differences("sgd", {"lr": 0.1, "dampening": 0.5}, 2)
    second = gradient(ROW - 0.1 * gradient(ROW, 0), 1)
    torch.testing.assert_close(single, 0.05 * second.abs().max(), rtol=1e-12, atol=0)


def test_the_variance_of_rmsprop_is_never_negative_where_that_of_torch_is():
    row, g = torch.zeros(64, dtype=torch.float32), torch.linspace(0.1, 1.0, 64, dtype=torch.float32)
    only = nn.Parameter(row.clone())
    centered = torch.optim.RMSprop([only], centered=True, alpha=0.5, foreach=False)
    rule = make("rmsprop", centered=True, alpha=0.5)
    state = rule.init(row)
    for step in range(100):
        only.grad = g
        centered.step()
        terms, state = rule.update(row, g, state, torch.tensor(step + 1.0))
        row = row + sum(terms.values())
    assert row.isfinite().all()
    assert only.isnan().any()


def test_the_signs_of_small_gradients_count_in_rprop_where_torch_loses_their_product():
    row, g = torch.zeros(1, dtype=torch.float32), torch.full((1,), 1e-30, dtype=torch.float32)
    only = nn.Parameter(row.clone())
    lost = torch.optim.Rprop([only], lr=0.01, foreach=False)
    rule = make("rprop", lr=0.01)
    state = rule.init(row)
    for step in range(2):
        only.grad = g
        lost.step()
        terms, state = rule.update(row, g, state, torch.tensor(step + 1.0))
        row = row + sum(terms.values())
    torch.testing.assert_close(row.item(), -0.022, rtol=1e-6, atol=0)
    torch.testing.assert_close(only.item(), -0.020, rtol=1e-6, atol=0)


def test_radam_takes_plain_momentum_steps_until_its_mean_square_can_be_trusted():
    rule, theta = make("radam", lr=1.0), torch.zeros(1)
    state = rule.init(theta)
    lengths = []
    for step in range(1, 8):
        terms, state = rule.update(theta, torch.full((1,), 7.0), state, torch.tensor(float(step)))
        lengths.append(-sum(terms.values()).item())
    # rho_5 = 4.99 and rho_6 = 5.99 at beta2 = .999: six steps would be trusted at the paper's threshold of 4.
    assert lengths[:5] == pytest.approx([7.0] * 5)
    assert all(length < 0.1 for length in lengths[5:])


def test_the_mean_of_asgd_is_that_of_the_path_since_t0():
    stepper, row, seen = alone("asgd", lr=0.05, t0=10.0), ROW, []
    for step in range(40):
        row, _ = stepper.step(row, gradient(row, step), step + 1)
        seen.append(row)
    torch.testing.assert_close(stepper.state()[""]["ax"], torch.stack(seen[11:]).mean(0), rtol=0, atol=1e-12)


def test_a_class_of_torch_steps_as_it_does_alone_with_its_decay_apart():
    theta = ROW.clone()
    stepper = TorchStepper(lambda each: torch.optim.AdamW(each, lr=0.01, weight_decay=0.1), "AdamW", LAYOUT, theta)
    apart = torch.optim.AdamW([only := nn.Parameter(ROW.clone())], lr=0.01, weight_decay=0.1)
    for step in range(20):
        before = theta.clone()
        theta, terms = stepper.step(theta, gradient(theta, step), step + 1)
        only.grad = gradient(only.detach(), step)
        apart.step()
        assert torch.equal(theta, only.detach())
        torch.testing.assert_close(terms["decay"], before * -0.001, rtol=0, atol=0)
        torch.testing.assert_close(before + terms["step"] + terms["decay"], theta, rtol=0, atol=1e-15)


def test_coupled_decay_is_no_term_of_its_own():
    theta = torch.zeros(3)
    stepper = TorchStepper(
        lambda each: torch.optim.Adam(each, weight_decay=0.1), "Adam", ParameterLayout({"w": (3,)}), theta
    )
    assert stepper.terms == ("step",)


def test_an_optimizer_that_evaluates_the_loss_is_refused_where_there_is_none():
    with pytest.raises(DynvizError, match="closure"):
        TorchStepper(torch.optim.LBFGS, "LBFGS", ParameterLayout({"w": (3,)}), torch.zeros(3))


def test_hyperparameters_that_torch_refuses_are_an_error_of_ours():
    with pytest.raises(DynvizError, match="Invalid learning rate"):
        TorchStepper(
            lambda each: torch.optim.AdamW(each, lr=-1.0), "AdamW", ParameterLayout({"w": (3,)}), torch.zeros(3)
        )
