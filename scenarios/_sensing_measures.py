"""Matrix sensing: what a model loses on samples, and what is measured of it."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from dynviz.scenarios._sensing_models import LINEAR, Answer, Model, Norm, Setting, answering, product
from dynviz.scenarios._spectra import CORNER, alignment, corner, effective_rank, subspaces
from dynviz.task import Batch, Channel, Measure, Probe, Tensors

Kind: TypeAlias = Literal["regression", "classification"]

LARGEST = 10
"""Singular values that are recorded."""


@dataclass(frozen=True)
class Learner:
    """What learns, and from what.

    Attributes:
        model: Which model.
        norm: How it normalises between layers.
        kind: Whether it learns numbers, or only their signs.
        unit: The answer that a logit of 1 stands for, in classification.
        smoothing: Of the labels.
    """

    model: Model
    norm: Norm
    kind: Kind
    unit: float
    smoothing: float

    @cached_property
    def answers(self) -> Answer:
        """The vector that is multiplied with b."""
        return answering(self.model, self.norm)

    @property
    def is_product(self) -> bool:
        """Whether it is a product of matrices and nothing else."""
        return self.model in LINEAR and self.norm == "none"

    def loss(self, parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:
        """The loss of a batch: of one sample, vectors [d], or summed over several [samples, d]."""
        a, b = batch
        target = constants["target"]
        if self.kind == "classification":
            logits = (self.answers(parameters, a) * b).sum(dim=-1) / self.unit
            right = torch.sign((a @ target * b).sum(dim=-1))
            # The cross-entropy of two classes with probabilities 1 - smoothing / 2 and smoothing / 2.
            losses = functional.softplus(-right * logits) + 0.5 * self.smoothing * right * logits
            crossed: Tensor = losses.sum()
            return crossed
        half = 0.5 if self.model in LINEAR else 1.0
        if a.ndim == 1:
            # In the published order: sums that are rounded otherwise lead to other runs.
            one: Tensor = half * (a @ target @ b - self.answers(parameters, a) @ b) ** 2
            return one
        away = (a @ target * b).sum(dim=1) - (self.answers(parameters, a) * b).sum(dim=1)
        loss: Tensor = half * away.square().sum()
        return loss

    def matrix(self, parameters: Tensors, constants: Tensors) -> Tensor:
        """The matrix that a model stands for: of a net the linear map that fits its answers best."""
        if self.is_product:
            whole: Tensor = product(parameters)
            return whole
        fitted: Tensor = constants["inverse"] @ self.answers(parameters, constants["asked"])
        return fitted

    def errors(self, parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, Tensor]:
        """The relative error and its square; of nets that of their answers, and the loss of the batch over its y^2."""
        target = constants["target"]
        if self.is_product:
            error = (product(parameters) - target).norm() / target.norm()
            return error, error.square()
        right = constants["asked"] @ target
        error = (self.answers(parameters, constants["asked"]) - right).norm() / right.norm()
        a, b = (part.reshape(-1, len(target)) for part in batch)
        return error, self.loss(parameters, constants, batch) / (a @ target * b).sum(dim=1).square().sum()

    def signs(self, parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """The error of the best multiple of the answers, and the share of all b for which their sign is right.

        A random b is on the same side of two vectors with the probability 1 - angle / pi.
        """
        right = constants["asked"] @ constants["target"]
        answers = self.answers(parameters, constants["asked"])
        cosine = ((answers * right).sum() / (answers.norm() * right.norm())).clamp(0, 1)
        angles = functional.cosine_similarity(answers, right, dim=1).clamp(-1, 1).arccos()
        return (1 - cosine.square()).sqrt(), 1 - angles.mean() / math.pi


def probes(learner: Learner, setting: Setting, steps: int) -> tuple[Probe, ...]:
    """All that is recorded beside the loss."""
    products, places = learner.model in LINEAR, ("row", "column")
    every, seldom = (100, 200) if products else (max(1, steps // 256), max(1, steps // 128))
    what = "W" if learner.is_product else "the linear map nearest to the net"
    corners = f"the first {CORNER} rows and columns at most"
    measured = [
        _signs(learner, every) if learner.kind == "classification" else _errors(learner, every),
        Probe(
            (
                Channel("singular_values", seldom, ("index",), f"of {what}, the largest"),
                Channel("effective_rank", seldom, (), "exponential of the entropy of its singular values"),
                Channel("alignment", seldom, ("input or output",), "mean squared cosine with the true subspace"),
                Channel("core", seldom, places, f"{what} in the true singular directions; 1 is learned"),
                Channel("matrix", seldom, places, f"{what}, {corners}"),
            ),
            _spectrum(learner, min(LARGEST, setting.d)),
            stacked=False,
        ),
        Probe(
            (
                Channel("true_singular_values", 0, ("index",), "singular values of T"),
                Channel("true_matrix", 0, places, f"T, {corners}"),
                Channel("least_norm_error", 0, (), "relative error of the minimum-norm solution from all samples"),
            ),
            _truth,
        ),
    ]
    if learner.is_product and learner.kind == "regression" and setting.depth == 1:
        measured += [
            Probe((Channel("excess_loss", every, (), "mean loss of a step less the least", better="lower"),), _excess),
            Probe(
                (Channel("bound", 0, ("distance or gradient",), "|x1 - x*| and B of the bound of the excess loss"),),
                lambda parameters, constants, batch: constants["bound"],  # noqa: ARG005
            ),
        ]
    return tuple(measured)


def _errors(learner: Learner, every: int) -> Probe:
    squared = "square of the relative error" if learner.is_product else "loss over the sum of y^2, of the batch"
    error = "|W - T| / |T| in Frobenius norms; for networks, the relative error of their answers"
    return Probe(
        (
            Channel("relative_error", every, (), error, better="lower"),
            Channel("relative_squared_error", every, (), squared, better="lower"),
        ),
        learner.errors,
    )


def _signs(learner: Learner, every: int) -> Probe:
    return Probe(
        (
            Channel("relative_error", every, (), "relative error of the best multiple of the answers", better="lower"),
            Channel(
                "accuracy",
                every,
                (),
                "expected fraction of new samples whose sign is right",
                better="higher",
                bounds=(0.0, 1.0),
            ),
        ),
        learner.signs,
    )


def _spectrum(learner: Learner, count: int) -> Measure:
    def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
        learned = learner.matrix(parameters, constants)
        true_left, true_right, scales = (constants[name] for name in ("true_left", "true_right", "true_values"))
        left, right, values = subspaces(learned, true_left.shape[-1])
        core = true_left.T @ learned @ true_right / scales.sqrt()[:, None] / scales.sqrt()
        both = torch.stack([alignment(left, true_left), alignment(right, true_right)])
        return values[:count], effective_rank(values), both, core, corner(learned)

    return measure


def _excess(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:
    rows = batch[0].shape[0] if batch[0].ndim == 2 else 1
    return 0.5 * rows * (parameters["W1"] - constants["target"]).square().sum()


def _truth(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
    return constants["true_values"], corner(constants["target"]), constants["least_norm"]
