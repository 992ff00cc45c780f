"""AdaMax: Adam with the largest recent gradient in place of the mean square."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.optimizers._elementwise import over
from dynviz.plugins.ranges import Memory, Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class Adamax:
    """theta_t = theta_{t-1} - lr m_t / (1 - beta1^t) / u_t.

    m_t = beta1 m_{t-1} + (1 - beta1) g_t;  u_t = max(beta2 u_{t-1}, |g_t| + eps). Weight decay is coupled:
    g_t <- g_t + weight_decay theta.

    Source: Kingma and Ba 2015, algorithm 2, which has no eps; it stands inside the maximum as in `torch.optim.Adamax`.

    Attributes:
        lr: Learning rate.
        beta1: Decay rate of the running mean of gradients, 0 to 1.
        beta2: Decay rate of the largest gradient, 0 to 1.
        eps: Added to the size of each gradient before the maximum is taken.
        weight_decay: L2 penalty, added to the gradient.
    """

    lr: Size = 2e-3
    beta1: Memory = 0.9
    beta2: Memory = 0.999
    eps: Size = 1e-8
    weight_decay: Size = 0.0

    coordinatewise: ClassVar[bool] = True

    def init(self, theta: Tensor) -> State:
        return {"m": torch.zeros_like(theta), "u": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        decay = self.weight_decay * theta
        penalised = gradient + decay
        kept = self.beta1 * state["m"]
        u = torch.maximum(self.beta2 * state["u"], penalised.abs() + self.eps)
        scale = over(-self.lr / (1 - self.beta1**t), u, self.eps)
        fresh = (1 - self.beta1) * scale
        terms = {"gradient": fresh * gradient, "momentum": scale * kept, "decay": fresh * decay}
        return terms, {"m": kept + (1 - self.beta1) * penalised, "u": u}


optimizer = Adamax
