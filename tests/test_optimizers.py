"""The contract, kept by every rule that there is, or departed from as its file says."""

import dataclasses
import functools
import io

import numpy as np
import pytest
import torch

from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.rule import DEPARTURES, FAMILIES
from dynviz.training.parameter_layout import ParameterLayout
from dynviz.training.steppers import RuleStepper
from dynviz.training.trees import from_arrays, to_arrays
from tests.rules import (
    LAYOUT,
    MODIFIED,
    ROW,
    RULES,
    alone,
    departures,
    end,
    gradient,
    holds,
    make,
    numbers,
    options,
    path,
    stacked,
)

DTYPES = [torch.float64, torch.float32, torch.bfloat16]
SHAPES = [(), (1,), (5,), (1, 4), (4, 3), (2, 3, 2), (2, 3, 2, 2)]

pytestmark = pytest.mark.usefixtures("_one_thread")
every_rule = pytest.mark.parametrize("name", [*RULES, *MODIFIED])


@pytest.fixture
def _one_thread():
    torch.set_num_threads(1)


def at(step):
    return torch.tensor(float(step), dtype=torch.float64)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_a_frozen_dataclass_with_a_line_for_each_hyperparameter(name):
    target = plugins.load("optimizers", name).target
    assert dataclasses.is_dataclass(target)
    assert target.__dataclass_params__.frozen
    assert all(option.help for option in options(name).values())
    assert "Source:" in target.__doc__


FAMILY = {name: family for name in RULES if (family := getattr(make(name), "family", ""))}


def test_families_are_of_the_closed_list():
    assert set(FAMILY.values()) == set(FAMILIES)


def steps(rule, gradients):
    """The steps of a rule that meets these gradients one after the other."""
    theta = torch.zeros_like(gradients[0])
    state, taken = rule.init(theta), []
    for number, present in enumerate(gradients, 1):
        terms, state = rule.update(theta, present, state, at(number))
        taken.append(sum(terms.values()))
        theta = theta + taken[-1]
    return taken


def growth(rule, gradient, number):
    """How many times as long a step is where all gradients are three times as large."""
    return (steps(rule, [3 * gradient] * number)[-1].norm() / steps(rule, [gradient] * number)[-1].norm()).item()


@pytest.mark.parametrize("name", FAMILY)
def test_a_rule_is_of_the_family_that_it_declares(name):
    rule, gradient = make(name), torch.linspace(1, 2, 6, dtype=torch.float64)
    match FAMILY[name]:
        case "growing":
            assert growth(rule, gradient, 1) == pytest.approx(3)
        case "falling":
            first, second, third = (step.norm() for step in steps(rule, [gradient] * 3))
            assert first > second > third
        case "rectified":
            assert growth(rule, gradient, 1) == pytest.approx(3)
            assert growth(rule, gradient, 20) == pytest.approx(1, rel=0.3)
        case "signed-momentum":
            taken = steps(rule, [gradient] * 20 + [-gradient / 2])
            assert torch.stack(taken).allclose(torch.full((), -rule.lr, dtype=torch.float64))
        case "orthogonal":
            matrix = torch.diag(gradient)
            spectra = [torch.linalg.svdvals(step) / rule.lr for step in steps(rule, [matrix] * 3)]
            assert all(spectrum.max() < 2 * spectrum.min() for spectrum in spectra)
            assert growth(rule, matrix, 1) == pytest.approx(1)
        case "stiff":
            stiffer = dataclasses.replace(rule, mu=10 * rule.mu, gamma=10 * rule.gamma)
            (step,), (shorter,) = steps(rule, [gradient]), steps(stiffer, [gradient])
            assert step.allclose(10 * shorter)
            assert growth(rule, gradient, 1) == pytest.approx(3)


def test_departures_are_of_the_closed_list_and_say_why(capsys):
    found = [(name, kind, why) for name in RULES for kind, why in departures(name).items()]
    assert {kind for _, kind, _ in found} <= set(DEPARTURES)
    assert all(why for *_, why in found)
    with capsys.disabled():
        print("\ndepartures from the contract of rules:")
        for name, kind, why in found:
            print(f"  {name:<20} {kind:<15} {why}")


@every_rule
def test_the_step_size_is_called_lr(name):
    holds(name, "no-lr", "lr" in numbers(name))


@every_rule
def test_terms_add_up_to_the_step(name):
    row, stepper = ROW, alone(name)
    for after, terms in path(stepper, row, range(20)):
        assert tuple(terms) == stepper.terms
        torch.testing.assert_close(row + sum(terms.values()), after, rtol=0, atol=1e-14)
        row = after


@every_rule
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_terms_and_state_suit_any_shape_and_a_gradient_of_zero(name, shape):
    torch.manual_seed(0)
    rule, theta = make(name), torch.randn(shape, dtype=torch.float64)
    state = rule.init(theta)
    for step, scale in enumerate([0.0, 1.0, 0.0, 1.0], 1):
        terms, after = rule.update(theta, scale * torch.randn_like(theta), state, at(step))
        assert {term.shape for term in terms.values()} == {theta.shape}
        assert all(term.isfinite().all() for term in terms.values())
        assert {key: value.shape for key, value in after.items()} == {key: value.shape for key, value in state.items()}
        state = after


