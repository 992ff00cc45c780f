"""RAdam: Adam that takes momentum steps until its mean square can be trusted."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.optimizers._elementwise import over
from dynviz.plugins.ranges import Memory, Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class RAdam:
    """theta_t = theta_{t-1} - lr m_t / (1 - beta1^t) q_t, with q_t = r_t sqrt(1 - beta2^t) / (sqrt(v_t) + eps).

    m_t = beta1 m_{t-1} + (1 - beta1) g_t;  v_t = beta2 v_{t-1} + (1 - beta2) g_t^2;
    r_t^2 = (rho_t - 4) (rho_t - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho_t);  rho_inf = 2 / (1 - beta2) - 1;
    rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t). While rho_t <= 5 too few gradients make up v_t, and q_t is 1.
    Weight decay is coupled, g_t <- g_t + weight_decay theta, or decoupled, a term -lr weight_decay theta.

    Source: Liu et al. 2020, algorithm 2, whose threshold is 4 and which has no eps. As in `torch.optim.RAdam` the
    threshold is 5, and eps is added to the root before the bias of v is corrected.

    Attributes:
        lr: Learning rate.
        beta1: Decay rate of the running mean of gradients, 0 to 1.
        beta2: Decay rate of the mean square, 0 to 1; up to 2/3 the mean square is never trusted.
        eps: Added to the root of the mean square.
        weight_decay: L2 penalty, added to the gradient; or decoupled, when each step takes lr times this share off.
        decoupled_weight_decay: Whether weight decay bypasses the running means.
    """

    lr: Size = 1e-3
    beta1: Memory = 0.9
    beta2: Memory = 0.999
    eps: Size = 1e-8
    weight_decay: Size = 0.0
    decoupled_weight_decay: bool = False

    coordinatewise: ClassVar[bool] = True
    family: ClassVar[str] = "rectified"

    def init(self, theta: Tensor) -> State:
        return {"m": torch.zeros_like(theta), "v": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        coupled = 0.0 if self.decoupled_weight_decay else self.weight_decay
        penalised = gradient + coupled * theta
        kept = self.beta1 * state["m"]
        v = self.beta2 * state["v"] + (1 - self.beta2) * penalised.square()
        trusted, r = self._rectification(t)
        q = torch.where(trusted, over(r * (1 - self.beta2**t).sqrt(), v.sqrt() + self.eps, self.eps), 1.0)
        scale = -self.lr / (1 - self.beta1**t) * q
        fresh = (1 - self.beta1) * scale
        decay = -self.lr * self.weight_decay * theta if self.decoupled_weight_decay else fresh * (coupled * theta)
        terms = {"gradient": fresh * gradient, "momentum": scale * kept, "decay": decay}
        return terms, {"m": kept + (1 - self.beta1) * penalised, "v": v}

    def _rectification(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Whether the mean square is trusted at step t, and r_t where it is."""
        limit = 2 / (1 - self.beta2) - 1
        length = limit - 2 * t * self.beta2**t / (1 - self.beta2**t)
        trusted = length > 5
        square = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
        return trusted, torch.where(trusted, square, 1.0).sqrt()


optimizer = RAdam
