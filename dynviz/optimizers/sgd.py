"""Stochastic gradient descent, with heavy-ball or Nesterov momentum."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class SGD:
    """v_t = momentum v_{t-1} + g_t;  theta_t = theta_{t-1} - lr v_t.

    With Nesterov's momentum the step is -lr (g_t + momentum v_t). Weight decay is coupled: it is added to the gradient,
    g_t <- g_t + weight_decay theta. As in `torch.optim.SGD` the first velocity is the first gradient, undamped.
    Without momentum dampening counts all the same, where torch passes it over.

    Source: Polyak 1964; Nesterov 1983; Sutskever et al. 2013 for the form.

    Attributes:
        lr: Step size.
        momentum: Share of the velocity that stays, 0 to 1.
        dampening: Share of the new gradient that the velocity leaves out, after the first step.
        nesterov: Whether the gradient is looked at ahead of the momentum.
        weight_decay: L2 penalty, added to the gradient.
    """

    lr: float = 1e-3
    momentum: float = 0.0
    dampening: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    coordinatewise: ClassVar[bool] = True

    def __post_init__(self) -> None:
        values = (self.momentum, self.dampening)
        # Where lanes differ these are tensors, which a rule does not branch on.
        if self.nesterov and all(type(value) is float for value in values) and (values[0] <= 0 or values[1] != 0):
            raise DynvizError("sgd:nesterov=true needs momentum above 0 and dampening 0")

    def init(self, theta: Tensor) -> State:
        return {"velocity": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        fresh = 1 - self.dampening * (t > 1).to(t.dtype)
        kept = self.momentum * state["velocity"]
        decay = self.weight_decay * theta
        velocity = kept + fresh * (gradient + decay)
        if self.nesterov:
            ahead = 1 + self.momentum
            terms = {"gradient": ahead * gradient, "momentum": self.momentum * kept, "decay": ahead * decay}
        else:
            terms = {"gradient": fresh * gradient, "momentum": kept, "decay": fresh * decay}
        return {name: -self.lr * term for name, term in terms.items()}, {"velocity": velocity}


optimizer = SGD
