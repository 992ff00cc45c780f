"""What learns in matrix sensing: products of matrices, and nets with ReLU and normalisation."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Generator, Tensor, nn

from dynviz.task import Batch, Tensors

Model: TypeAlias = Literal["linear", "deep", "cnn", "transformer"]
Norm: TypeAlias = Literal["none", "batch", "layer"]
Answer: TypeAlias = Callable[[Tensors, Tensor], Tensor]
"""Function of (parameters, a [rows, d]) to [rows, d]."""

EPS = 1e-5
LINEAR = ("linear", "deep")
PUBLISHED_NORMS: dict[str, Norm] = {"linear": "none", "deep": "none", "cnn": "batch", "transformer": "layer"}


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


def of_one_sample(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, Tensors]:
    """Half the squared error of a product at one sample, and its gradients, in the order in which autograd finds them.

    They are outer products, which autograd writes down as fast; what it takes beside them is as much again.
    """
    a, b = batch
    order = names(len(parameters))
    rows = [a.unsqueeze(0)]
    for name in order:
        rows.append(rows[-1] @ parameters[name])
    error = a @ constants["target"] @ b - rows.pop().squeeze(0) @ b
    back = (-error * b).unsqueeze(0)
    gradients: dict[str, Tensor] = {}
    for name in reversed(order):
        gradients[name] = rows.pop().T @ back
        if rows:
            back = back @ parameters[name].T
    return 0.5 * error**2, gradients


def answering(model: str, norm: Norm) -> Answer:
    """What a model answers: products with a normalisation between matrices, and nets of fully connected layers.

    A cnn has [linear, normalisation, ReLU] x depth, a transformer [linear, ReLU, normalisation] x depth, both less the
    last two; their matrices are [outputs, inputs]. Nothing is ever answered with running statistics, so none are kept.
    """
    if model in LINEAR and norm == "none":
        return linear

    def answer(parameters: Tensors, a: Tensor) -> Tensor:
        *hidden, last = _matrices(parameters)
        for layer, matrix in enumerate(hidden, start=1):
            given = parameters, layer, norm
            if model in LINEAR:
                a = _normalised(a @ matrix, *given)
            elif model == "cnn":
                a = torch.relu(_normalised(a @ matrix.T, *given))
            else:
                a = _normalised(torch.relu(a @ matrix.T), *given)
        return a @ (last if model in LINEAR else last.T)

    return answer


def _normalised(a: Tensor, parameters: Tensors, layer: int, norm: Norm) -> Tensor:
    if norm == "none":
        return a
    scale, shift = parameters[f"scale{layer}"], parameters[f"shift{layer}"]
    if norm == "batch":
        return nn.functional.batch_norm(a, None, None, scale, shift, training=True, eps=EPS)
    return nn.functional.layer_norm(a, a.shape[-1:], scale, shift, EPS)


def initial(model: str, norm: Norm, setting: Setting, scale: float, generator: Generator) -> dict[str, Tensor]:
    """Parameters as they were published: Xavier-normal of products, those of `nn.Linear` of nets, times `scale`."""
    d, depth = setting.d, setting.depth
    weights: dict[str, Tensor] = {}
    for name in names(depth):
        weight = torch.empty(d, d)
        if model in LINEAR:
            nn.init.xavier_normal_(weight, generator=generator)
        else:
            nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
        weights[name] = weight if scale == 1 else weight * scale
    if norm != "none":
        for layer in range(1, depth):
            weights |= {f"scale{layer}": torch.ones(d), f"shift{layer}": torch.zeros(d)}
    return weights
