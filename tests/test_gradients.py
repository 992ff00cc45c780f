"""Gradients that scenarios write out by hand are those that autograd finds."""

import pytest
import torch

from dynviz import plugins
from dynviz.scenarios.voronoi import Voronoi
from dynviz.training.lane_stack import cast

BY_HAND = [name for name, file in plugins.files("scenarios").items() if "gradient=" in file.read_text()]
SIDES = ((-0.4, 0.4), (0.3, 0.5), (-0.3, -0.2), (0.5, -0.6))
"""Slopes left and right of the offset, of either sign."""


def both(task, batch):
    """The loss and its gradient, by hand and by autograd, and what buffers become."""
    leaves = {name: value.clone().requires_grad_() for name, value in task.parameters.items()}
    inputs = {**task.constants, **task.buffers}
    out = task.loss(leaves, inputs, batch)
    loss = out[0] if isinstance(out, tuple) else out
    slopes = torch.autograd.grad(loss, list(leaves.values()))
    with torch.no_grad():
        by_hand, gradients = task.gradient(task.parameters, inputs, batch)
    return (by_hand, gradients), (out, dict(zip(leaves, slopes, strict=True)))


def first_batch(task):
    return tuple(tensor[0] for tensor in task.batches(0, 1))


@pytest.mark.parametrize("scenario", BY_HAND)
def test_a_gradient_by_hand_is_that_of_autograd(scenario):
    task = cast(plugins.load("scenarios", scenario).make().build(42), torch.float64)
    by_hand, expected = both(task, first_batch(task))
    torch.testing.assert_close(by_hand, expected)


@pytest.mark.parametrize("scale", [2.0, -0.7])
@pytest.mark.parametrize("sides", SIDES)
def test_that_of_learned_centers_is_too_whatever_the_signs_of_slopes_and_scale(sides, scale):
    task = cast(Voronoi(hidden=30, grid=2).build(42), torch.float64)
    task.parameters["plus_minus"] = torch.tensor(sides, dtype=torch.float64)
    task.parameters["scale"] = torch.tensor([scale], dtype=torch.float64)
    by_hand, expected = both(task, first_batch(task))
    torch.testing.assert_close(by_hand, expected)
