"""What is known of preconditioners: Shampoo's lemma 8, Misra-Gries, and iterated singular vectors."""

import numpy as np
import pytest
import scipy.sparse.linalg
import torch

import dynviz
from dynviz import plugins
from dynviz.charts.moments import excess, moments, product, rank
from dynviz.errors import DynvizError
from dynviz.optimizers._sketch import distance, leading, shrink
from dynviz.scene.marks import ReferenceLine


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def make(text):
    return plugins.load("optimizers", text).make()


def stepped(rule, gradients):
    """The states of a rule after each of some gradients."""
    theta = torch.zeros_like(gradients[0])
    state = rule.init(theta)
    for t, gradient in enumerate(gradients, 1):
        _, state = rule.update(theta, gradient, state, torch.tensor(float(t), dtype=torch.float64))
        yield state


# Lemma 8 of Shampoo


@pytest.mark.parametrize("shape", [(3, 4), (5, 2), (4, 4)])
@pytest.mark.parametrize("ranked", [1, 2, 5])
@pytest.mark.parametrize("count", [1, 3, 40])
def test_all_moments_are_below_the_least_multiple_of_the_product_and_below_no_smaller_one(shape, ranked, count):
    rng = np.random.default_rng(count)
    ranked = min(ranked, *shape)
    gradients = rng.standard_normal((count, shape[0], ranked)) @ rng.standard_normal((count, ranked, shape[1]))
    left, right, both = moments(gradients)
    whole, c = product(left, right), excess(left, right, both)
    slack = 1e-9 * np.linalg.norm(both)
    assert rank(gradients) == ranked
    assert c <= ranked + 1e-9
    assert np.linalg.eigvalsh(c * whole - both)[0] > -slack
    assert np.linalg.eigvalsh(0.99 * c * whole - both)[0] < -slack


def test_one_gradient_reaches_the_bound():
    """L^{-1/4} G R^{-1/4} is its orthogonal factor, whose squares add up to its rank."""
    gradients = np.random.default_rng(0).standard_normal((1, 3, 5))
    assert excess(*moments(gradients)) == pytest.approx(3, rel=1e-9)
    assert np.isnan(excess(*moments(0 * gradients)))


def test_the_kronecker_view_draws_the_least_multiple_under_its_bound(tmp_path):
    run = dynviz.run("matrix-sensing:d=6,batch=3", "shampoo", steps=12, record="gradient:every=1", out=tmp_path / "run")
    recording = run["shampoo"]
    film = plugins.load("views", "kronecker").target([recording])
    panel = film.scene(12).panels[-1]
    (line,) = (mark for mark in panel.marks if isinstance(mark, ReferenceLine))
    gradients = recording.part("gradient", "W1")[:12, 0]
    assert line.at == rank(gradients) == 3
    curve = panel.marks[1]
    assert curve.y[-1] == pytest.approx(excess(*moments(gradients)), rel=1e-5)
    assert (curve.y <= 3 + 1e-6).all()


# Misra-Gries


def misra_gries(stream, counters):
    """Misra and Gries 1982: the counts [steps, items], and how often all of them were lowered."""
    counts, lowered = {}, 0
    for item in stream:
        if item in counts or len(counts) < counters:
            counts[item] = counts.get(item, 0) + 1
        else:
            counts = {name: count - 1 for name, count in counts.items() if count > 1}
            lowered += 1
        yield dict(counts), lowered


def streams():
    rng = np.random.default_rng(5)
    zipf = 1 / np.arange(1, 13)
    yield "rare and frequent", rng.choice(12, 400, p=zipf / zipf.sum())
    yield "all equal", rng.integers(12, size=200)
    yield "one after the other", np.arange(100) % 12
    yield "one alone", np.zeros(20, dtype=int)


