"""Matrix sensing: its instance, its stream of data, and the published run."""

import math

import numpy as np
import pytest
import torch

import dynviz
from dynviz import DynvizError
from dynviz.scenarios.matrix_sensing import BLOCK, MatrixSensing

PUBLISHED = {5000: 0.998, 10_000: 0.606, 15_000: 0.137, 20_000: 0.035}
"""Relative error after so many samples, read from a plot."""


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def task():
    return MatrixSensing().build(0)


def measured(task, parameters, channel):
    probe = next(each for each in task.probes if each.channels[0].name == channel)
    return probe.measure(parameters, task.constants, ())


def test_instance_weights_and_data_come_in_the_published_order_of_draws(task):
    torch.manual_seed(0)
    target = torch.randn(256, 2) @ torch.randn(2, 256) * 100
    weights = [torch.randn(256, 256), torch.randn(256, 256)]
    for weight in weights:
        torch.nn.init.xavier_normal_(weight)
    assert torch.equal(task.constants["target"], target)
    assert torch.equal(task.parameters["W1"], weights[0])
    assert torch.equal(task.parameters["W2"], weights[1])
    a, b = task.batches(0, 2 * BLOCK + 3)
    for step in range(2 * BLOCK + 3):
        assert torch.equal(a[step], torch.randn(256))
        assert torch.equal(b[step], torch.randn(256))


def test_no_global_generator_is_touched(task):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    MatrixSensing(d=16).build(3).batches(0, 10)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("d", [16, 17])
def test_batches_depend_on_the_steps_only_in_whatever_order_they_are_asked_for(d):
    whole = MatrixSensing(d=d).build(5).batches(0, 12 * BLOCK)
    task = MatrixSensing(d=d).build(5)
    for start, count in ((11 * BLOCK, 7), (0, 1), (BLOCK - 1, 2), (3 * BLOCK - 5, 2 * BLOCK), (11 * BLOCK, 7), (4, 9)):
        for piece, tensor in zip(task.batches(start, count), whole, strict=True):
            assert torch.equal(piece, tensor[start : start + count])


def test_seeds_have_instances_of_their_own():
    one, other = (MatrixSensing(d=16).build(seed) for seed in (0, 1))
    assert not torch.equal(one.constants["target"], other.constants["target"])
    assert not torch.equal(one.batches(0, 1)[0], other.batches(0, 1)[0])


def test_the_loss_is_half_the_squared_error_of_one_product(task):
    a, b = (tensor[0].double() for tensor in task.batches(7, 1))
    W1, W2, T = (each.double() for each in (*task.parameters.values(), task.constants["target"]))
    loss = task.loss({"W1": W1, "W2": W2}, {"target": T}, (a, b))
    torch.testing.assert_close(loss, 0.5 * torch.einsum("i,ij,j", a, T - W1 @ W2, b) ** 2)


def test_the_run_sees_half_as_many_samples_as_the_matrix_has_entries(task):
    assert task.steps == 32_768


def test_error_and_spectrum_are_those_of_the_product(task):
    target, eye = task.constants["target"], torch.eye(256)
    assert measured(task, {"W1": target, "W2": eye}, "relative_error") == 0
    torch.testing.assert_close(measured(task, {"W1": target, "W2": 2 * eye}, "relative_error"), torch.tensor(1.0))
    expected = np.linalg.svd(target.double().numpy(), compute_uv=False)
    found = measured(task, {"W1": target, "W2": eye}, "singular_values")
    np.testing.assert_allclose(found[:2], expected[:2], rtol=1e-4)
    assert found.shape == (10,)
    assert found[2:].max() < 1e-3 * expected[0]
    np.testing.assert_allclose(measured(task, {}, "true_singular_values"), expected[:2], rtol=1e-4)


