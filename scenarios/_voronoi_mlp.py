"""The general model of the Voronoi scenario, a perceptron that is told nothing, and what layer norm takes from it."""

import math
from itertools import pairwise
from typing import Literal, TypeAlias

import torch
from torch import Generator, Tensor, nn

from dynviz.scenarios._environment import SIDE
from dynviz.task import Tensors

Norm: TypeAlias = Literal["none", "input", "hidden"]

INPUTS = CLASSES = 2


def initial(width: int, depth: int, generator: Generator) -> dict[str, Tensor]:
    """He's weights of `depth` hidden layers and the last one, and biases of zero."""
    sizes = [INPUTS, *[width] * depth, CLASSES]
    parameters: dict[str, Tensor] = {}
    for layer, (before, after) in enumerate(pairwise(sizes), start=1):
        parameters[f"W{layer}"] = torch.randn(after, before, generator=generator) * math.sqrt(2 / before)
        parameters[f"b{layer}"] = torch.zeros(after)
    return parameters


def logits(norm: Norm, parameters: Tensors, x: Tensor) -> Tensor:
    """[rows, classes] of points [rows, 2]; hidden layers have ReLU, and a norm of layers has no parameters."""
    x = x / SIDE
    if norm == "input":
        # Two numbers have one deviation: all that is left of a point is which of its coordinates is larger.
        x = nn.functional.layer_norm(x, (INPUTS,))
    last = len(parameters) // 2
    for layer in range(1, last):
        x = torch.relu(nn.functional.linear(x, parameters[f"W{layer}"], parameters[f"b{layer}"]))
        if norm == "hidden":
            x = nn.functional.layer_norm(x, x.shape[-1:])
    return nn.functional.linear(x, parameters[f"W{last}"], parameters[f"b{last}"])
