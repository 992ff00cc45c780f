"""Stochastic gradient descent, with heavy-ball or Nesterov momentum."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.plugins.ranges import Share, Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class SGD:
    """v_t = momentum v_{t-1} + g_t;  theta_t = theta_{t-1} - lr v_t.

    With Nesterov's momentum the step is -lr (g_t + momentum v_t). Weight decay is coupled: it is added to the gradient,
    g_t <- g_t + weight_decay theta. As in `torch.optim.SGD` the first velocity is the first gradient, undamped.
    Without momentum dampening counts all the same, where torch passes it over.

    Source: Polyak 1964; Nesterov 1983; Sutskever et al. 2013 for the form.

    Attributes:
        lr: Learning rate.
        momentum: Fraction of the velocity that is kept, 0 to 1.
        dampening: Fraction of each gradient after the first that is left out of the velocity.
        nesterov: Whether to use Nesterov's momentum.
        weight_decay: L2 penalty, added to the gradient.
    """

    lr: Size = 1e-3
    momentum: Share = 0.0
    dampening: Share = 0.0
    nesterov: bool = False
    weight_decay: Size = 0.0

    coordinatewise: ClassVar[bool] = True
    family: ClassVar[str] = "growing"

    def __post_init__(self) -> None:
        values = (self.momentum, self.dampening)
        # Where lanes differ these are tensors, which a rule does not branch on.
        if self.nesterov and all(type(value) is float for value in values) and (values[0] <= 0 or values[1] != 0):
            raise DynvizError("sgd:nesterov=true needs momentum above 0 and dampening 0")

    def init(self, theta: Tensor) -> State:
        return {} if _off(self.momentum) else {"velocity": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        fresh = 1.0 if _off(self.dampening) else 1 - self.dampening * (t > 1).to(t.dtype)
        # What is off costs nothing: for large matrices each further pass over the weights counts.
        decay = None if _off(self.weight_decay) else self.weight_decay * theta
        if _off(self.momentum):
            terms = {"gradient": -self.lr * fresh * gradient}
            return (terms if decay is None else {**terms, "decay": -self.lr * fresh * decay}), {}
        kept = self.momentum * state["velocity"]
        velocity = kept + fresh * (gradient if decay is None else gradient + decay)
        ahead = 1 + self.momentum if self.nesterov else fresh
        terms = {
            "gradient": -self.lr * ahead * gradient,
            "momentum": -self.lr * (self.momentum * kept if self.nesterov else kept),
        }
        return (terms if decay is None else {**terms, "decay": -self.lr * ahead * decay}), {"velocity": velocity}


def _off(value: float | Tensor) -> bool:
    """Whether a number is zero for all lanes and steps; one that differs between them is a tensor."""
    return isinstance(value, int | float) and value == 0


optimizer = SGD
