"""Deep linear classifiers: the published accuracies, and why depth and small weights give them."""

import numpy as np
import pytest
import torch

import dynviz
from dynviz import DynvizError
from dynviz.scenarios.deep_linear import DeepLinear


def test_points_and_weights_come_in_the_published_order_of_draws():
    task = DeepLinear(depth=2).build(0)
    torch.manual_seed(0)
    points = torch.randn(200, 10)
    weights = [torch.nn.init.xavier_normal_(torch.empty(10, 10)) for _ in range(2)]
    assert torch.equal(task.constants["train"], points[:100])
    assert torch.equal(task.constants["test"], points[100:])
    assert torch.equal(task.parameters["W1"], weights[0])
    assert torch.equal(task.parameters["W2"], weights[1])
    other = DeepLinear(depth=2).build(1)
    assert torch.equal(other.constants["train"], points[:100])
    assert not torch.equal(other.parameters["W1"], weights[0])


def test_a_class_is_a_sector_that_the_published_matrix_of_rank_two_finds():
    task = DeepLinear(environment=3).build(0)
    angle = np.pi * (2 * np.arange(1, 11) - 1 - 10) / 10
    matrix = torch.zeros(10, 10)
    matrix[0], matrix[1] = torch.from_numpy(np.sin(angle)), torch.from_numpy(np.cos(angle))
    assert torch.linalg.matrix_rank(matrix) == 2
    answers = (task.constants["train"] @ matrix).argmax(dim=1)
    assert torch.equal(answers, task.constants["train_label"])


def test_training_ends_at_the_loss_that_is_enough(tmp_path):
    options = {"seeds": 0, "steps": 200, "record": "parameters:every=1", "out": tmp_path / "run"}
    run = dynviz.run("deep-linear:depth=2,enough=1", "sgd", **options)
    loss, weights = run["sgd"]["loss"][:, 0], run["sgd"]["parameters"][:, 0]
    first = int(np.argmax(loss <= 1))
    assert 0 < first < 190
    assert not np.array_equal(weights[first - 1], weights[first])
    np.testing.assert_array_equal(weights[first], weights[-1])


def test_a_single_matrix_ends_at_the_published_accuracy(tmp_path):
    run = dynviz.run("deep-linear:depth=1", "sgd", seeds=0, steps=4800, out=tmp_path / "run")["sgd"]
    assert run["loss"][-1, 0] <= 0.01
    assert run["test_accuracy"][-1, 0] == pytest.approx(0.53)
    assert run["singular_values"][0].max() == 0


@pytest.mark.parametrize(
    ("options", "steps", "published", "error"),
    [
        ("depth=2", 620, 0.603, 0.02),
        ("depth=3,scale=1e-4", 1760, 0.84, 0.01),
        ("depth=3,scale=1000", 100, 0.575, 0.045),
    ],
)
def test_depth_and_small_weights_give_the_published_accuracies(options, steps, published, error, tmp_path):
    run = dynviz.run(f"deep-linear:{options}", "sgd", seeds="0:10", steps=steps, out=tmp_path / "run")["sgd"]
    assert run["loss"][-1].max() <= 0.01
    assert run["test_accuracy"][-1].mean() == pytest.approx(published, abs=error)
    if options.endswith("1e-4"):
        # The values that are not needed stay where they began.
        assert run["singular_values"][-1][:, 2:].max() < 0.01 * run["singular_values"][-1][:, 1].min()
        assert run["effective_rank"][-1].max() < 2.05


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rank": 11}, "write 1 to 10"),
        ({"rank": 2, "depth": 1}, "depth of at least 2"),
        ({"environment": -1}, "a seed"),
    ],
)
def test_a_bad_option_is_refused_with_what_would_be_accepted(options, says):
    with pytest.raises(DynvizError, match=says):
        DeepLinear(**options)
