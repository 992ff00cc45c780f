"""Eight models learn which of two classes each point of the plane has."""

import functools
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Generator, Tensor, nn

from dynviz.errors import DynvizError
from dynviz.scenarios import _voronoi_cells, _voronoi_centers, _voronoi_mlp
from dynviz.scenarios import _voronoi_measures as measures
from dynviz.scenarios._environment import (
    SIDE,
    VALIDATION,
    VALIDATION_ROWS,
    Division,
    environment,
    instance,
    owner,
)
from dynviz.scenarios._voronoi_mlp import Norm
from dynviz.scenarios._voronoi_models import SCORES, Answer, Model, answering, exact, headed, initial
from dynviz.task import Batch, Probe, Task, Tensors, chunked, parameter

STEPS = 10_000
HIDDEN = 2048
MOST_HIDDEN = 2**20
SLICE = 2**17
"""Scores that are evaluated at once: their intermediate values stay in the cache."""


PROTOCOL: dict[str, tuple[float, float]] = {
    "labels": (1e-2, 1e-2),
    "offset": (2e-3, 1e-2),
    "offset-scale": (1e-2, 1e-2),
    "plus-minus": (5e-3, 1e-2),
    "centers": (1e-2, 1e-2),
    "swish": (2e-2, 0.0),
    "mlp": (3e-3, 1e-2),
}
"""Learning rate and weight decay of each model, as run with AdamW."""

WORDS: dict[str, str] = {
    "exact": "the exact answer",
    "labels": "classes of the centers learned",
    "offset": "one offset learned",
    "offset-scale": "offsets and scales learned",
    "plus-minus": "offsets for either side learned",
    "centers": "{} centers learned",
    "swish": "a network of {} units",
    "mlp": "a perceptron learned",
}
"""What each model learns, in words."""
ENVIRONMENT = 42


