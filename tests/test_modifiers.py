"""Modifiers: what each adds to the step of any rule, beside its formula."""

import dataclasses

import pytest
import torch

from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.plugins.composition import compose
from dynviz.rule import NOISE
from dynviz.training.parameter_layout import ParameterLayout
from dynviz.training.steppers import RuleStepper
from tests import network

MODIFIERS = list(plugins.files("modifiers"))
STRENGTHS = {
    name: field.name
    for name in MODIFIERS
    for field in dataclasses.fields(plugins.load("modifiers", name).target)
    if field.name in ("decay", "rho")
}
"""The number of each modifier that makes it nothing at zero; grafting has none."""
DECAYS = [name for name, strength in STRENGTHS.items() if strength == "decay" and name != "l2"]
BASES = ("sgd", "adam", "rmsprop", "muon")
START = torch.tensor([2.0, -1.0, 0.5, 1e-4, -1e-4, 0.0], dtype=torch.float64)
GRADIENT = torch.tensor([0.3, -0.2, 0.0, 1.0, 0.1, 0.0], dtype=torch.float64)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def rule(text):
    return plugins.load("optimizers", text).make()


def steps(made, gradients, theta=START, noise=None):
    """Weights after each step, and its terms."""
    state = made.init(theta)
    for t, gradient in enumerate(gradients, 1):
        if NOISE in state:
            state = {**state, NOISE: noise[t - 1]}
        terms, state = made.update(theta, gradient, state, torch.tensor(float(t), dtype=torch.float64))
        for term in terms.values():
            theta = theta + term
        yield theta, terms


def last(made, gradients, **more):
    return list(steps(made, gradients, **more))[-1]


@pytest.mark.parametrize("modifier", STRENGTHS)
@pytest.mark.parametrize("base", BASES)
def test_without_strength_a_modifier_changes_nothing(base, modifier):
    plain, modified = rule(base), rule(f"{base}+{modifier}:{STRENGTHS[modifier]}=0")
    gradients = torch.randn(5, 6, dtype=torch.float64).unbind()
    noise = torch.rand(5, 6, dtype=torch.float64)
    assert torch.equal(last(plain, gradients)[0], last(modified, gradients, noise=noise)[0])


def test_l2_is_the_coupled_decay_of_torch():
    theta = torch.nn.Parameter(START.clone())
    published = torch.optim.Adam([theta], lr=0.1, weight_decay=0.3)
    gradients = torch.randn(20, 6, dtype=torch.float64)
    for gradient in gradients:
        theta.grad = gradient.clone()
        published.step()
    after, _ = last(rule("adam+l2:lr=0.1,decay=0.3"), gradients)
    torch.testing.assert_close(after, theta.detach(), rtol=0, atol=1e-12)


def test_decoupled_l2_makes_adam_to_adamw_and_decoupled_l1_to_adamw_l1():
    gradients = torch.randn(20, 6, dtype=torch.float64)
    for modified, ours in (
        ("adam+decoupled-l2:lr=0.1,decay=0.3", "adamw:lr=0.1,weight_decay=0.3"),
        ("adam+decoupled-l1:lr=0.1,decay=0.3", "adamw-l1:lr=0.1,weight_decay=0.3"),
    ):
        torch.testing.assert_close(
            last(rule(modified), gradients)[0], last(rule(ours), gradients)[0], rtol=0, atol=1e-14
        )


def test_proximal_l1_is_the_soft_threshold_and_gives_exact_zeros():
    made = rule("sgd+proximal-l1:lr=0.1,decay=2")
    moved = START - 0.1 * GRADIENT
    expected = moved.sign() * (moved.abs() - 0.2).clamp(min=0)
    ((after, terms),) = steps(made, [GRADIENT])
    torch.testing.assert_close(after, expected, rtol=0, atol=1e-15)
    assert (after[3:] == 0).all()
    torch.testing.assert_close(terms["decay"], expected - moved, rtol=0, atol=1e-15)


