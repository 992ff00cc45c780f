"""Lion: moves every weight by the same amount, along the sign of a momentum."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.optimizers._elementwise import sign
from dynviz.plugins.ranges import Memory, Share, Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class Lion:
    """theta_t = theta_{t-1} - lr (sign(c_t) + weight_decay theta_{t-1}).

    c_t = beta1 m_{t-1} + (1 - beta1) g_t is looked at only through its sign; what is kept is another mean,
    m_t = beta2 m_{t-1} + (1 - beta2) g_t. The sign is no sum of a gradient's and a momentum's part, so that the step
    is one term beside the decay. The sign of zero is zero.

    Source: Chen et al. 2023, algorithm 2.

    Attributes:
        lr: Learning rate, which is how far each weight moves per step.
        beta1: Weight of the momentum, against the gradient, where the sign is taken, 0 to 1.
        beta2: Decay rate of the momentum, 0 to 1.
        weight_decay: Decoupled weight decay: each step takes lr times this share off a weight.
    """

    lr: Size = 1e-4
    beta1: Share = 0.9
    beta2: Memory = 0.99
    weight_decay: Size = 0.0

    coordinatewise: ClassVar[bool] = True
    family: ClassVar[str] = "signed-momentum"
    departures: ClassVar[Mapping[str, str]] = {
        "constant-step": "steps along the sign of the momentum do not shrink near an optimum"
    }

    def init(self, theta: Tensor) -> State:
        return {"m": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:  # noqa: ARG002
        c = self.beta1 * state["m"] + (1 - self.beta1) * gradient
        terms = {"step": -self.lr * sign(c), "decay": -self.lr * self.weight_decay * theta}
        return terms, {"m": self.beta2 * state["m"] + (1 - self.beta2) * gradient}


optimizer = Lion
