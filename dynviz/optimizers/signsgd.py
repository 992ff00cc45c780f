"""Sign descent: moves every weight by the same amount; Signum with momentum."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.optimizers._elementwise import sign
from dynviz.plugins.ranges import Memory, Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class SignSGD:
    """theta_t = theta_{t-1} - lr (sign(m_t) + weight_decay theta_{t-1}).

    m_t = momentum m_{t-1} + (1 - momentum) g_t: without momentum the sign is that of the gradient (signSGD), with it
    that of a mean (Signum). The sign is no sum of a gradient's and a momentum's part, so that the step is one term
    beside the decay. The sign of zero is zero.

    Source: Bernstein et al. 2018, algorithms 1 and 2; the decay as in Signum's published code.

    Attributes:
        lr: Learning rate, which is how far each weight moves per step.
        momentum: Decay rate of the mean gradient, 0 to 1 (beta in the paper).
        weight_decay: Decoupled weight decay: each step takes lr times this share off a weight.
    """

    lr: Size = 1e-3
    momentum: Memory = 0.0
    weight_decay: Size = 0.0

    coordinatewise: ClassVar[bool] = True
    departures: ClassVar[Mapping[str, str]] = {"constant-step": "steps along a sign do not shrink near an optimum"}

    def init(self, theta: Tensor) -> State:
        return {"m": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:  # noqa: ARG002
        m = self.momentum * state["m"] + (1 - self.momentum) * gradient
        return {"step": -self.lr * sign(m), "decay": -self.lr * self.weight_decay * theta}, {"m": m}


optimizer = SignSGD
