"""Many small gradients and one large: the optimum in closed form, and where optimizers end."""

import math

import numpy as np
import pytest
import torch

import dynviz
from dynviz.errors import DynvizError
from dynviz.scenarios.rare_gradient import RareGradient


@pytest.mark.parametrize(("rate", "size"), [(0.01, 1.0), (0.05, 4.0), (0.5, 0.2)])
def test_the_optimum_is_where_the_mean_gradient_vanishes(rate, size):
    task = RareGradient(rate=rate, size=size).build(0)
    weight = torch.tensor(task.facts["optimum"][0][0], dtype=torch.float64, requires_grad=True)
    losses = [task.loss({"weight": weight}, {}, (torch.tensor(kind, dtype=torch.float64),)) for kind in (0.0, 1.0)]
    (slope,) = torch.autograd.grad((1 - rate) * losses[0] + rate * losses[1], weight)
    assert slope.item() == pytest.approx(0, abs=1e-12)
    distance, excess, _ = task.probes[0].measure({"weight": weight}, {}, (torch.tensor(0.0),))
    assert (distance.item(), excess.item()) == (pytest.approx(0), pytest.approx(0, abs=1e-12))


def test_rare_samples_are_as_rare_as_asked_for():
    (rare,) = RareGradient(rate=0.02).build(3).batches(0, 100_000)
    assert rare.mean().item() == pytest.approx(0.02, abs=4 * math.sqrt(0.02 / 100_000))
    (periodic,) = RareGradient(rate=0.02, order="periodic").build(3).batches(0, 500)
    assert periodic.nonzero().flatten().tolist() == list(range(49, 500, 50))


def test_samples_are_a_function_of_seed_and_step():
    task = RareGradient(rate=0.3).build(7)
    (whole,) = task.batches(0, 5000)
    for start, count in ((0, 1), (1023, 2), (1500, 3000), (4999, 1)):
        (part,) = task.batches(start, count)
        assert torch.equal(part, whole[start : start + count])
    (other,) = RareGradient(rate=0.3).build(8).batches(0, 5000)
    assert not torch.equal(other, whole)


def test_sgd_has_the_stationary_spread_of_theory(tmp_path):
    """Around the optimum: mean 0 and variance lr var(g) / (2 h), to first order in lr (Mandt et al. 2017)."""
    rate, lr = 0.2, 0.05
    run = dynviz.run(f"rare-gradient:rate={rate}", f"sgd:lr={lr}", seeds="0:16", steps=8000, out=tmp_path / "run")
    distance = run["sgd"]["distance"][2000:]
    curvature, variance = rate * (1 - rate), rate * (1 - rate)
    assert np.var(distance) == pytest.approx(lr * variance / (2 * curvature), rel=0.1)
    assert abs(np.mean(distance)) < 0.05


def test_sign_descent_forgets_the_rare_class(tmp_path):
    """It follows the median of the gradients, which is that of the common class: it never comes to rest."""
    run = dynviz.run("rare-gradient:rate=0.1", ["signsgd:lr=0.01", "sgd:lr=0.05"], steps=3000, out=tmp_path / "run")
    assert run["signsgd"]["distance"][-1, 0] > 5
    assert abs(run["sgd"]["distance"][-1, 0]) < 1.5


def test_an_order_that_is_none_is_refused():
    with pytest.raises(DynvizError, match="no order 'sorted'"):
        RareGradient(order="sorted")
