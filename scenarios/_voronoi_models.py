"""The models of the Voronoi scenario: what each answers, and what it begins with."""

import functools
import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import torch
from torch import Generator, Tensor, nn

from dynviz.scenarios import _voronoi_centers
from dynviz.scenarios._environment import SIDE, Division, owner, tangents
from dynviz.task import Tensors

Model: TypeAlias = Literal["exact", "labels", "offset", "offset-scale", "plus-minus", "centers", "swish", "mlp"]
Answer: TypeAlias = Callable[[Tensors, Tensors, Tensor], Tensor]
"""Function of (parameters, constants, points [rows, 2]) to numbers [rows, classes] or [rows, centers]."""

SHARP = 10_000.0
"""The fixed scale of the models without a learned one: nearly a hard choice."""


def _labels(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:  # noqa: ARG001
    distance = (x @ constants["tangents"].T - 1).abs()
    return -SHARP * (distance - distance.amin(dim=1, keepdim=True))


def _offset(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:
    return -SHARP * (x @ constants["tangents"].T - parameters["offset"]).abs()


def _offset_scale(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:
    return -parameters["scale"] * (x @ constants["tangents"].T - parameters["offset"]).abs()


def _plus_minus(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:
    # Both signs in one matrix product, as in the published code.
    away = x @ constants["tangents"].T - parameters["offset"]
    both = away.unsqueeze(2) @ parameters["plus_minus"].unsqueeze(0)
    return -parameters["scale"] * torch.relu(both).sum(dim=2)


def _centers(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:  # noqa: ARG001
    # With 2048 centers a sum of two terms takes 60 % of the time of a matrix product, and 40 % without gradients.
    away = x @ tangents(parameters["centers"]).T - parameters["offset"]
    first, second = parameters["plus_minus"].unbind()
    return -parameters["scale"] * (torch.relu(away * first) + torch.relu(away * second))


def _swish(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:  # noqa: ARG001
    inner = nn.functional.linear(x / SIDE, parameters["centers"], parameters["bias"])
    return -parameters["scale"] * nn.functional.silu(inner)


SCORES: dict[str, Answer] = {
    "labels": _labels,
    "offset": _offset,
    "offset-scale": _offset_scale,
    "plus-minus": _plus_minus,
    "centers": _centers,
    "swish": _swish,
}
"""What each model's softmax over centers is taken of."""


def initial(model: Model, k: int, hidden: int, generator: Generator) -> dict[str, Tensor]:
    """Initial parameters for an environment of k centers, in the order of the draws of the published runs."""
    parameters: dict[str, Tensor] = {}
    if model == "centers":
        parameters["centers"] = 100 * torch.randn(hidden, 2, generator=generator)
    if model == "swish":
        bound = 1 / math.sqrt(2)
        parameters["centers"] = _linear(hidden, 2, generator)
        parameters["bias"] = torch.empty(hidden).uniform_(-bound, bound, generator=generator)
        parameters["scale"] = torch.ones(hidden)
    elif model not in ("exact", "labels"):
        parameters["offset"] = torch.rand(1, generator=generator)
    if model in ("offset-scale", "plus-minus", "centers"):
        parameters["scale"] = torch.ones(1)
    if model in ("plus-minus", "centers"):
        parameters["plus_minus"] = torch.tensor([-0.4, 0.4])
    if model != "exact":
        parameters["head"] = _linear(2, hidden if "centers" in parameters else k, generator)
    return parameters


def _linear(outputs: int, inputs: int, generator: Generator) -> Tensor:
    """The weight of `nn.Linear(inputs, outputs)`, drawn as it draws it."""
    return nn.init.kaiming_uniform_(torch.empty(outputs, inputs), a=math.sqrt(5), generator=generator)


def headed(scores: Answer) -> Answer:
    def answer(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:
        return nn.functional.linear(torch.softmax(scores(parameters, constants, x), dim=1), parameters["head"])

    return answer


def scoring(model: Model, parameters: Tensors, constants: Tensors) -> Callable[[Tensor], Tensor]:
    """What `SCORES` gives for points [rows, 2], for one state of the parameters and many points."""
    if model == "centers":
        folded: Callable[[Tensor], Tensor] = _voronoi_centers.scores(parameters)
        return folded
    return functools.partial(SCORES[model], parameters, constants)


def answering(model: Model, division: Division, parameters: Tensors, constants: Tensors) -> Callable[[Tensor], Tensor]:
    """The logits [rows, classes] of points [rows, 2], less that of the first class, for one state and many points."""
    if model == "exact":
        return functools.partial(exact(division), parameters, constants)
    scores, between = scoring(model, parameters, constants), parameters["head"][1] - parameters["head"][0]

    def of(x: Tensor) -> Tensor:
        margin = torch.softmax(scores(x), dim=1) @ between
        return torch.stack([torch.zeros_like(margin), margin], dim=1)

    return of


def exact(division: Division) -> Answer:
    def answer(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:  # noqa: ARG001
        classes = constants["true_class"][owner(x, constants["true_centers"], division)]
        return nn.functional.one_hot(classes, 2).to(x.dtype)

    return answer
