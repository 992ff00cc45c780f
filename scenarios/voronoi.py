"""Which of two classes a point of the plane has, learned by seven models."""

from dataclasses import dataclass
from typing import get_args

import torch
from torch import Generator, Tensor, nn

from dynviz.errors import DynvizError
from dynviz.scenarios._environment import (
    SIDE,
    VALIDATION,
    VALIDATION_ROWS,
    Division,
    environment,
    instance,
)
from dynviz.scenarios._voronoi_models import SCORES, Answer, Model, exact, headed, initial
from dynviz.task import Batch, Channel, Measure, Probe, Task, Tensors, chunked, parameter

STEPS = 10_000
HIDDEN = 2048
MOST_HIDDEN = 2**20
GAP_POINTS = 500
SLICE = 2**17
"""Scores that are evaluated at once: their intermediate values stay in the cache."""


PROTOCOL: dict[str, tuple[float, float]] = {
    "labels": (1e-2, 1e-2),
    "offset": (2e-3, 1e-2),
    "offset-scale": (1e-2, 1e-2),
    "plus-minus": (5e-3, 1e-2),
    "centers": (1e-2, 1e-2),
    "swish": (2e-2, 0.0),
}
"""Learning rate and weight decay of each model, as run with AdamW."""

SIDES = "\N{MINUS SIGN} or +"
SCALE = Channel("scale", 1, (), "sharpness of the choice between centers, mean over them")
GAPS = (
    Channel("logit_gap", 100, (), "between the two highest scores of centers, mean of 500 points", title="logit gap"),
    Channel(
        "prob_gap",
        100,
        (),
        "between the two most probable centers, mean of 500 points",
        title="probability gap",
        bounds=(0.0, 1.0),
    ),
)
WEIGHT = Channel("class_weight", 100, ("own or other",), "mean weight of true centers for their class, for the other")
TRUTH = (
    Channel("environment", 0, ("row", "column"), "true class over the square"),
    Channel("true_centers", 0, ("center", "coordinate"), "centers that make the classes"),
    Channel("true_class", 0, ("center",), "class of each true center"),
)


