"""NAG-GS: Nesterov's accelerated flow, discretised half implicitly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.plugins.ranges import Positive, Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class NAGGS:
    """theta_t = (theta_{t-1} + lr v_t) / (1 + lr).

    v_t = (gamma_{t-1} v_{t-1} + lr mu theta_{t-1} - lr g_t) / (lr mu + gamma_{t-1}), and gamma follows
    gamma_t = (lr mu + gamma_{t-1}) / (1 + lr); v starts at theta. All is linear in the gradient and in v - theta, so
    that the step is the sum of the fresh gradient's part and of the momentum's.

    The state keeps p_t = p_{t-1} / (1 + lr), from 1, in float64: gamma_t = mu + (gamma - mu) p_t.

    Source: Leplat, Merkulov, Katrutsa, Bershatsky and Oseledets 2022, algorithm 1, where lr is called alpha; the order
    of the three updates is that of the authors' code.

    Attributes:
        lr: Learning rate.
        mu: Assumed strong convexity of the loss; above 0.
        gamma: Scale of the flow at the start; from there it goes to mu.
    """

    lr: Size = 1e-2
    mu: Positive = 1.0
    gamma: Size = 1.0

    coordinatewise: ClassVar[bool] = True
    family: ClassVar[str] = "stiff"
    space: ClassVar[Mapping[str, str]] = {"lr": "log(1e-3,10)", "gamma": "log(0.01,100)"}

    def init(self, theta: Tensor) -> State:
        # One number would do, but lanes with their own lr have each their own, and the state has theta's shape.
        return {"v": theta.clone(), "p": torch.ones_like(theta, dtype=torch.float64)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:  # noqa: ARG002
        a, p = self.lr, state["p"]
        gamma = self.mu + (self.gamma - self.mu) * p
        norm = a * self.mu + gamma
        fresh = -a / norm * gradient
        kept = gamma / norm * (state["v"] - theta)
        weight = a / (1 + a)
        return {"gradient": weight * fresh, "momentum": weight * kept}, {"v": theta + kept + fresh, "p": p / (1 + a)}


optimizer = NAGGS
