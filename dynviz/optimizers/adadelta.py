"""Adadelta: steps scaled by the size of past steps over that of past gradients."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.optimizers._elementwise import over
from dynviz.plugins.ranges import Share, Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class Adadelta:
    """theta_t = theta_{t-1} - lr delta_t, with delta_t = sqrt(u_{t-1} + eps) / sqrt(v_t + eps) g_t.

    v_t = rho v_{t-1} + (1 - rho) g_t^2;  u_t = rho u_{t-1} + (1 - rho) delta_t^2. Weight decay is coupled:
    g_t <- g_t + weight_decay theta.

    Source: Zeiler 2012, algorithm 1, which has no lr. As in `torch.optim.Adadelta`, u is the mean square of delta
    before lr scales it.

    Attributes:
        lr: Factor on the step; 1 in the paper.
        rho: Decay rate of both mean squares, 0 to 1.
        eps: Added under both roots; the first steps are as small as its root.
        weight_decay: L2 penalty, added to the gradient.
    """

    lr: Size = 1.0
    rho: Share = 0.9
    eps: Size = 1e-6
    weight_decay: Size = 0.0

    coordinatewise: ClassVar[bool] = True
    space: ClassVar[Mapping[str, str]] = {"lr": "log(0.01,100)"}

    def init(self, theta: Tensor) -> State:
        return {"v": torch.zeros_like(theta), "u": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:  # noqa: ARG002
        decay = self.weight_decay * theta
        penalised = gradient + decay
        v = self.rho * state["v"] + (1 - self.rho) * penalised.square()
        ratio = over((state["u"] + self.eps).sqrt(), (v + self.eps).sqrt(), self.eps)
        u = self.rho * state["u"] + (1 - self.rho) * (ratio * penalised).square()
        terms = {"gradient": -self.lr * ratio * gradient, "decay": -self.lr * ratio * decay}
        return terms, {"v": v, "u": u}


optimizer = Adadelta
