"""Which of two classes a point of the plane has, learned by seven models."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from dynviz.errors import DynvizError
from dynviz.task import Batch, Channel, Measure, Probe, Task, Tensors, chunked, parameter

Model: TypeAlias = Literal["exact", "labels", "offset", "offset-scale", "plus-minus", "centers", "swish"]
Division: TypeAlias = Literal["tangent", "nearest"]
Answer: TypeAlias = Callable[[Tensors, Tensors, Tensor], Tensor]
"""Function of (parameters, constants, points [rows, 2]) to numbers [rows, classes] or [rows, centers]."""

SIDE = 100.0
TRAIN, VALIDATION, TEST = 320_000, 10_000, 10_000
BATCH = 32
STEPS = TRAIN // BATCH
SHARP = 10_000.0
"""The fixed scale of the models without a learned one: nearly a hard choice."""
HIDDEN = 2048
GAP_POINTS = 500


@dataclass(frozen=True)
class Environment:
    """The truth and its points.

    Attributes:
        centers: [centers, 2].
        classes: [centers], the class of each.
        points: [points, 2]: those to train on in the document's order, then validation, then test.
        labels: [points], bytes.
    """

    centers: Tensor
    classes: Tensor
    points: Tensor
    labels: Tensor


@functools.lru_cache(maxsize=64)
def environment(seed: int, division: Division) -> Environment:
    """Draw the environment with NumPy's legacy generator, whose numbers never change."""
    draw = np.random.RandomState(seed)
    k = draw.randint(100, 151)
    centers = _box(draw.rand(k, 2))
    classes = torch.from_numpy(draw.randint(2, size=k)).long()
    points = _box(draw.rand(TRAIN + VALIDATION + TEST, 2))
    (labels,) = chunked(lambda x: classes[owner(x, centers, division)], points, size=4096)
    return Environment(centers, classes, points, labels.byte())


def _box(uniform: np.ndarray[Any, np.dtype[np.float64]]) -> Tensor:
    return torch.from_numpy((2 * uniform - 1) * SIDE).float()


def owner(x: Tensor, centers: Tensor, division: Division) -> Tensor:
    """The index [rows] of the center that each point belongs to, in float64: near borders rounding would decide."""
    x, centers = x.double(), centers.double()
    square = centers.square().sum(dim=1)
    products = x @ centers.T
    if division == "nearest":
        return (square - 2 * products).argmin(dim=1)
    return (products / square - 1).square().argmin(dim=1)


def tangents(centers: Tensor) -> Tensor:
    """R = c / |c|^2: x R^T is 1 on the line through c perpendicular to c. Other roundings lead to other runs."""
    return centers / torch.linalg.norm(centers, dim=1, keepdim=True) ** 2


