"""Adam: steps scaled by running means of the gradient and of its square."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.optimizers._elementwise import over
from dynviz.plugins.ranges import Memory, Size
from dynviz.rule import State, Terms, as_tensor, power


@dataclass(frozen=True)
class Adam:
    """theta_t = theta_{t-1} - lr m_t / (1 - beta1^t) / (sqrt(v_t / (1 - beta2^t)) + eps).

    m_t = beta1 m_{t-1} + (1 - beta1) g_t and v_t = beta2 v_{t-1} + (1 - beta2) g_t^2, so that the step is the sum of
    the fresh gradient's part and of the momentum's. Weight decay is coupled: g_t <- g_t + weight_decay theta.

    Source: Kingma and Ba 2015, algorithm 1.

    Attributes:
        lr: Learning rate.
        beta1: Decay rate of the running mean of gradients, 0 to 1.
        beta2: Decay rate of the running mean of squared gradients, 0 to 1.
        eps: Added to the root of the mean square.
        weight_decay: L2 penalty, added to the gradient.
    """

    lr: Size = 1e-3
    beta1: Memory = 0.9
    beta2: Memory = 0.999
    eps: Size = 1e-8
    weight_decay: Size = 0.0

    coordinatewise: ClassVar[bool] = True

    def init(self, theta: Tensor) -> State:
        return {"m": torch.zeros_like(theta), "v": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        penalised = gradient + self.weight_decay * theta
        kept = self.beta1 * state["m"]
        v = self.beta2 * state["v"] + (1 - self.beta2) * penalised.square()
        rate = as_tensor(-self.lr / (1 - power(self.beta1, t)))
        scale = over(rate, v.sqrt() / (1 - power(self.beta2, t)) ** 0.5 + self.eps, self.eps)
        fresh = (1 - self.beta1) * scale
        terms = {
            "gradient": fresh * gradient,
            "momentum": scale * kept,
            "decay": fresh * (self.weight_decay * theta),
        }
        return terms, {"m": kept + (1 - self.beta1) * penalised, "v": v}

    def watch(self, state: State) -> dict[str, Tensor]:
        """What the mean gradient is multiplied by, up to the learning rate and the bias of the first steps."""
        return {"preconditioner": over(1.0, state["v"].sqrt() + self.eps, self.eps)}


optimizer = Adam