def test_proximal_l1_solves_the_lasso():
    """By the conditions of optimality: the gradient is -decay sign(theta) where a weight is not zero, else smaller."""
    generator = torch.Generator().manual_seed(3)
    A = torch.randn(40, 6, dtype=torch.float64, generator=generator)
    b = A @ torch.tensor([3.0, 0, 0, -2, 0, 0], dtype=torch.float64) + 0.1 * torch.randn(
        40, dtype=torch.float64, generator=generator
    )
    made, theta = rule("sgd+proximal-l1:lr=0.005,decay=20"), START
    state = made.init(theta)
    for t in range(3000):
        terms, state = made.update(theta, A.T @ (A @ theta - b), state, torch.tensor(t + 1.0, dtype=torch.float64))
        for term in terms.values():
            theta = theta + term
    gradient = A.T @ (A @ theta - b)
    there = theta != 0
    assert there.sum() < 6
    torch.testing.assert_close(gradient[there], -20 * theta[there].sign(), rtol=0, atol=1e-9)
    assert (gradient[~there].abs() <= 20).all()


def test_dropout_l2_decays_where_the_noise_says_so_and_as_much_on_average():
    made = rule("sgd+dropout-l2:lr=0.1,decay=0.3,p=0.75")
    noise = torch.tensor([[0.0, 0.7, 0.75, 0.9, 0.1, 1.0]], dtype=torch.float64)
    ((_, terms),) = steps(made, [GRADIENT], noise=noise)
    kept = noise[0] >= 0.75
    torch.testing.assert_close(terms["decay"][kept], -0.1 * 0.3 * START[kept] / 0.25, rtol=1e-12, atol=0)
    assert (terms["decay"][~kept] == 0).all()
    many = torch.rand(1, 200_000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    ones = torch.ones(200_000, dtype=torch.float64)
    ((_, terms),) = steps(made, [0 * ones], theta=ones, noise=many)
    assert terms["decay"].mean() == pytest.approx(-0.03, rel=0.02)


def test_with_a_probability_of_one_dropout_l2_decays_nothing():
    noise = torch.tensor([[0.0, 0.7, 0.75, 0.9, 0.1, 0.999]], dtype=torch.float64)
    ((_, terms),) = steps(rule("sgd+dropout-l2:lr=0.1,decay=0.3,p=1"), [GRADIENT], noise=noise)
    assert (terms["decay"] == 0).all()


def test_averaged_l1_pulls_steady_weights_by_their_sign_and_leaves_swinging_ones():
    made = rule("sgd+averaged-l1:lr=0.1,decay=0.3,gamma=0.9")
    swinging = torch.tensor([2.0, -2.0], dtype=torch.float64)
    state = made.init(swinging)
    for t in range(1, 201):
        theta = swinging * torch.tensor([1.0, (-1.0) ** t], dtype=torch.float64)
        terms, state = made.update(theta, 0 * theta, state, torch.tensor(float(t), dtype=torch.float64))
    assert terms["decay"][0] == pytest.approx(-0.03, rel=1e-6)
    assert abs(terms["decay"][1]) < 0.1 * 0.03
    first = made.update(swinging, 0 * swinging, made.init(swinging), torch.tensor(1.0, dtype=torch.float64))[0]["decay"]
    assert first.tolist() == pytest.approx([-0.03, 0.03], rel=1e-9)


def test_gradient_l2_decays_half_as_strongly_at_its_scale():
    made = rule("sgd+gradient-l2:lr=0.1,decay=0.3,scale=0.5,gamma=0.9")
    theta, gradient = torch.ones(3, dtype=torch.float64), torch.tensor([0.0, 0.5, 50.0], dtype=torch.float64)
    _, terms = last(made, [gradient] * 30, theta=theta)
    shares = terms["decay"] / (-0.1 * 0.3) / (list(steps(made, [gradient] * 29, theta=theta))[-1][0])
    assert shares.tolist() == pytest.approx([1.0, 0.5, 0.5 / 50.5], rel=1e-9)


def test_sam_looks_along_the_gradient_at_the_length_rho():
    made = rule("sgd+sam:rho=0.3")
    gradient = torch.tensor([3.0, 0.0, -4.0], dtype=torch.float64)
    assert made.perturb(gradient).tolist() == pytest.approx([0.18, 0.0, -0.24], rel=1e-9)
    assert made.perturb(0 * gradient).tolist() == [0.0, 0.0, 0.0]


def two_matrices(count, seed=0):
    """Gradients [count] of a matrix, in float64."""
    return torch.randn(count, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).unbind()


@pytest.mark.parametrize(
    ("magnitude", "published"),
    [
        ("adam", lambda theta: torch.optim.Adam([theta], lr=0.03)),
        ("sgd", lambda theta: torch.optim.SGD([theta], lr=0.03)),
        ("rmsprop", lambda theta: torch.optim.RMSprop([theta], lr=0.03)),
        ("adagrad", lambda theta: torch.optim.Adagrad([theta], lr=0.03)),
    ],
)
@pytest.mark.parametrize("base", ["shampoo", "sketchy", "muon", "sgd"])
def test_a_grafted_step_has_the_direction_of_the_rule_and_the_length_of_torchs_step(base, magnitude, published):
    start = torch.zeros(4, 3, dtype=torch.float64)
    other = torch.nn.Parameter(start.clone())
    torchs = published(other)
    plain, grafted = rule(base), rule(f"{base}+graft:magnitude={magnitude}")
    grafted = dataclasses.replace(grafted, lr=0.03)
    gradients = two_matrices(12)
    alone = [sum(terms.values()) for _, terms in steps(plain, gradients, theta=start)]
    for gradient, direction, (_, terms) in zip(gradients, alone, steps(grafted, gradients, theta=start), strict=True):
        before = other.detach().clone()
        other.grad = gradient.clone()
        torchs.step()
        length = (other.detach() - before).norm()
        torch.testing.assert_close(sum(terms.values()), length * direction / direction.norm(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["adam", "sgd", "rmsprop", "adagrad"])
def test_a_rule_grafted_onto_itself_is_that_rule(name):
    gradients = two_matrices(20, seed=1)
    start = torch.zeros(4, 3, dtype=torch.float64)
    plain, grafted = (last(rule(text), gradients, theta=start)[0] for text in (name, f"{name}+graft:magnitude={name}"))
    torch.testing.assert_close(plain, grafted, rtol=1e-12, atol=1e-14)


def test_a_rule_without_a_direction_is_grafted_to_no_step_and_a_diverged_one_to_nan():
    made, zero = rule("shampoo+graft:magnitude=adam"), torch.zeros(4, 3)
    after, state = made.update(zero, zero, made.init(zero), torch.ones((), dtype=torch.float64))
    assert all((term == 0).all() for term in after.values())
    terms, _ = made.update(zero, zero + torch.nan, state, 2 * torch.ones((), dtype=torch.float64))
    assert sum(terms.values()).isnan().all()


def test_a_graft_takes_the_learning_rate_of_common_steps_and_an_unknown_magnitude_is_refused():
    assert rule("shampoo").family == "falling"
    assert rule("shampoo+graft").family == ""
    assert rule("shampoo+l2").family == "falling"
    with pytest.raises(DynvizError, match="magnitude takes adam"):
        rule("shampoo+graft:magnitude=muon")


def test_modifiers_stand_over_one_another():
    made = rule("adam+l2+proximal-l1+sam:lr=0.1,decay=0.3,proximal_l1_decay=0.2,rho=0.1")
    assert made.decay == 0.3
    assert made.proximal_l1_decay == 0.2
    assert made.perturb(torch.ones(4)).norm() == pytest.approx(0.1)
    assert made.coordinatewise
    assert not rule("muon+l2").coordinatewise


@pytest.mark.parametrize("base", [*plugins.files("optimizers"), "adamw+decoupled-l2"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_proximal_l1_gives_exact_zeros_over_any_rule(base, dtype):
    layout = ParameterLayout({"W": (6, 5), "b": (4,)})
    row = torch.randn(34, dtype=dtype, generator=torch.Generator().manual_seed(0))
    # In two ranges of size, so that some weights are not set to zero.
    row = torch.where(torch.arange(34) % 2 == 0, row, 1e3 * row.sign())
    made = plugins.load("optimizers", f"{base}+proximal-l1").make(lr=0.01)
    strength = "proximal_l1_decay" if hasattr(made, "proximal_l1_decay") else "decay"
    stepper = RuleStepper(dataclasses.replace(made, **{strength: 5e3}), {}, layout, row)
    for t in range(1, 4):
        gradient = torch.randn(34, dtype=dtype, generator=torch.Generator().manual_seed(t))
        row, _ = stepper.step(row, gradient, t)
    assert (row[::2] == 0).all()
    assert (row[1::2] != 0).all()


@pytest.mark.parametrize("inner", ["l2", "averaged-l1", "sam", "gradient-l2"])
@pytest.mark.parametrize("outer", DECAYS)
def test_a_decay_is_scaled_by_the_rules_step_size_whatever_stands_between(inner, outer):
    if inner == outer:
        return
    made = rule(f"sgd+{inner}+{outer}:lr=0.1")
    strength = f"{outer.replace('-', '_')}_decay"
    own = strength if hasattr(made, strength) else "decay"
    pulls = []
    for lr, decay in ((0.1, 0.2), (0.2, 0.1)):
        # Without a gradient, and without what the inner one does, only the outer decay is left.
        without = {"rho": 0.0} if inner == "sam" else {"decay": 0.0}
        still = dataclasses.replace(made, **without, lr=lr, **{own: decay})
        ((_, terms),) = steps(still, [0 * GRADIENT], noise=torch.ones(1, 6, dtype=torch.float64))
        pulls.append(terms["decay"])
    assert pulls[0].abs().max() > 0
    torch.testing.assert_close(pulls[0], pulls[1], rtol=1e-12, atol=0)


@pytest.mark.parametrize(("modifier", "name"), [*STRENGTHS.items(), ("graft", "lr")])
@pytest.mark.parametrize("base", BASES)
def test_lanes_with_their_own_strength_go_as_they_would_alone(base, modifier, name):
    layout = ParameterLayout({key: tuple(value.shape) for key, value in network.parameters().items()})
    row = layout.join(network.parameters())
    values = [0.0, 0.1, 0.5]
    made = rule(f"{base}+{modifier}")
    stacked = RuleStepper(made, {name: values}, layout, row.expand(3, -1).clone())
    alone = [RuleStepper(dataclasses.replace(made, **{name: value}), {}, layout, row) for value in values]
    rows, stack = [row] * 3, row.expand(3, -1).clone()
    for t in range(1, 12):
        gradient = torch.randn(row.shape, dtype=row.dtype, generator=torch.Generator().manual_seed(t))
        stack, _ = stacked.step(stack, gradient.expand(3, -1), t)
        rows = [each.step(lane, gradient, t)[0] for each, lane in zip(alone, rows, strict=True)]
    torch.testing.assert_close(stack, torch.stack(rows), rtol=0, atol=1e-12)


def test_what_cannot_be_put_together_is_refused_in_words():
    for text, said in (
        ("torch.optim.SGD+l2", "SGD updates the parameters itself"),
        ("adam+l3", "l2"),
        ("adam+", "modifier"),
        ("sam", "like adam\\+sam"),
        ("adam+sam+sam", "sam appears twice"),
        ("adam+l2+sam+l2", "l2 appears twice"),
    ):
        with pytest.raises(DynvizError, match=said):
            plugins.load("optimizers", text)
    with pytest.raises(DynvizError, match="lr"):
        compose((("still", dataclasses.make_dataclass("Still", [])), ("decoupled-l2", _modifier("decoupled-l2"))))


def _modifier(name):
    return plugins.load("modifiers", name).target
