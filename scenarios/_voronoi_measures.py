"""The Voronoi scenario: what is measured of a model."""

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn

from dynviz.scenarios._voronoi_models import Model, scoring
from dynviz.task import Batch, Channel, Measure, Probe, Tensors

Logits: TypeAlias = Callable[[Tensors, Tensors, Tensor], Tensor]
"""Function of (parameters, constants, points [rows, 2]) to [rows, classes]."""

GAP_POINTS = 500
SIDES = "low or high"
SCALE = Channel("scale", 1, (), "sharpness of the softmax over centers, mean over centers", title="sharpness")
GAPS = (
    Channel(
        "logit_gap",
        100,
        (),
        "difference between the two highest scores of centers, mean over 500 points",
        title="logit gap",
    ),
    Channel(
        "prob_gap",
        100,
        (),
        "difference between the two highest probabilities of centers, mean over 500 points",
        title="probability gap",
        bounds=(0.0, 1.0),
    ),
)
WEIGHT = Channel(
    "class_weight", 100, ("own or other",), "mean weight of true centers for their own class and for the other one"
)
TRUTH = (
    Channel("environment", 0, ("row", "column"), "true class over the square"),
    Channel("true_centers", 0, ("center", "coordinate"), "centers that define the classes"),
    Channel("true_class", 0, ("center",), "class of each true center"),
)


def evaluation(name: str, logits_of: Logits, *, every: int, on: bool = True) -> Probe:
    """Loss and accuracy of the validation or test points."""

    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
        labels = constants[f"{name}_label"]
        logits = logits_of(parameters, constants, constants[name])
        right = logits.argmax(dim=1) == labels
        return nn.functional.cross_entropy(logits, labels), right.to(logits.dtype).mean()

    kind = {"val": "validation", "test": "test"}[name]
    loss = Channel(
        f"{name}_loss",
        every,
        (),
        f"mean cross-entropy of 10 000 {kind} points",
        on,
        title=f"{kind} loss",
        better="lower",
    )
    accuracy = Channel(
        f"{name}_accuracy",
        every,
        (),
        f"fraction of 10 000 {kind} points that are classified correctly",
        on,
        title=f"{kind} accuracy",
        better="higher",
        bounds=(0.0, 1.0),
    )
    return Probe((loss, accuracy), measure, stacked=False)


def prediction(logits_of: Logits, grid: int) -> Probe:
    """The probabilities over the square."""

    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
        logits = logits_of(parameters, constants, constants["grid"])
        return torch.softmax(logits, dim=1).reshape(grid, grid, 2).half()

    channel = Channel("prediction", 100, ("row", "column", "class"), "probability of each class over the square")
    return Probe((channel,), measure, stacked=False)


def entropy(logits_of: Logits) -> Probe:
    """How sure predictions are."""

    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
        logits = logits_of(parameters, constants, constants["val"])
        entropy: Tensor = torch.special.entr(torch.softmax(logits, dim=1)).sum(dim=1).mean()
        return entropy

    channel = Channel(
        "entropy",
        100,
        (),
        "entropy of the predicted probabilities, mean of 10 000 validation points, in nats",
        on=False,
        title="entropy of predictions",
        bounds=(0.0, math.log(2)),
    )
    return Probe((channel,), measure, stacked=False)


def truth(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
    """What defines the classes."""
    return tuple(constants[channel.name] for channel in TRUTH)


def gaps(model: Model) -> Measure:
    """How far the best center is ahead of the second."""

    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
        scores = scoring(model, parameters, constants)(constants["val"][:GAP_POINTS])
        first, place = scores.max(dim=1, keepdim=True)
        # `topk` and `logsumexp` take twice as long.
        second = scores.scatter(1, place, -torch.inf).amax(dim=1, keepdim=True)
        most = torch.softmax(scores, dim=1).amax(dim=1, keepdim=True)
        return (first - second).mean(), (most * (1 - (second - first).exp())).mean()

    return measure


def scale(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
    """The mean of many scales."""
    return parameters["scale"].mean()


def class_weight(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
    """What true centers weigh for their own class, and for the other."""
    own = constants["true_class"].unsqueeze(0)
    return torch.stack([parameters["head"].gather(0, classes).mean() for classes in (own, 1 - own)])