@dataclass(frozen=True)
class Voronoi:
    """Each point of a square has the class of one of k centers; models know less and less of them.

    All but `exact` and `mlp` answer with softmax(scores) W, one score for each center. All constants are those of the
    published code, mistakes included, where its text differs. With `rule=tangent` the class is that of the center whose
    perpendicular line is nearest, in units of the center's own norm: not a Voronoi partition, and the same class as one
    at only 62.5 % of points. `labels` and `offset` scale their scores by 10 000.

    The first hundred steps of labels, offset-scale and plus-minus have the published losses to four decimals. So do all
    10 000 with `torch.optim.AdamW` on a CPU with AVX-512 where matrices are multiplied with AVX2 (set
    MKL_ENABLE_INSTRUCTIONS=AVX2); elsewhere rounding leads the last two models away, by up to 0.03 in the end.

    Evaluations take another order of operations than training, which is faster: their last bits may differ from those
    of a forward pass of the same parameters.

    `mlp`, a plain perceptron, is the fully general model that the document plans as its next step. With `norm=input` it
    sees points through layer norm, which leaves of two coordinates only which is the larger: the bias that the document
    warns of. In hidden layers (`norm=hidden`) layer norm does no such harm.

    With `compartments=true` the cells without a training point so far are counted, and the share of errors in them.
    The cell of a center is all that has its class because of that center; by the rule `tangent` it is not connected.

    A lane with the environment's own seed takes the training points in the published order, once; other lanes, and
    later rounds, in orders of their own.

    Attributes:
        model: What is known: all (exact), all but the classes of the centers (labels), and on to nothing (swish).
        rule: Which center gives a point its class: that of the nearest line, as published, or the nearest one.
        environment: Seed of centers, classes and points; none: that of each lane.
        hidden: Learned centers, of the models centers and swish.
        grid: Rows and columns of the map of predictions.
        width: Units of each hidden layer of the model mlp.
        depth: Hidden layers of the model mlp.
        norm: Layer norm of the model mlp: none, of the input, or after each hidden layer.
        compartments: Whether to count the cells of which no training point has been seen.
    """

    model: Model = "centers"
    rule: Division = "tangent"
    environment: int | None = ENVIRONMENT
    hidden: int = HIDDEN
    grid: int = 128
    width: int = 128
    depth: int = 3
    norm: Norm = "none"
    compartments: bool = False

    def __post_init__(self) -> None:
        for name, kind in (("model", Model), ("rule", Division), ("norm", Norm)):
            if getattr(self, name) not in get_args(kind):
                raise DynvizError(
                    f"voronoi has no {name} {getattr(self, name)!r}; choose one of {', '.join(get_args(kind))}"
                )
        if self.environment is not None and not 0 <= self.environment < 2**32:
            raise DynvizError(f"environment={self.environment} is not a seed; write a whole number below 2^32, or none")
        if self.hidden != HIDDEN and self.model not in ("centers", "swish"):
            raise DynvizError(
                f"model={self.model} has no hidden centers; hidden belongs to model=centers and model=swish"
            )
        if not 2 <= self.hidden <= MOST_HIDDEN:
            raise DynvizError(
                f"hidden={self.hidden} is not a number of centers; write a whole number from 2 to {MOST_HIDDEN}"
            )
        if self.model != "mlp" and (self.width, self.depth, self.norm) != (128, 3, "none"):
            raise DynvizError(f"width, depth and norm belong to model=mlp; {self.model} has no such options")
        for name, most in (("width", 2**14), ("depth", 64)):
            if not 1 <= getattr(self, name) <= most:
                raise DynvizError(
                    f"{name}={getattr(self, name)} is not possible; write a whole number from 1 to {most}"
                )
        if not 2 <= self.grid <= 1024:
            raise DynvizError(
                f"grid={self.grid} is not a number of rows and columns; write a whole number from 2 to 1024"
            )

    def build(self, seed: int) -> Task:
        own = seed % 2**32
        drawn = own if self.environment is None else self.environment
        truth = environment(drawn, self.rule)
        answer, generator = self._answer(), Generator().manual_seed(seed)
        if self.model == "mlp":
            parameters = _voronoi_mlp.initial(self.width, self.depth, generator)
        else:
            parameters = initial(self.model, len(truth.centers), self.hidden, generator)

        def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:
            return nn.functional.cross_entropy(answer(parameters, constants, batch[0]), batch[1])

        def batches(start: int, count: int) -> Batch:
            points: Batch = truth.batches(own, start, count)
            return points

        gradient = _voronoi_centers.gradient if self.model == "centers" else None
        constants, counted = dict(instance(drawn, self.rule, self.grid)), self.compartments
        if counted:
            constants[_voronoi_cells.CELL] = owner(constants["val"], truth.centers, self.rule)
        return Task(
            parameters=parameters,
            loss=_voronoi_cells.counting(loss) if counted else loss,
            batches=_voronoi_cells.with_cells(truth, batches) if counted else batches,
            steps=STEPS,
            gradient=_voronoi_cells.counting_gradient(gradient) if counted else gradient,
            constants=constants,
            buffers={_voronoi_cells.SEEN: torch.zeros(len(truth.centers))} if counted else {},
            probes=self._probes(parameters),
            hyperparameters=self._protocol(),
            views=self._views(parameters),
            facts={
                "extent": [-SIDE, SIDE, -SIDE, SIDE],
                "classes": ["class 0", "class 1"],
                "centers": len(truth.centers),
                "validation": VALIDATION,
                "majority": truth.majority(VALIDATION_ROWS),
            },
            story="rings" if "centers" in parameters else "logits",
            title=f"Two classes by {len(truth.centers)} true centers",
            what={
                "model": WORDS[self.model].format(f"{self.hidden:,}".replace(",", " ")),
                "rule": "true distances" if self.rule != "tangent" else "",
                "environment": "" if self.environment == ENVIRONMENT else f"environment {drawn}",
                "hidden": "",
                "grid": "",
                "norm": {"input": "layer norm of the input", "hidden": "layer norm inside"}.get(self.norm, ""),
                "compartments": "",
            },
        )

    def _answer(self) -> Answer:
        if self.model == "mlp":
            return lambda parameters, constants, x: _voronoi_mlp.logits(self.norm, parameters, x)  # noqa: ARG005
        return exact(self.rule) if self.model == "exact" else headed(SCORES[self.model])

    def _logits(self, parameters: Tensors, constants: Tensors, points: Tensor) -> Tensor:
        """[rows, classes], up to a number that all classes share; in slices, in another order than in training."""
        width = parameters["head"].shape[1] if "head" in parameters else 256
        if self.model == "mlp":
            width, answer = self.width, functools.partial(self._answer(), parameters, constants)
        else:
            answer = answering(self.model, self.rule, parameters, constants)
        (logits,) = chunked(answer, points, size=max(16, SLICE // width))
        return logits

    def _probes(self, parameters: Tensors) -> tuple[Probe, ...]:
        probes = [
            measures.evaluation("val", self._logits, every=100),
            measures.evaluation("test", self._logits, every=STEPS, on=False),
            measures.prediction(self._logits, self.grid),
            measures.entropy(self._logits),
            Probe(measures.TRUTH, measures.truth),
        ]
        if self.compartments:
            probes.append(_voronoi_cells.probe(self._logits))
        if "offset" in parameters:
            probes.append(parameter("offset", 1, (), "what products with the centers are compared with", "threshold"))
        if "scale" in parameters:
            probes.append(Probe((measures.SCALE,), "scale" if len(parameters["scale"]) == 1 else measures.scale))
        if "plus_minus" in parameters:
            probes.append(
                parameter(
                    "plus_minus", 1, (measures.SIDES,), "slopes on the two sides of the offset", "slopes on either side"
                )
            )
        if "centers" in parameters:
            probes.append(parameter("centers", 100, ("center", "coordinate"), "learned centers"))
        elif "head" in parameters:
            probes.append(Probe((measures.WEIGHT,), measures.class_weight))
        if "head" in parameters:
            probes.append(Probe(measures.GAPS, measures.gaps(self.model), stacked=False))
            probes.append(parameter("head", 100, ("class", "center"), "weight of each center for each class"))
        return tuple(probes)

    def _protocol(self) -> dict[str, dict[str, float]]:
        if self.model == "exact":
            return {}
        lr, decay = PROTOCOL[self.model]
        both = {"lr": lr, "weight_decay": decay}
        # Nothing is published of SGD; at the rates of Adam only the model labels gets anywhere with it.
        growing = {"lr": {"centers": 3.0, "swish": 3.0, "mlp": 0.1}.get(self.model, 1.0)}
        return {"adamw": both, "adamw-l1": both, "growing": growing, "*": {"lr": lr}}

    def _views(self, parameters: Tensors) -> tuple[str, ...]:
        scalars = ("scalars",) if "scale" in parameters or "offset" in parameters else ()
        centers = ("centers",) if "centers" in parameters else ()
        return ("benchmark", *scalars, "logits", *centers, "environment", "curves")


scenario = Voronoi
