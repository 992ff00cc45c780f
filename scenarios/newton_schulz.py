"""Newton-Schulz steps turn a gradient into Shampoo's first step."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, get_args

import torch
from torch import Generator, Tensor

from dynviz.errors import DynvizError
from dynviz.optimizers import muon
from dynviz.optimizers.shampoo import Shampoo
from dynviz.plugins.ranges import Range
from dynviz.task import Batch, Channel, Probe, Task, Tensors, no_batches

Polynomial: TypeAlias = Literal["muon", "cubic"]

COEFFICIENTS = {"muon": (muon.A, muon.B, muon.C), "cubic": (1.5, -0.5, 0.0)}
"""Of a x + b x^3 + c x^5, which each step applies to the singular values."""
STEPS = 20
LARGEST = 512


@dataclass(frozen=True)
class NewtonSchulz:
    """A matrix G = U S V^T, divided by its norm, on its way to U V^T.

    Shampoo without memory (beta2=0, eps=0) makes it at once:
    (G G^T)^{-1/4} G (G^T G)^{-1/4} = U S^{-1/2} S S^{-1/2} V^T.
    Muon comes near it by products of matrices alone: X <- a X + b X X^T X + c (X X^T)^2 X.

    These steps are gradient descent. With a learning rate of 1, which SGD has here, it makes them on the loss
    (1 - a) / 2 |X|^2 - b / 4 |X^T X|^2 - c / 6 tr (X^T X)^3; for the cubic polynomial that is |X^T X - I|^2 / 8 up to a
    constant. The cubic one converges, slowly at first: a small singular value grows by half at a step. Muon's grows it
    by 3.4 times, and then leaves all of them between 0.68 and 1.14. The error is the distance to Shampoo's step, as
    the rule makes it from G.

    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"; Bernstein 2025, "Deriving
    Muon".

    Attributes:
        polynomial: Muon's, of fifth degree, or the classical one, of third.
        rows: Of the matrix.
        columns: Of the matrix.
        condition: Largest over smallest singular value of G; in between they are evenly spaced on a log scale.
    """

    polynomial: Polynomial = "muon"
    rows: int = 12
    columns: int = 16
    condition: Annotated[float, Range(1, 1e9)] = 100.0

    def __post_init__(self) -> None:
        if self.polynomial not in get_args(Polynomial):
            known = ", ".join(get_args(Polynomial))
            raise DynvizError(f"newton-schulz has no polynomial {self.polynomial!r}; choose one of {known}")
        for name in ("rows", "columns"):
            if not 1 <= getattr(self, name) <= LARGEST:
                raise DynvizError(f"{name}={getattr(self, name)} cannot be; write a whole number from 1 to {LARGEST}")

    def build(self, seed: int) -> Task:
        gradient = self._gradient(Generator().manual_seed(seed))
        target = _shampoo(gradient)
        a, b, c = COEFFICIENTS[self.polynomial]

        def loss(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            x = parameters["X"]
            gram = x @ x.mT if self.rows <= self.columns else x.mT @ x
            square = gram @ gram
            first, second, third = (part.diagonal().sum() for part in (gram, square, square @ gram))
            value: Tensor = (1 - a) / 2 * first - b / 4 * second - c / 6 * third
            return value

        def measure(parameters: Tensors, constants: Tensors, batch: Batch) -> tuple[Tensor, ...]:  # noqa: ARG001
            x, aim = parameters["X"], constants["target"]
            good = x.isfinite().all()
            values = torch.linalg.svdvals(torch.where(good, x, torch.zeros_like(x)))
            values = torch.where(good, values, torch.full_like(values, torch.nan))
            return values, (x - aim).norm() / aim.norm()

        def true(parameters: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
            values: Tensor = torch.linalg.svdvals(constants["target"])
            return values

        return Task(
            parameters={"X": gradient / gradient.norm()},
            loss=loss,
            batches=no_batches,
            steps=STEPS,
            constants={"target": target},
            probes=(
                Probe(
                    (
                        Channel("singular_values", 1, ("index",), "singular values of the matrix, the largest first"),
                        Channel(
                            "relative_error",
                            1,
                            (),
                            "distance to Shampoo's step, as a share of its norm",
                            title="distance to Shampoo's step",
                            better="lower",
                        ),
                    ),
                    measure,
                ),
                Probe((Channel("true_singular_values", 0, ("index",), "singular values of Shampoo's step"),), true),
            ),
            every=1,
            hyperparameters={"sgd": {"lr": 1.0}, "*": {"lr": 0.1}},
            title="Newton-Schulz steps orthogonalise a matrix",
            views=("spectrum", "curves"),
            facts={"polynomial": self.polynomial},
        )

    def _gradient(self, generator: Generator) -> Tensor:
        """U S V^T with random U and V, in float64."""
        least = min(self.rows, self.columns)
        sides = (
            torch.linalg.qr(torch.randn(size, least, generator=generator, dtype=torch.float64)).Q
            for size in (self.rows, self.columns)
        )
        left, right = sides
        values = torch.logspace(0, -1, least, base=self.condition, dtype=torch.float64)
        gradient: Tensor = left * values @ right.mT
        return gradient


def _shampoo(gradient: Tensor) -> Tensor:
    """What Shampoo without memory subtracts at its first step."""
    rule = Shampoo(lr=1.0, beta2=0.0, eps=0.0, largest=LARGEST)
    terms, _ = rule.update(gradient, gradient, rule.init(gradient), torch.ones((), dtype=torch.float64))
    return -torch.stack(list(terms.values())).sum(0)


scenario = NewtonSchulz
