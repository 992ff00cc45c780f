"""AdaGrad with the full matrix: whitens steps by all second moments of a tensor."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.optimizers._roots import eigen, eigenvalues, powered, turned
from dynviz.rule import State, Terms

LARGEST = 1024
"""Numbers in a parameter at most: its statistics then take 8 MiB, a step on a CPU some tenths of a second."""


@dataclass(frozen=True)
class FullMatrixAdagrad:
    """theta_t = theta_{t-1} - lr (eps I + C_t^{1/2})^{-1} g_t, with C_t = C_{t-1} + g_t g_t^T and C_0 = 0.

    g is the gradient of one parameter tensor in a row, so that C has as many rows as the tensor has numbers: the
    coordinates of a tensor are whitened together, those of different tensors are not. Epsilon stands outside the
    root, as in the paper. Directions in which no gradient ever pointed stay untouched, as by a pseudoinverse. C and
    its factorisation are float64, whatever the parameters are.

    The terms of a step are its part along the gradient and the rest, orthogonal to it: what preconditioning turned.

    Source: Duchi, Hazan and Singer 2011, figure 1 with full matrices.

    Attributes:
        lr: Step size.
        eps: Added to the root's eigenvalues (delta in the paper).
    """

    lr: float = 1e-2
    eps: float = 1e-8

    coordinatewise: ClassVar[bool] = False

    def init(self, theta: Tensor) -> State:
        size = theta.numel()
        if size > LARGEST:
            raise DynvizError(
                f"full-matrix-adagrad keeps a matrix of all numbers of a parameter by all of them, at most {LARGEST}; "
                f"one parameter here, of shape {tuple(theta.shape)}, has {size}. "
                "shampoo and sketchy take tensors of this size"
            )
        return {"statistics": theta.new_zeros(size, size, dtype=torch.float64)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:  # noqa: ARG002
        row = gradient.double().reshape(-1)
        statistics = state["statistics"] + torch.outer(row, row)
        values, vectors = eigen(statistics)
        # Zero for what is zero up to rounding; else 1 / (eps + root).
        inverse = powered(values, -0.5)
        inverse = inverse / (1 + self.eps * inverse)
        step = -self.lr * (vectors @ (inverse * (vectors.mT @ row)))
        return turned(gradient.double(), step.reshape(gradient.shape)), {"statistics": statistics}

    def watch(self, state: State) -> dict[str, Tensor]:
        """Eigenvalues of the statistics, the largest first."""
        return {"eigenvalues.0": eigenvalues(state["statistics"])}


optimizer = FullMatrixAdagrad