@pytest.mark.parametrize(("name", "stream"), [pytest.param(name, stream, id=name) for name, stream in streams()])
@pytest.mark.parametrize("rows", [2, 4, 9])
def test_a_sketch_of_basis_vectors_is_misra_gries_with_one_counter_less_than_rows(name, stream, rows):
    """At every step: the squared length of each row is the count of its item, the escaped mass the lowerings."""
    gradients = torch.eye(12, dtype=torch.float64)[torch.from_numpy(stream)].unbind()
    states = stepped(make(f"sketchy:rank={rows},beta2=1"), gradients)
    for state, (counts, lowered) in zip(states, misra_gries(stream.tolist(), rows - 1), strict=True):
        squares = state["sketch0"].square()
        expected = [counts.get(item, 0) for item in range(12)]
        np.testing.assert_allclose(squares.sum(0).numpy(), expected, rtol=0, atol=1e-9)
        # Each row is one item's: no count is spread over several.
        assert ((squares > 1e-9).sum(1) <= 1).all()
        assert float(state["escaped0"]) == pytest.approx(lowered, abs=1e-9)


def test_frequent_items_are_found_and_counts_are_too_low_by_the_lowerings_at_most():
    stream = dict(streams())["rare and frequent"]
    *_, state = stepped(make("sketchy:rank=5,beta2=1"), torch.eye(12, dtype=torch.float64)[stream].unbind())
    kept, escaped = state["sketch0"].square().sum(0).numpy(), float(state["escaped0"])
    true = np.bincount(stream, minlength=12)
    assert (kept <= true + 1e-9).all()
    assert (true <= kept + escaped + 1e-9).all()
    assert escaped <= len(stream) / 5
    assert (kept[true > len(stream) / 5] > 0).all()


# Iterated singular vectors


