"""Rates of convergence on quadratics, measured from recordings, against those of theory."""

import math

import numpy as np
import pytest

import dynviz

CONDITION = 25.0
BOWL = f"surface:f=quadratic,condition={CONDITION:g},rotation=0,start=(-1.5,0.7)"


def factor(recording, first, last):
    """By how much the distance to the optimum shrinks in one step, from its logarithm's slope over many."""
    distance = np.linalg.norm(recording["position"][:, 0].astype(np.float64), axis=-1)
    steps = np.arange(first, last)
    return math.exp(np.polyfit(steps, np.log(distance[first:last]), 1)[0])


def run(optimizer, folder, steps=400):
    return dynviz.run(BOWL, optimizer, steps=steps, dtype="float64", out=folder / "run")["sgd"]


def test_gradient_descent_on_the_quadratic_follows_the_closed_form(tmp_path):
    name = "surface:f=quadratic,condition=20,rotation=0,start=(-1,0.5)"
    recording = dynviz.run(name, "sgd:lr=0.06", steps=30, dtype="float64", out=tmp_path / "run")["sgd"]
    t = np.arange(31)
    expected = np.stack([-((1 - 0.06) ** t), 0.5 * (1 - 0.06 * 20) ** t], axis=-1)
    np.testing.assert_allclose(recording["position"][:, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("rate", [1 / CONDITION, 2 / (1 + CONDITION), 1.9 / CONDITION])
def test_gradient_descent_converges_at_the_rate_of_the_slowest_curvature(rate, tmp_path):
    expected = max(abs(1 - rate), abs(1 - rate * CONDITION))
    assert factor(run(f"sgd:lr={rate!r}", tmp_path), 50, 300) == pytest.approx(expected, rel=2e-3)


def test_gradient_descent_is_fastest_at_two_over_the_sum_of_the_curvatures(tmp_path):
    best = factor(run(f"sgd:lr={2 / (1 + CONDITION)!r}", tmp_path), 50, 300)
    assert best == pytest.approx((CONDITION - 1) / (CONDITION + 1), rel=2e-3)


@pytest.mark.parametrize(("share", "converges"), [(0.99, True), (1.01, False)])
def test_gradient_descent_is_stable_below_two_over_the_largest_curvature(share, converges, tmp_path):
    recording = run(f"sgd:lr={share * 2 / CONDITION!r}", tmp_path)
    assert (factor(recording, 200, 400) < 1) is converges


def test_heavy_ball_converges_at_the_root_of_its_momentum(tmp_path):
    root = math.sqrt(CONDITION)
    rate, momentum = 4 / (root + 1) ** 2, ((root - 1) / (root + 1)) ** 2
    recording = run(f"sgd:lr={rate!r},momentum={momentum!r}", tmp_path, steps=160)
    # At Polyak's values both curvatures have a double root: the distance is a line in t times the power of this.
    t = np.arange(20, 71)
    distance = np.linalg.norm(recording["position"][20:71, 0], axis=-1)
    measured = math.exp(np.polyfit(t, np.log(distance / t), 1)[0])
    assert measured == pytest.approx((root - 1) / (root + 1), rel=0.02)
    assert measured < (CONDITION - 1) / (CONDITION + 1) - 0.2


def test_heavy_ball_with_more_momentum_than_that_converges_at_its_root_whatever_the_curvature(tmp_path):
    recording = run("sgd:lr=0.04,momentum=0.81", tmp_path)
    # Complex roots: the distance swings around a power of sqrt(momentum).
    assert factor(recording, 20, 200) == pytest.approx(0.9, rel=5e-3)


def tail(recording):
    """Mean square distance to the solution over the second half, and its last tenth."""
    away = recording["position"].astype(np.float64) - np.array(recording.facts["optimum"][0])
    square = np.square(away).sum(axis=-1).mean(axis=1)
    return float(square[len(square) // 2 :].mean()), float(square[-len(square) // 10 :].mean())


def test_sgd_with_a_constant_rate_stays_away_from_the_solution_of_least_squares(tmp_path):
    rules = ["sgd:lr=0.1", "sgd:lr=0.025"]
    run = dynviz.run("surface:f=least-squares", rules, seeds="0:32", steps=2000, out=tmp_path / "run")
    large, small = run["sgd"], run["sgd-2"]
    # It does not come nearer: the noise of the batches holds it at a distance that falls with the rate alone.
    for recording in (large, small):
        half, end = tail(recording)
        assert half == pytest.approx(end, rel=0.35)
    assert 2 < tail(large)[1] / tail(small)[1] < 8
    assert tail(small)[1] > 1e-3


def test_sgd_with_a_falling_rate_comes_to_the_solution_of_least_squares(tmp_path):
    rules = ["sgd:lr=0.1", "sgd:lr=exponential(0.1,0.0005)"]
    run = dynviz.run("surface:f=least-squares", rules, seeds="0:32", steps=2000, out=tmp_path / "run")
    assert tail(run["sgd-2"])[1] < 0.1 * tail(run["sgd"])[1]


def test_gradient_noise_holds_lanes_at_the_distance_that_theory_says(tmp_path):
    spec = "surface:f=quadratic,condition=4,rotation=0,noise=0.5,start=(0,0)"
    recording = dynviz.run(spec, "sgd:lr=0.1", seeds="0:200", steps=300, out=tmp_path / "run")["sgd"]
    measured = recording["position"][100:].var(axis=(0, 1))
    # The stationary variance of w <- (1 - lr h) w + lr sigma z is lr sigma^2 / (h (2 - lr h)).
    expected = [0.1 * 0.25 / (h * (2 - 0.1 * h)) for h in (1, 4)]
    assert measured.tolist() == pytest.approx(expected, rel=0.1)