def test_a_diverged_lane_harms_no_other():
    tasks = [MatrixSensing(d=16).build(seed) for seed in (0, 1)]
    stacked = {name: torch.stack([each.parameters[name] for each in tasks]) for name in ("W1", "W2")}
    stacked["W1"][0, 3, 3] = torch.inf
    probe = next(each for each in tasks[0].probes if each.channels[0].name == "singular_values")
    found = torch.func.vmap(probe.measure, in_dims=(0, None, None))(stacked, tasks[0].constants, ())
    assert found[0].isnan().all()
    torch.testing.assert_close(found[1], measured(tasks[1], tasks[1].parameters, "singular_values"))


def test_stacked_lanes_have_the_losses_of_each_alone():
    tasks = [MatrixSensing(d=16).build(seed) for seed in (0, 1)]
    batches = [tuple(tensor[0] for tensor in each.batches(3, 1)) for each in tasks]
    alone = [each.loss(each.parameters, each.constants, own) for each, own in zip(tasks, batches, strict=True)]
    stacked = {name: torch.stack([each.parameters[name] for each in tasks]) for name in ("W1", "W2")}
    target = {"target": torch.stack([each.constants["target"] for each in tasks])}
    joined = tuple(torch.stack(column) for column in zip(*batches, strict=True))
    torch.testing.assert_close(torch.func.vmap(tasks[0].loss)(stacked, target, joined), torch.stack(alone))


def test_the_solution_of_least_norm_leaves_an_error_of_about_the_root_of_one_half():
    task = MatrixSensing(d=32).build(0)
    a, b = task.batches(0, task.steps)
    products = torch.einsum("ni,nj->nij", a, b).reshape(task.steps, -1).double()
    truth = task.constants["target"].reshape(-1).double()
    found = products.T @ torch.linalg.solve(products @ products.T, products @ truth)
    error = (found - truth).norm() / truth.norm()
    assert error.item() == pytest.approx(task.facts["least_norm_error"], abs=0.04)


@pytest.mark.slow
def test_a_plain_loop_recovers_the_matrix_as_published(task):
    values = {name: value.clone().requires_grad_() for name, value in task.parameters.items()}
    sgd = torch.optim.SGD(values.values(), **task.hyperparameters["sgd"])
    a, b = task.batches(0, task.steps)
    for step in range(task.steps):
        if step in PUBLISHED:
            with torch.no_grad():
                error = measured(task, values, "relative_error").item()
            assert error == pytest.approx(PUBLISHED[step], abs=0.03), step
        sgd.zero_grad()
        task.loss(values, task.constants, (a[step], b[step])).backward()
        sgd.step()
    with torch.no_grad():
        assert measured(task, values, "relative_error").item() == pytest.approx(0.004, abs=0.001)


@pytest.mark.parametrize(("optimizer", "left"), [("sgd", 0.4), ("adam", 0.3)])
def test_a_smaller_matrix_is_mostly_recovered_by_the_rates_of_the_protocol(optimizer, left, tmp_path):
    recording = dynviz.run("matrix-sensing:d=64", optimizer, seeds="0:2", out=tmp_path / "run")[optimizer]
    error = recording["relative_error"]
    np.testing.assert_allclose(error[0], 1, atol=0.01)
    assert error[-1].max() < left
    assert recording["singular_values"].shape == (12, 2, 10)
    for found, true in zip(recording["singular_values"][-1], recording["true_singular_values"][0], strict=True):
        assert found[0] == pytest.approx(true[0], rel=0.3)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"model": "cnn"}, "there is linear"),
        ({"d": 1}, "a whole number from 2 to 4096"),
        ({"rank": 0}, "a whole number from 1 to 256"),
        ({"d": 8, "rank": 9}, "a whole number from 1 to 8"),
        ({"gamma": 0.0}, "a number above 0"),
        ({"gamma": math.nan}, "a number above 0"),
    ],
)
def test_a_bad_option_is_refused_with_what_would_be_accepted(options, says):
    with pytest.raises(DynvizError, match=says):
        MatrixSensing(**options)