def decaying(count, width, seed, decay=1.0):
    """Rows whose covariance has eigenvalues k^-2decay, in directions that are not the axes."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(np.random.default_rng(7).standard_normal((width, width)))[0]
    return torch.from_numpy(rng.standard_normal((count, width)) * np.arange(1, width + 1) ** -decay @ turn)


def test_iterated_singular_vectors_come_to_those_of_lobpcg():
    rows = decaying(200, 120, 1)
    sketch = shrink(torch.zeros(12, 120, dtype=torch.float64), decaying(200, 120, 0)).rows
    stacked = torch.cat([sketch, rows])
    start = np.random.default_rng(0).standard_normal((120, 12))
    values, _ = scipy.sparse.linalg.lobpcg((stacked.T @ stacked).numpy(), start, tol=1e-10, maxiter=400)
    errors = []
    for iterations in (1, 2, 4, 8, 16):
        singular, directions = leading(stacked, 12, iterations)
        errors.append(float(np.abs(singular[:12].numpy() ** 2 / values - 1).max()))
        torch.testing.assert_close(directions @ directions.T, torch.eye(len(directions), dtype=torch.float64))
        # Ritz values are below the eigenvalues.
        assert (singular[:12].numpy() ** 2 <= values * (1 + 1e-9)).all()
    assert errors == sorted(errors, reverse=True)
    assert errors[1] < 1e-2
    assert errors[-1] < 1e-7


def test_with_iterations_sketchy_takes_the_exact_steps_up_to_a_small_error():
    gradients = [decaying(60, 80, seed) for seed in range(30)]
    exact, theta = make("sketchy:rank=16"), torch.zeros(60, 80, dtype=torch.float64)
    errors = {}
    for iterations in (1, 2, 6):
        other = make(f"sketchy:rank=16,iterations={iterations}")
        states = exact.init(theta), other.init(theta)
        gaps = []
        for t, gradient in enumerate(gradients, 1):
            time = torch.tensor(float(t), dtype=torch.float64)
            (one, mine), (two, theirs) = (
                rule.update(theta, gradient, state, time) for rule, state in zip((exact, other), states, strict=True)
            )
            states = mine, theirs
            steps = sum(one.values()), sum(two.values())
            gaps.append(float((steps[0] - steps[1]).norm() / steps[0].norm()))
        errors[iterations] = max(gaps)
    assert errors[6] < errors[2] < errors[1] < 0.1
    assert errors[2] < 0.02
    assert errors[6] < 1e-3


@pytest.mark.parametrize(("rows", "width"), [(3, 40), (8, 10), (10, 10), (1, 1)])
@pytest.mark.parametrize("shift", [0.0, 0.4, -3.0])
def test_the_distance_of_two_sketches_is_the_norm_of_the_difference_of_their_matrices(rows, width, shift):
    rng = np.random.default_rng(rows)
    one, other = rng.standard_normal((2, rows, width))
    expected = np.linalg.norm(one.T @ one - other.T @ other + shift * np.eye(width), 2)
    given = (torch.from_numpy(side) for side in (one, other))
    assert float(distance(*given, torch.tensor(shift, dtype=torch.float64))) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("shape", [(60, 80), (90,), (70, 3)])
def test_a_checked_rule_records_how_far_its_statistics_and_steps_are_from_those_of_the_exact_rule(shape):
    gradients = [decaying(90, 90, seed)[: shape[0], : shape[-1]] for seed in range(12)]
    gradients = [one[0] if len(shape) == 1 else one for one in gradients]
    options = "rank=10,beta2=0.9"
    exact, iterated, checked = (
        make(f"sketchy:{options}{more}") for more in ("", ",iterations=1", ",iterations=1,checked=true")
    )
    theta = torch.zeros(shape, dtype=torch.float64)
    states, errors = [rule.init(theta) for rule in (exact, iterated, checked)], []
    for t, gradient in enumerate(gradients, 1):
        time = torch.tensor(float(t), dtype=torch.float64)
        made = [
            rule.update(theta, gradient, state, time)
            for rule, state in zip((exact, iterated, checked), states, strict=True)
        ]
        states = [state for _, state in made]
        steps = [sum(terms.values()).numpy() for terms, _ in made]
        np.testing.assert_array_equal(steps[1], steps[2])
        seen = {name: float(value) for name, value in checked.watch(states[2]).items() if not value.ndim}
        gap = np.linalg.norm(steps[1] - steps[0]) / np.linalg.norm(steps[0])
        assert seen.pop("step_error") == pytest.approx(gap, rel=1e-6, abs=1e-12)
        for axis in range(len(shape)):
            one, other = (
                state[f"sketch{axis}"].T @ state[f"sketch{axis}"]
                + state[f"escaped{axis}"] * torch.eye(shape[axis], dtype=torch.float64)
                for state in states[:2]
            )
            share = np.linalg.norm((other - one).numpy(), 2) / np.linalg.norm(one.numpy(), 2)
            assert seen.pop(f"sketch_error.{axis}") == pytest.approx(share, rel=1e-6, abs=1e-12)
        assert not seen
        errors.append(gap)
    # One new row, or three, and the sketch are in the span of the block, which is exact then.
    assert (max(errors) > 1e-6) == (min(shape) > 26 and len(shape) > 1)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (3, 40), (40, 3), (2, 3, 30)])
def test_a_block_as_wide_as_the_matrix_is_exact(shape):
    generator = torch.Generator().manual_seed(0)
    gradients = [torch.randn(shape, dtype=torch.float64, generator=generator) for _ in range(8)]
    exact, iterated = (make(f"sketchy:rank=30{more}") for more in ("", ",iterations=1"))
    for one, other in zip(stepped(exact, gradients), stepped(iterated, gradients), strict=True):
        for name in one:
            square = (part[name].mT @ part[name] if part[name].ndim == 2 else part[name] for part in (one, other))
            torch.testing.assert_close(*square, rtol=1e-9, atol=1e-9)


def test_iterations_below_zero_and_checks_without_iterations_are_refused():
    for options in ("iterations=-1", "checked=true"):
        with pytest.raises(DynvizError, match="iterations"):
            make(f"sketchy:{options}")


def test_errors_are_recorded_and_drawn_while_it_trains(tmp_path):
    rule = "sketchy:rank=4,beta2=0.99,lr=0.01"
    rules = [f"{rule},iterations=2", f"{rule},iterations=2,checked=true"]
    record = ["parameters:every=1", "state.*error*:every=1"]
    run = dynviz.run("matrix-sensing:d=40,batch=8", rules, steps=12, record=record, out=tmp_path / "run")
    plain, checked = run["sketchy"], run["sketchy-2"]
    # What is compared does not change what is trained.
    np.testing.assert_array_equal(plain["parameters"], checked["parameters"])
    assert not [name for name in plain.channels if name.startswith("state.")]
    errors = checked["state.w1.step_error"]
    assert errors.shape == (13, 1)
    assert errors[0] == 0
    assert (errors[1:] < 0.1).all()
    film = plugins.load("views", "curves").target(
        [checked], channels=("state.w1.step_error", "state.w1.sketch_error.0")
    )
    assert len(film.scene(12).panels) == 2
