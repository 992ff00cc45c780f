"""Adam with decoupled weight decay: weights shrink in proportion to themselves."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.optimizers._elementwise import over
from dynviz.plugins.ranges import Memory, Size
from dynviz.rule import State, Terms, as_tensor, power


@dataclass(frozen=True)
class AdamW:
    """theta_t = theta_{t-1} - lr weight_decay theta_{t-1} - lr m_t / (1 - beta1^t) / (sqrt(v_t / (1 - beta2^t)) + eps).

    m_t = beta1 m_{t-1} + (1 - beta1) g_t;  v_t = beta2 v_{t-1} + (1 - beta2) g_t^2.

    Source: Loshchilov and Hutter 2019, algorithm 2, with the decay scaled by the step size as in `torch.optim.AdamW`.

    Attributes:
        lr: Learning rate.
        beta1: Decay rate of the running mean of gradients, 0 to 1.
        beta2: Decay rate of the running mean of squared gradients, 0 to 1.
        eps: Added to the root of the mean square.
        weight_decay: Decoupled weight decay: each step takes lr times this share off a weight.
    """

    lr: Size = 1e-3
    beta1: Memory = 0.9
    beta2: Memory = 0.999
    eps: Size = 1e-8
    weight_decay: Size = 1e-2

    coordinatewise: ClassVar[bool] = True

    def init(self, theta: Tensor) -> State:
        return {"m": torch.zeros_like(theta), "v": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        kept, fresh = self.beta1 * state["m"], (1 - self.beta1) * gradient
        v = self.beta2 * state["v"] + (1 - self.beta2) * gradient.square()
        rate = as_tensor(-self.lr / (1 - power(self.beta1, t)))
        scale = over(rate, v.sqrt() / (1 - power(self.beta2, t)) ** 0.5 + self.eps, self.eps)
        terms = {
            "gradient": scale * fresh,
            "momentum": scale * kept,
            "decay": -self.lr * self.weight_decay * self._pull(theta),
        }
        return terms, {"m": kept + fresh, "v": v}

    def move(self, theta: Tensor, gradient: Tensor, state: State, t: float) -> Tensor:
        """The whole step at once, see `dynviz.rule.QuickRule`."""
        m = state["m"].lerp_(gradient, 1 - self.beta1)
        v = state["v"].mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
        root = v.sqrt().mul_((1 - self.beta2**t) ** -0.5).add_(self.eps)
        move = over(m, root, self.eps).mul_(-self.lr / (1 - self.beta1**t))
        return move.add_(self._pull(theta), alpha=-self.lr * self.weight_decay) if self.weight_decay else move

    def _pull(self, theta: Tensor) -> Tensor:
        """What the decay is in proportion to."""
        return theta


optimizer = AdamW
