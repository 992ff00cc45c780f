"""NAdam: Adam that looks ahead along its momentum, as Nesterov's method does."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.optimizers._elementwise import over
from dynviz.plugins.ranges import Memory, Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class NAdam:
    """theta_t = theta_{t-1} - lr (a_t g_t + b_t m_t) / (sqrt(v_t / (1 - beta2^t)) + eps).

    m_t = beta1 m_{t-1} + (1 - beta1) g_t;  v_t = beta2 v_{t-1} + (1 - beta2) g_t^2;
    a_t = (1 - mu_t) / (1 - mu_1 ... mu_t) and b_t = mu_{t+1} / (1 - mu_1 ... mu_{t+1}), with
    mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2). Weight decay is coupled, g_t <- g_t + weight_decay theta, or
    decoupled, a term -lr weight_decay theta.

    Source: Dozat 2016, algorithm 2, with its schedule of mu. The paper's m is a mean with the weights mu_t; as in
    `torch.optim.NAdam` m decays with beta1 here, and the product of the mu is state: a tensor of theta's shape.

    Attributes:
        lr: Learning rate.
        beta1: Decay rate of the mean gradient, 0 to 1; mu warms up to it from half of it.
        beta2: Decay rate of the running mean of squared gradients, 0 to 1.
        eps: Added to the root of the mean square.
        momentum_decay: How fast mu warms up; 0 keeps it at half of beta1.
        weight_decay: L2 penalty, added to the gradient; or decoupled, when each step takes lr times this share off.
        decoupled_weight_decay: Whether weight decay bypasses the running means.
    """

    lr: Size = 2e-3
    beta1: Memory = 0.9
    beta2: Memory = 0.999
    eps: Size = 1e-8
    momentum_decay: Size = 4e-3
    weight_decay: Size = 0.0
    decoupled_weight_decay: bool = False

    coordinatewise: ClassVar[bool] = True

    def init(self, theta: Tensor) -> State:
        return {"m": torch.zeros_like(theta), "v": torch.zeros_like(theta), "mu_product": torch.ones_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        coupled = 0.0 if self.decoupled_weight_decay else self.weight_decay
        penalised = gradient + coupled * theta
        kept = self.beta1 * state["m"]
        v = self.beta2 * state["v"] + (1 - self.beta2) * penalised.square()
        mu, ahead = self._mu(t), self._mu(t + 1)
        product = state["mu_product"] * mu
        scale = over(-self.lr, v.sqrt() / (1 - self.beta2**t).sqrt() + self.eps, self.eps)
        looked = scale * ahead / (1 - product * ahead)
        fresh = scale * (1 - mu) / (1 - product) + (1 - self.beta1) * looked
        decay = -self.lr * self.weight_decay * theta if self.decoupled_weight_decay else fresh * (coupled * theta)
        terms = {"gradient": fresh * gradient, "momentum": looked * kept, "decay": decay}
        return terms, {"m": kept + (1 - self.beta1) * penalised, "v": v, "mu_product": product}

    def _mu(self, t: Tensor) -> Tensor:
        return self.beta1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))


optimizer = NAdam