@pytest.mark.parametrize("name", [name for name in RULES if "eps" in numbers(name)])
@pytest.mark.parametrize("lanes", [0, 2])
def test_without_epsilon_a_coordinate_that_never_had_a_gradient_does_no_harm(name, lanes):
    row = torch.stack([ROW] * lanes) if lanes else ROW
    stepper = stacked(name, row, {"eps": [0.0] * lanes}) if lanes else alone(name, eps=0.0)
    for step in range(3):
        slope = gradient(row, step)
        slope[..., :3] = 0.0
        row, _ = stepper.step(row, slope, step + 1)
    assert row.isfinite().all()


@every_rule
def test_a_rule_changes_nothing_in_place(name):
    torch.manual_seed(0)
    rule, theta = make(name), torch.randn(4, 3)
    state = rule.init(theta)
    for step in (1, 2):
        g = torch.randn(4, 3)
        kept = [value.clone() for value in (theta, g, *state.values())]
        _, after = rule.update(theta, g, state, at(step))
        for before, now in zip(kept, (theta, g, *state.values()), strict=True):
            assert torch.equal(before, now)
        state = after


@every_rule
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_rule_makes_its_tensors_where_theta_is_and_looks_at_no_value(name, shape):
    # Tensors of this device have no values, so that it stands for any other than the CPU.
    rule, theta = make(name), torch.empty(shape, device="meta")
    state = rule.init(theta)
    for step in (1, 2):
        time = torch.full((), step, dtype=torch.float64, device="meta")
        terms, state = rule.update(theta, torch.empty_like(theta), state, time)
        assert {each.device.type for each in (*terms.values(), *state.values())} == {"meta"}


@functools.cache
def on_a_bowl(name):
    """How far from the optimum a rule ends, as a share of the way, and how long its last steps are beside the mean."""
    known = options(name)
    values = {"lr": max(0.05, known["lr"].default)} if "lr" in numbers(name) else {}
    values |= {"weight_decay": 0.0} if "weight_decay" in known else {}
    curvature = torch.linspace(0.5, 1.5, 8, dtype=torch.float64)
    optimum = torch.linspace(0.3, 2.1, 8, dtype=torch.float64).cos()
    away = torch.linspace(2.0, 9.0, 8, dtype=torch.float64).sin()
    row = optimum + away
    stepper = RuleStepper(make(name, **values), {}, ParameterLayout({"W": (3, 2), "b": (2,)}), row)
    lengths, distances = [], []
    for step in range(1, 1001):
        after, _ = stepper.step(row, curvature * (row - optimum), step)
        lengths.append((after - row).norm().item())
        distances.append((after - optimum).norm().item())
        row = after
    return max(distances[-20:]) / away.norm().item(), np.median(lengths[-100:]) / np.mean(lengths)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_descends_on_a_bowl(name):
    distance, _ = on_a_bowl(name)
    assert distance < 0.2


@pytest.mark.parametrize("name", RULES)
def test_steps_die_away_at_the_bottom_of_a_bowl(name):
    _, length = on_a_bowl(name)
    holds(name, "constant-step", length < 0.2)


@every_rule
def test_coordinatewise_is_said_of_a_rule_exactly_where_it_is_so(name):
    torch.manual_seed(0)
    rule, theta = make(name), torch.randn(4, 3, dtype=torch.float64)
    state = rule.init(theta)
    others = torch.ones(4, 3, dtype=torch.bool)
    others[1, 1] = False
    apart = all(value.shape == theta.shape for value in state.values())
    perturbed = state
    for step in range(1, 6):
        g = torch.randn_like(theta)
        terms, state = rule.update(theta, g, state, at(step))
        changed, perturbed = rule.update(theta, torch.where(others, g, 3 * g + 1), perturbed, at(step))
        apart = apart and all(torch.equal(terms[key][others], changed[key][others]) for key in terms)
    # Adam's steps, made as long as Adam's, are what they were.
    assert type(rule).coordinatewise == apart or name == "adam+graft"


@pytest.mark.parametrize("name", [name for name in [*RULES, *MODIFIED] if alone(name).whole])
def test_what_is_coordinatewise_gives_the_same_parameter_by_parameter(name):
    joined, apart = alone(name), alone(name)
    apart.whole = False
    apart._state = {part: apart.rule.init(value) for part, value in LAYOUT.views(ROW).items()}
    for (one, _), (other, _) in zip(path(joined, ROW, range(10)), path(apart, ROW, range(10)), strict=True):
        assert torch.equal(one, other)


@every_rule
def test_lanes_in_a_stack_go_as_they_would_alone(name):
    rows = torch.stack([ROW, 0.5 * ROW, ROW.flip(0)])
    together = end(stacked(name, rows), rows, range(30))
    apart = torch.stack([end(alone(name, row), row, range(30)) for row in rows])
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-6)
    holds(name, "stack-rounding", torch.allclose(together, apart, rtol=0, atol=1e-12))


