"""Adafactor: Adam's scaling from row and column means, without momentum."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.plugins.ranges import Positive, Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class Adafactor:
    """theta_t = theta_{t-1} - alpha_t U_t / max(1, RMS(U_t) / d), U_t = g_t / sqrt(V_t).

    Of a matrix only the means of g_t^2 + eps1 over rows and over columns are kept, R_t and C_t, and V_t = R_t C_t /
    mean(R_t); tensors of more dimensions are factored over the last two. Of a vector V_t is kept in full. All are
    running means with beta2_t = 1 - t^-c. The step size is alpha_t = max(eps2, RMS(theta_{t-1})) rho_t with
    rho_t = min(lr, 1 / sqrt(t)).

    Source: Shazeer and Stern 2018, algorithms 4 to 6. `torch.optim.Adafactor` adds no eps1 to the squared gradient; its
    own bounds mean(R_t) and sqrt(V_t) from below, and c is -beta2_decay there. optax's adafactor has a constant rho_t
    (relative_step=false), factors matrices of at least 128 rows and columns only, computes beta2_t in float32, and does
    not scale its decay by lr.

    Attributes:
        lr: Learning rate relative to a parameter's RMS, and the upper bound of rho_t.
        beta2_decay: How fast beta2_t goes to 1 (c in the paper).
        eps1: Added to the squared gradient.
        eps2: Smallest RMS of a parameter by which the learning rate is scaled.
        d: RMS above which the update is clipped.
        relative_step: Whether rho_t falls as 1 / sqrt(t) once that is below lr; else rho_t is lr.
        scale_parameter: Whether the step is scaled by the RMS of the parameter.
        weight_decay: Decoupled weight decay: each step takes lr times this share off a weight.
    """

    lr: Size = 1e-2
    beta2_decay: Size = 0.8
    eps1: Size = 1e-30
    eps2: Size = 1e-3
    d: Positive = 1.0
    relative_step: bool = True
    scale_parameter: bool = True
    weight_decay: Size = 0.0

    coordinatewise: ClassVar[bool] = False
    space: ClassVar[Mapping[str, str]] = {"lr": "log(1e-3,0.3)"}
    departures: ClassVar[Mapping[str, str]] = {
        "own-convention": "eps1 is added to the squared gradient, as published; torch bounds the means from below"
    }

    def init(self, theta: Tensor) -> State:
        if theta.ndim < 2:
            return {"v": torch.zeros_like(theta)}
        return {"row": torch.zeros_like(theta[..., :1]), "column": torch.zeros_like(theta[..., :1, :])}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        fresh = t**-self.beta2_decay
        square = gradient.square() + self.eps1
        if theta.ndim < 2:
            parts = {"v": square}
        else:
            parts = {"row": square.mean(-1, keepdim=True), "column": square.mean(-2, keepdim=True)}
        state = {name: (1 - fresh) * state[name] + fresh * part for name, part in parts.items()}
        v = _estimate(state)
        # Where no gradient was ever seen and eps1 is zero in this dtype, there is nothing to scale.
        scale = torch.where(v == 0, 0, v.rsqrt())
        rho = torch.clamp(t**-0.5, max=self.lr) if self.relative_step else self.lr
        alpha = rho * (_rms(theta).clamp(min=self.eps2) if self.scale_parameter else 1)
        clip = (_rms(scale * gradient) / self.d).clamp(min=1)
        terms = {"gradient": -alpha / clip * scale * gradient, "decay": -self.lr * self.weight_decay * theta}
        return terms, state

    def fallback(self, shape: tuple[int, ...]) -> str:
        """What is done with vectors and numbers, which have no rows and columns."""
        return "an unfactored mean square" if len(shape) < 2 else ""


def _estimate(state: State) -> Tensor:
    """The mean square of each coordinate, from rows and columns where they are what is kept."""
    if "v" in state:
        return state["v"]
    mean = state["row"].mean(-2, keepdim=True)
    return state["row"] * (state["column"] / torch.where(mean == 0, 1, mean))


def _rms(tensor: Tensor) -> Tensor:
    return tensor.square().mean().sqrt()


optimizer = Adafactor
