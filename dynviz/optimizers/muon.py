"""Muon: the momentum of a matrix, made nearly orthogonal by Newton-Schulz steps."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from dynviz.optimizers._elementwise import over
from dynviz.plugins.ranges import Memory, Range, Size
from dynviz.rule import State, Terms

A, B, C = 3.4445, -4.7750, 2.0315
"""The quintic A x + B x^3 + C x^5 that each step applies to the singular values."""


@dataclass(frozen=True)
class Muon:
    """theta_t = theta_{t-1} - lr weight_decay theta_{t-1} - lr s NS(b_t).

    m_t = momentum m_{t-1} + (1 - momentum) g_t, and b_t = momentum m_t + (1 - momentum) g_t with Nesterov's momentum,
    else m_t. NS divides by the Frobenius norm (at least eps) and applies X <- A X + (B XX^T + C (XX^T)^2) X ns_steps
    times. With A, B, C = 3.4445, -4.7750, 2.0315, five steps bring singular values above 0.52 % of the norm into
    [0.68, 1.14]; smaller ones are multiplied by at most A^5 = 485 and stay below 1.21. Three steps suffice for values
    above 6.1 %, four for 1.8 %, six for 0.15 %. Rounding in bfloat16 adds up to 0.01.

    The scale s for a matrix of m rows and n columns is sqrt(max(1, m / n)) (`original`), 0.2 sqrt(max(m, n)) (`rms`,
    after Liu et al. 2025, so that the root mean square is AdamW's), sqrt(m / n) (`spectral`) or 1 (`none`). Tensors of
    more dimensions are matrices whose rows are the first dimension. The step is one term beside the decay: it is not
    linear in the gradient.

    Vectors have no singular values. By `vectors` they take AdamW's step (adamw), that of SGD with the same momentum
    (sgd), or are matrices of one column (column), with s = 1: a step of length NS(1) = 0.70 in the direction of b_t.

    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks", and its code, whose AdamW has
    the same beta1, beta2 and eps. That code takes m and n of a filter [out, in, height, width] in s from the last two
    dimensions, and a tensor of order 3 for a stack of matrices. Its first form, m_t = momentum m_{t-1} + g_t, gives the
    same NS. `torch.optim.Muon` computes NS in bfloat16 (here dtype=bfloat16) and takes matrices alone. optax's muon
    takes columns for rows in s, adds eps to the norm, and corrects Nesterov's momentum for bias: its first steps weigh
    m_t and g_t otherwise.

    Attributes:
        lr: Learning rate.
        momentum: Decay rate of the momentum, 0 to 1.
        nesterov: Whether to use Nesterov's momentum.
        ns_steps: Number of Newton-Schulz steps.
        weight_decay: Decoupled weight decay: each step takes lr times this share off a weight, vectors included.
        scale: How the step is scaled by a matrix's shape.
        dtype: Precision of the Newton-Schulz steps: that of `theta`, or bfloat16.
        vectors: How vectors are updated.
        vector_rate: Learning rate for vectors, as a multiple of lr.
        beta1: Decay rate of the mean gradient in AdamW's step.
        beta2: Decay rate of the mean square in AdamW's step.
        eps: Smallest norm, and what AdamW's step adds to the root.
    """

    lr: Size = 0.02
    momentum: Memory = 0.95
    nesterov: bool = True
    ns_steps: Annotated[int, Range(0)] = 5
    weight_decay: Size = 0.0
    scale: Literal["original", "rms", "spectral", "none"] = "original"
    dtype: Literal["theta", "bfloat16"] = "theta"
    vectors: Literal["adamw", "sgd", "column"] = "adamw"
    vector_rate: Size = 1.0
    beta1: Memory = 0.9
    beta2: Memory = 0.95
    eps: Size = 1e-10

    coordinatewise: ClassVar[bool] = False
    family: ClassVar[str] = "orthogonal"
    departures: ClassVar[Mapping[str, str]] = {
        "constant-step": "the singular values of a step are near 1, however small those of the gradient",
        "own-convention": "it takes vectors too, and computes in theta's dtype where torch computes in bfloat16",
    }

    def init(self, theta: Tensor) -> State:
        state = {"m": torch.zeros_like(theta)}
        if theta.ndim < 2 and self.vectors == "adamw":
            state["v"] = torch.zeros_like(theta)
        return state

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        if theta.ndim < 2:
            direction, state = self._vector(gradient, state, t)
            rate = self.lr * self.vector_rate
        else:
            aim, state = self._momentum(gradient, state)
            matrix = aim.reshape(theta.shape[0], -1)
            direction = _scale(self.scale, *matrix.shape) * self._orthogonal(matrix).reshape(theta.shape)
            rate = self.lr
        return {"step": -rate * direction, "decay": -rate * self.weight_decay * theta}, state

    def fallback(self, shape: tuple[int, ...]) -> str:
        """What is done with vectors and numbers."""
        steps = {"adamw": "AdamW's step", "sgd": "SGD's step with momentum", "column": "a normalised momentum step"}
        return steps[self.vectors] if len(shape) < 2 else ""

    def _momentum(self, gradient: Tensor, state: State) -> tuple[Tensor, State]:
        fresh = (1 - self.momentum) * gradient
        m = self.momentum * state["m"] + fresh
        return (self.momentum * m + fresh if self.nesterov else m), {"m": m}

    def _vector(self, gradient: Tensor, state: State, t: Tensor) -> tuple[Tensor, State]:
        if self.vectors != "adamw":
            aim, state = self._momentum(gradient, state)
            column = self.vectors == "column"
            return (self._orthogonal(aim.reshape(-1, 1)).reshape(gradient.shape) if column else aim), state
        m = self.beta1 * state["m"] + (1 - self.beta1) * gradient
        v = self.beta2 * state["v"] + (1 - self.beta2) * gradient.square()
        root = v.sqrt() / (1 - self.beta2**t).sqrt() + self.eps
        return over(m / (1 - self.beta1**t), root, self.eps), {"m": m, "v": v}

    def _orthogonal(self, matrix: Tensor) -> Tensor:
        tall = matrix.shape[0] > matrix.shape[1]
        x = matrix if self.dtype == "theta" else matrix.bfloat16()
        x = x.mT if tall else x
        norm = torch.linalg.vector_norm(x).clamp(min=self.eps)
        # In float16 eps is zero.
        x = x / torch.where(norm == 0, 1, norm)
        for _ in range(self.ns_steps):
            gram = x @ x.mT
            x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
        return (x.mT if tall else x).to(matrix.dtype)


def _scale(name: str, rows: int, columns: int) -> float:
    return {
        "original": math.sqrt(max(1, rows / columns)),
        "rms": 0.2 * math.sqrt(max(rows, columns)),
        "spectral": math.sqrt(rows / columns),
        "none": 1.0,
    }[name]


optimizer = Muon
