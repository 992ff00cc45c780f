"""What learns in matrix sensing: products of matrices, and nets with ReLU and normalisation."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Generator, Tensor, nn

from dynviz.task import Tensors

Model: TypeAlias = Literal["linear", "deep", "cnn", "transformer"]
Answer: TypeAlias = Callable[[Tensors, Tensor], Tensor]
"""Function of (parameters, a [rows, d]) to [rows, d]."""

EPS = 1e-5


@dataclass(frozen=True)
class Setting:
    """How a model was published, or is usually run.

    Attributes:
        d: Rows and columns of the matrix.
        rank: Of the matrix.
        gamma: Its scale.
        depth: Layers.
        batch: Samples of a step.
    """

    d: int
    rank: int
    gamma: float
    depth: int
    batch: int


SETTINGS: dict[str, Setting] = {
    "linear": Setting(256, 2, 100.0, 2, 1),
    "deep": Setting(256, 2, 1.0, 3, 1),
    "cnn": Setting(1024, 5, 0.04, 10, 256),
    "transformer": Setting(1024, 5, 0.04, 10, 256),
}


def names(depth: int) -> list[str]:
    """The matrices' names, the first one nearest to the input."""
    return [f"W{layer + 1}" for layer in range(depth)]


def product(parameters: Tensors) -> Tensor:
    """W1 W2 ..., of a linear model."""
    return torch.linalg.multi_dot(_matrices(parameters)) if len(parameters) > 1 else parameters["W1"]


def _matrices(parameters: Tensors) -> list[Tensor]:
    return [parameters[name] for name in names(sum(name.startswith("W") for name in parameters))]


def linear(parameters: Tensors, a: Tensor) -> Tensor:
    """A W1 W2 ..."""
    for matrix in _matrices(parameters):
        a = a @ matrix
    return a


def batch_normalised(parameters: Tensors, a: Tensor) -> Tensor:
    """[linear, batch normalisation, ReLU] x depth, less the last two; matrices are [outputs, inputs].

    Nothing is ever answered with running statistics, so none are kept.
    """
    *hidden, last = _matrices(parameters)
    for layer, matrix in enumerate(hidden, start=1):
        scale, shift = parameters[f"scale{layer}"], parameters[f"shift{layer}"]
        a = nn.functional.batch_norm(a @ matrix.T, None, None, scale, shift, training=True, eps=EPS)
        a = torch.relu(a)
    return a @ last.T


def layer_normalised(parameters: Tensors, a: Tensor) -> Tensor:
    """[linear, ReLU, layer normalisation] x depth, less the last two."""
    *hidden, last = _matrices(parameters)
    for layer, matrix in enumerate(hidden, start=1):
        scale, shift = parameters[f"scale{layer}"], parameters[f"shift{layer}"]
        a = nn.functional.layer_norm(torch.relu(a @ matrix.T), a.shape[-1:], scale, shift, EPS)
    return a @ last.T


ANSWERS: dict[str, Answer] = {
    "linear": linear,
    "deep": linear,
    "cnn": batch_normalised,
    "transformer": layer_normalised,
}


def initial(model: str, d: int, depth: int, scale: float, generator: Generator) -> dict[str, Tensor]:
    """Parameters as they were published: Xavier-normal of products, those of `nn.Linear` of nets, times `scale`."""
    weights: dict[str, Tensor] = {}
    for name in names(depth):
        weight = torch.empty(d, d)
        if model in ("linear", "deep"):
            nn.init.xavier_normal_(weight, generator=generator)
        else:
            nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
        weights[name] = weight if scale == 1 else weight * scale
    if model not in ("linear", "deep"):
        for layer in range(1, depth):
            weights |= {f"scale{layer}": torch.ones(d), f"shift{layer}": torch.zeros(d)}
    return weights
