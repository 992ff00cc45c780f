"""Full-matrix AdaGrad: whitens steps by all second moments of a tensor."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.optimizers._roots import eigen, eigenvalues, powered, turned
from dynviz.plugins.ranges import Size
from dynviz.rule import State, Terms

SHOWN = 16
"""Most numbers for which the preconditioner itself is shown."""


@dataclass(frozen=True)
class FullMatrixAdagrad:
    """theta_t = theta_{t-1} - lr (eps I + C_t^{1/2})^{-1} g_t, with C_t = C_{t-1} + g_t g_t^T and C_0 = 0.

    g is the gradient of one parameter tensor in a row, so that C has as many rows as the tensor has numbers: the
    coordinates of a tensor are whitened together, those of different tensors are not. A tensor of more than `largest`
    numbers is cut into blocks of equal length, each with a full matrix of its own: the time of a step grows with the
    square of a block. Epsilon stands outside the root, as in the paper. Directions in which no gradient ever pointed
    stay untouched, as by a pseudoinverse. C and its factorisation are float64, whatever the parameters are.

    The terms of a step are its part along the gradient and the rest, orthogonal to it: what preconditioning turned.

    Source: Duchi, Hazan and Singer 2011, figure 1 with full matrices.

    Attributes:
        lr: Learning rate.
        eps: Added to the root's eigenvalues (delta in the paper).
        largest: Most numbers that are whitened together.
    """

    lr: Size = 1e-2
    eps: Size = 1e-8
    largest: int = 512

    coordinatewise: ClassVar[bool] = False
    family: ClassVar[str] = "falling"

    def __post_init__(self) -> None:
        if self.largest < 1:
            raise DynvizError(f"full-matrix-adagrad:largest={self.largest} is not a number of entries; write 1 or more")

    def init(self, theta: Tensor) -> State:
        blocks, width = self._cut(theta)
        return {"statistics": theta.new_zeros(blocks, width, width, dtype=torch.float64)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:  # noqa: ARG002
        blocks, width = self._cut(gradient)
        row = gradient.double().reshape(-1)
        rows = torch.cat([row, row.new_zeros(blocks * width - len(row))]).reshape(blocks, width, 1)
        statistics = state["statistics"] + rows @ rows.mT
        values, vectors = eigen(statistics)
        step = -self.lr * (vectors @ (self._inverse(values)[..., None] * (vectors.mT @ rows)))
        step = step.reshape(-1)[: len(row)].reshape(gradient.shape)
        return turned(gradient.double(), step), {"statistics": statistics}

    def _inverse(self, values: Tensor) -> Tensor:
        """1 / (eps + root) of eigenvalues; zero for what is zero up to rounding."""
        inverse = powered(values, -0.5)
        return inverse / (1 + self.eps * inverse)

    def _cut(self, theta: Tensor) -> tuple[int, int]:
        """How many blocks, and how many numbers in each; the last one is filled up with zeros."""
        blocks = max(1, -(-theta.numel() // self.largest))
        return blocks, -(-theta.numel() // blocks)

    def fallback(self, shape: tuple[int, ...]) -> str:
        """What is done with large parameters."""
        return f"a matrix for each block of up to {self.largest}" if math.prod(shape) > self.largest else ""

    def watch(self, state: State) -> dict[str, Tensor]:
        """Eigenvalues of the statistics, the largest first; for few numbers, what the gradient is multiplied by."""
        statistics = state["statistics"]
        numbers = {"eigenvalues.0": eigenvalues(statistics).reshape(-1).sort(descending=True).values}
        if statistics.shape[0] == 1 and statistics.shape[-1] <= SHOWN:
            values, vectors = eigen(statistics[0])
            numbers["preconditioner"] = (vectors * self._inverse(values)) @ vectors.mT
        return numbers


optimizer = FullMatrixAdagrad