@every_rule
def test_every_float_may_differ_between_lanes(name):
    lanes = [{key: 0.9 * value + 0.01 * lane for key, value in numbers(name).items()} for lane in (1, 2, 3)]
    varying = {key: [values[key] for values in lanes] for key in numbers(name)}
    rows = torch.stack([ROW] * 3)
    together = end(stacked(name, rows, varying), rows, range(30))
    apart = torch.stack([end(alone(name, **values), ROW, range(30)) for values in lanes])
    assert not torch.equal(apart[0], apart[1])
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-6 if "stack-rounding" in departures(name) else 1e-12)


@every_rule
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("lanes", [0, 2])
def test_a_rule_works_in_any_dtype_and_keeps_it(name, dtype, lanes):
    row = ROW.expand(lanes, -1).to(dtype).clone() if lanes else ROW.to(dtype)
    stepper = stacked(name, row, {next(iter(numbers(name))): [0.01, 0.02]} if lanes else None)
    for after, terms in path(stepper, row, range(5)):
        assert {after.dtype, *(term.dtype for term in terms.values())} == {dtype}
        assert after.isfinite().all()


@every_rule
def test_float32_goes_where_float64_goes(name):
    low = ROW.float()
    # What dropout leaves out at a threshold differs, and a grafted length passes that to all coordinates.
    far = 20 if "dropout-l2" in name and "graft" in name else 1
    torch.testing.assert_close(
        end(alone(name, low), low, range(20)).double(),
        end(alone(name), ROW, range(20)),
        rtol=far * 1e-3,
        atol=far * 1e-4,
    )


@every_rule
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("neighbour", [0, 1])
def test_a_diverged_lane_harms_no_other(name, value, neighbour):
    rows = torch.stack([ROW, ROW])
    well, both, healthy, beside = stacked(name, rows), stacked(name, rows), rows, rows
    for step in range(5):
        healthy, _ = well.step(healthy, gradient(healthy, step), step + 1)
        found = gradient(beside, step)
        found[neighbour] = value
        beside, _ = both.step(beside, found, step + 1)
        assert torch.equal(beside[1 - neighbour], healthy[1 - neighbour])


@every_rule
@pytest.mark.parametrize("lanes", [1, 2])
def test_a_gradient_of_nan_comes_out_as_nan(name, lanes):
    row = torch.stack([ROW] * lanes) if lanes > 1 else ROW
    stepper = stacked(name, row)
    # The second step: a rule whose first step is special must not hide it there.
    row = end(stepper, row, range(1))
    after, _ = stepper.step(row, torch.full_like(row, float("nan")), 2)
    assert after.isnan().all()


@every_rule
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("lanes", [0, 2])
def test_a_checkpoint_holds_all_that_the_next_steps_depend_on(name, dtype, lanes):
    rows = ROW.to(dtype).expand(lanes, -1).clone() if lanes else ROW.to(dtype)
    varying = {next(iter(numbers(name))): [0.01, 0.02]} if lanes else None
    through = stacked(name, rows, varying)
    middle = end(through, rows, range(5))
    stored = io.BytesIO()
    np.savez(stored, **to_arrays(through.state()))
    expected = end(through, middle, range(5, 10))

    stored.seek(0)
    with np.load(stored, allow_pickle=False) as arrays:
        state = from_arrays(arrays, torch.device("cpu"))
    again = stacked(name, rows, varying)
    again.restore(middle, state)
    assert torch.equal(end(again, middle, range(5, 10)), expected)


@every_rule
def test_a_checkpoint_holds_the_state_and_nothing_else(name):
    stepper = alone(name)
    row = end(stepper, ROW, range(3))
    arrays = to_arrays(stepper.state())
    arrays.pop("tree")
    tensors = [value for unit in stepper.state().values() for value in unit.values()]
    for array, tensor in zip(arrays.values(), tensors, strict=True):
        np.testing.assert_array_equal(array, tensor.numpy())
    units = {"": row} if stepper.whole else LAYOUT.views(row)
    assert {unit: set(values) for unit, values in stepper.state().items()} == {
        unit: set(stepper.rule.init(value)) for unit, value in units.items()
    }


def test_adamw_l1_is_adamw_whose_decay_is_the_sign():
    stepper, row = alone("adamw-l1", lr=0.01, weight_decay=0.1), ROW
    plain = torch.optim.AdamW([only := torch.nn.Parameter(ROW.clone())], lr=0.01, weight_decay=0.0)
    for step, (after, _) in enumerate(path(stepper, row, range(50))):
        only.grad = gradient(only.detach(), step)
        with torch.no_grad():
            only -= 0.01 * 0.1 * only.sign()
        plain.step()
        torch.testing.assert_close(after, only.detach(), rtol=0, atol=1e-12)


def test_nesterov_needs_momentum():
    with pytest.raises(DynvizError, match="momentum above 0"):
        make("sgd", nesterov=True)