def _labels(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:  # noqa: ARG001
    distance = (x @ constants["tangents"].T - 1).abs()
    return -SHARP * (distance - distance.amin(dim=1, keepdim=True))


def _offset(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:
    return -SHARP * (x @ constants["tangents"].T - parameters["offset"]).abs()


def _offset_scale(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:
    return -parameters["scale"] * (x @ constants["tangents"].T - parameters["offset"]).abs()


def _plus_minus(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:
    # Both signs at once, as a matrix product: the sum of two terms is faster and rounds otherwise.
    away = x @ constants["tangents"].T - parameters["offset"]
    both = away.unsqueeze(2) @ parameters["plus_minus"].unsqueeze(0)
    return -parameters["scale"] * F.relu(both).sum(dim=2)


def _centers(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:  # noqa: ARG001
    # With 2048 centers a sum of two terms takes 60 % of the time of a matrix product, and 40 % without gradients.
    away = x @ tangents(parameters["centers"]).T - parameters["offset"]
    first, second = parameters["plus_minus"].unbind()
    return -parameters["scale"] * (F.relu(away * first) + F.relu(away * second))


def _swish(parameters: Tensors, constants: Tensors, x: Tensor) -> Tensor:  # noqa: ARG001
    return -parameters["scale"] * F.silu(F.linear(x / SIDE, parameters["centers"], parameters["bias"]))


SCORES: dict[str, Answer] = {
    "labels": _labels,
    "offset": _offset,
    "offset-scale": _offset_scale,
    "plus-minus": _plus_minus,
    "centers": _centers,
    "swish": _swish,
}
"""What each model's softmax over centers is taken of."""

PROTOCOL: dict[str, tuple[float, float]] = {
    "labels": (1e-2, 1e-2),
    "offset": (2e-3, 1e-2),
    "offset-scale": (1e-2, 1e-2),
    "plus-minus": (5e-3, 1e-2),
    "centers": (1e-2, 1e-2),
    "swish": (2e-2, 0.0),
}
"""Learning rate and weight decay of each model, as run with AdamW."""


@dataclass(frozen=True)
class Voronoi:
    """Points of a square belong to the nearest of k centers, and have its class; models know less and less of that.

    All but `exact` answer with softmax(scores) W, one score for each center. Numbers are those of the published runs,
    not of their text, slips included. With `rule=tangent` the nearest center is the one whose perpendicular line is
    nearest, in units of the center's own norm: not a Voronoi partition, and the same class as one at only 62.5 % of
    points. Learning rates are 2e-3 for `offset` and 5e-3 for `plus-minus`; `labels` and `offset` scale their scores by
    10 000.

    A lane with the environment's own seed takes the training points in the published order, once; other lanes, and
    later rounds, in orders of their own.

    Attributes:
        model: What is known: all (exact), all but the classes of the centers (labels), and on to nothing (swish).
        rule: What nearest means: the lines of the published runs, or true distances.
        environment: Seed of centers, classes and points; none: that of each lane.
        hidden: Learned centers, of the models centers and swish.
        grid: Rows and columns of the map of predictions.
    """

    model: Model = "centers"
    rule: Division = "tangent"
    environment: int | None = 42
    hidden: int = HIDDEN
    grid: int = 128

    def __post_init__(self) -> None:
        for name, kind in (("model", Model), ("rule", Division)):
            if getattr(self, name) not in get_args(kind):
                raise DynvizError(f"voronoi has no {name} {getattr(self, name)!r}; one of {', '.join(get_args(kind))}")
        if self.environment is not None and not 0 <= self.environment < 2**32:
            raise DynvizError(f"environment={self.environment} is no seed; write a whole number below 2^32, or none")
        if self.hidden != HIDDEN and self.model not in ("centers", "swish"):
            raise DynvizError(
                f"model={self.model} has the true centers and no hidden ones; hidden goes with centers and swish"
            )
        if self.hidden < 2:
            raise DynvizError(f"hidden={self.hidden} is too few centers; write a whole number from 2")
        if not 2 <= self.grid <= 1024:
            raise DynvizError(f"grid={self.grid} makes no map; write a whole number from 2 to 1024")

    def build(self, seed: int) -> Task:
        own = seed % 2**32 if self.environment is None else self.environment
        truth = environment(own, self.rule)
        constants = self._constants(truth)
        scores = SCORES.get(self.model)
        answer = self._exact if scores is None else _headed(scores)
        parameters = self._initial(len(truth.centers), Generator().manual_seed(seed))
        return Task(
            parameters=parameters,
            loss=lambda parameters, constants, batch: F.cross_entropy(
                answer(parameters, constants, batch[0]), batch[1]
            ),
            batches=_batches(truth, None if seed == own or self.environment is None else seed),
            steps=STEPS,
            constants=constants,
            probes=self._probes(parameters, answer, scores),
            hyperparameters=self._protocol(),
            views=self._views(parameters),
            facts={
                "extent": [-SIDE, SIDE, -SIDE, SIDE],
                "classes": ["class 0", "class 1"],
                "centers": len(truth.centers),
                "validation": VALIDATION,
                "majority": round(float(_majority(constants["validation_label"])), 6),
            },
        )