@dataclass(frozen=True)
class Voronoi:
    """Points of a square belong to the nearest of k centers, and have its class; models know less and less of that.

    All but `exact` answer with softmax(scores) W, one score for each center. Numbers are those of the published runs,
    not of their text, slips included. With `rule=tangent` the nearest center is the one whose perpendicular line is
    nearest, in units of the center's own norm: not a Voronoi partition, and the same class as one at only 62.5 % of
    points. `labels` and `offset` scale their scores by 10 000.

    The first hundred steps of labels, offset-scale and plus-minus have the published losses to four decimals. So do all
    10 000 with `torch.optim.AdamW` on a CPU with AVX-512 where matrices are multiplied with AVX2 (set
    MKL_ENABLE_INSTRUCTIONS=AVX2); elsewhere rounding leads the last two models away, by up to 0.03 in the end.

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
            raise DynvizError(f"model={self.model} has no hidden centers; hidden goes with centers and swish")
        if not 2 <= self.hidden <= MOST_HIDDEN:
            raise DynvizError(f"hidden={self.hidden} makes no model; write a whole number from 2 to {MOST_HIDDEN}")
        if not 2 <= self.grid <= 1024:
            raise DynvizError(f"grid={self.grid} makes no map; write a whole number from 2 to 1024")

    def build(self, seed: int) -> Task:
        own = seed % 2**32
        drawn = own if self.environment is None else self.environment
        truth = environment(drawn, self.rule)
        scores = SCORES.get(self.model)
        answer = headed(scores) if scores else exact(self.rule)
        parameters = initial(self.model, len(truth.centers), self.hidden, Generator().manual_seed(seed))
        return Task(
            parameters=parameters,
            loss=lambda parameters, constants, batch: nn.functional.cross_entropy(
                answer(parameters, constants, batch[0]), batch[1]
            ),
            batches=lambda start, count: truth.batches(own, start, count),
            steps=STEPS,
            constants=dict(instance(drawn, self.rule, self.grid)),
            probes=self._probes(parameters, answer, scores),
            hyperparameters=self._protocol(),
            views=self._views(parameters),
            facts={
                "extent": [-SIDE, SIDE, -SIDE, SIDE],
                "classes": ["class 0", "class 1"],
                "centers": len(truth.centers),
                "validation": VALIDATION,
                "majority": truth.majority(VALIDATION_ROWS),
            },
        )

    def _probes(self, parameters: Tensors, answer: Answer, scores: Answer | None) -> tuple[Probe, ...]:
        probes = [
            _evaluation("val", answer, "validation points", every=100),
            _evaluation("test", answer, "test points", every=STEPS, on=False),
            _prediction(answer, self.grid),
            Probe(TRUTH, _truth),
        ]
        if "offset" in parameters:
            probes.append(parameter("offset", 1, (), "what products with the centers are compared with"))
        if "scale" in parameters:
            probes.append(Probe((SCALE,), "scale" if len(parameters["scale"]) == 1 else _scale))
        if "plus_minus" in parameters:
            probes.append(parameter("plus_minus", 1, (SIDES,), "slopes on the two sides of the offset", "plus-minus"))
        if "centers" in parameters:
            probes.append(parameter("centers", 100, ("center", "coordinate"), "learned centers"))
        elif scores:
            probes.append(Probe((WEIGHT,), _class_weight))
        if scores:
            probes.append(Probe(GAPS, _gaps(scores), stacked=False))
            probes.append(parameter("head", 100, ("class", "center"), "weight of each center for each class"))
        return tuple(probes)

    def _protocol(self) -> dict[str, dict[str, float]]:
        if self.model == "exact":
            return {}
        lr, decay = PROTOCOL[self.model]
        both = {"lr": lr, "weight_decay": decay}
        # Nothing is published of SGD; at the rates of Adam only the model labels gets anywhere with it.
        growing = {"lr": 3.0 if self.model in ("centers", "swish") else 1.0}
        return {"adamw": both, "adamw-l1": both, "growing": growing, "*": {"lr": lr}}

    def _views(self, parameters: Tensors) -> tuple[str, ...]:
        scalars = ("scalars",) if "scale" in parameters or "offset" in parameters else ()
        centers = ("centers",) if "centers" in parameters else ()
        return ("benchmark", *scalars, "logits", *centers, "environment", "curves")


def _rows(parameters: Tensors) -> int:
    return max(16, SLICE // (parameters["head"].shape[1] if "head" in parameters else 256))


def _evaluation(name: str, answer: Answer, words: str, *, every: int, on: bool = True) -> Probe:
    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
        def rows(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
            logits = answer(parameters, constants, x)
            return nn.functional.cross_entropy(logits, y, reduction="none"), (logits.argmax(dim=1) == y).to(x.dtype)

        points, labels = constants[name], constants[f"{name}_label"]
        return tuple(column.mean() for column in chunked(rows, points, labels, size=_rows(parameters)))

    kind = words.removesuffix(" points")
    loss = Channel(
        f"{name}_loss",
        every,
        (),
        f"mean cross-entropy of 10 000 {words}",
        on,
        title=f"{kind} loss",
        better="lower",
    )
    accuracy = Channel(
        f"{name}_accuracy",
        every,
        (),
        f"share of 10 000 {words} that are told right",
        on,
        title=f"{kind} accuracy",
        better="higher",
        bounds=(0.0, 1.0),
    )
    return Probe((loss, accuracy), measure, stacked=False)


def _prediction(answer: Answer, grid: int) -> Probe:
    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
        def rows(x: Tensor) -> Tensor:
            return torch.softmax(answer(parameters, constants, x), dim=1)

        (shares,) = chunked(rows, constants["grid"], size=_rows(parameters))
        return shares.reshape(grid, grid, 2).half()

    channel = Channel("prediction", 100, ("row", "column", "class"), "probability of each class over the square")
    return Probe((channel,), measure, stacked=False)


def _truth(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
    return tuple(constants[channel.name] for channel in TRUTH)


def _gaps(scores: Answer) -> Measure:
    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
        logits = scores(parameters, constants, constants["val"][:GAP_POINTS])
        tops = (values.topk(2, dim=1).values for values in (logits, torch.softmax(logits, dim=1)))
        return tuple((top[:, 0] - top[:, 1]).mean() for top in tops)

    return measure


def _scale(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
    return parameters["scale"].mean()


def _class_weight(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
    own = constants["true_class"].unsqueeze(0)
    return torch.stack([parameters["head"].gather(0, classes).mean() for classes in (own, 1 - own)])


scenario = Voronoi
