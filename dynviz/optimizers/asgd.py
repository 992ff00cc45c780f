"""Averaged SGD: decreasing step sizes, and a running mean of the path."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from dynviz.plugins.ranges import Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class ASGD:
    """theta_t = (1 - lambd eta_t) theta_{t-1} - eta_t g_t, with eta_t = lr / (1 + lambd lr (t - 1))^alpha.

    ax_t = ax_{t-1} + mu_t (theta_t - ax_{t-1}), with mu_t = 1 / max(1, t - 1 - t0), is the mean of theta since step t0.
    It is state that no step depends on: what is recorded and drawn is theta. Weight decay is coupled:
    g_t <- g_t + weight_decay theta.

    Source: Polyak and Juditsky 1992 for the mean; Bottou 2012, "Stochastic gradient descent tricks", for the step
    sizes. As in `torch.optim.ASGD`, eta and mu count the steps before this one, and lambd is a decay as well as a time
    scale of eta.

    Attributes:
        lr: Initial learning rate.
        lambd: L2 penalty beside weight_decay, and how fast the step size falls.
        alpha: Exponent with which the step size falls.
        t0: Step after which the path is averaged; until then ax is theta itself.
        weight_decay: L2 penalty, added to the gradient.
    """

    lr: Size = 1e-2
    lambd: Size = 1e-4
    alpha: Size = 0.75
    t0: Size = 1e6
    weight_decay: Size = 0.0

    coordinatewise: ClassVar[bool] = True
    family: ClassVar[str] = "growing"

    def init(self, theta: Tensor) -> State:
        return {"ax": theta.clone()}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        eta = self.lr / (1 + self.lambd * self.lr * (t - 1)) ** self.alpha
        mu = 1 / (t - 1 - self.t0).clamp(min=1)
        terms = {"gradient": -eta * gradient, "decay": -eta * (self.lambd + self.weight_decay) * theta}
        after = theta + terms["gradient"] + terms["decay"]
        return terms, {"ax": state["ax"] + mu * (after - state["ax"])}


optimizer = ASGD
