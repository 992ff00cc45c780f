"""AdaGrad: steps divided by the root of each coordinate's sum of squares."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.optimizers._elementwise import over
from dynviz.plugins.ranges import Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class Adagrad:
    """theta_t = theta_{t-1} - lr / (1 + (t - 1) lr_decay) g_t / (sqrt(sum_t) + eps).

    sum_t = sum_{t-1} + g_t^2, from initial_accumulator_value. Weight decay is coupled: g_t <- g_t + weight_decay theta.

    Source: Duchi, Hazan and Singer 2011, the diagonal form of figure 1. There the constant of the denominator is delta;
    lr_decay is that of `torch.optim.Adagrad`.

    Attributes:
        lr: Learning rate.
        lr_decay: How fast the learning rate itself falls: it is halved after 1 / lr_decay steps.
        initial_accumulator_value: The sum of squares before the first step.
        eps: Added to the root of the sum.
        weight_decay: L2 penalty, added to the gradient.
    """

    lr: Size = 1e-2
    lr_decay: Size = 0.0
    initial_accumulator_value: Size = 0.0
    eps: Size = 1e-10
    weight_decay: Size = 0.0

    coordinatewise: ClassVar[bool] = True
    family: ClassVar[str] = "falling"

    def init(self, theta: Tensor) -> State:
        return {"sum": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        decay = self.weight_decay * theta
        # Set here, for the lanes of a stack may begin with sums of their own.
        before = torch.where(t > 1, state["sum"], self.initial_accumulator_value)
        total = before + (gradient + decay).square()
        scale = over(-self.lr / (1 + (t - 1) * self.lr_decay), total.sqrt() + self.eps, self.eps)
        return {"gradient": scale * gradient, "decay": scale * decay}, {"sum": total}

    def watch(self, state: State) -> dict[str, Tensor]:
        """What the gradient is multiplied by, up to the learning rate."""
        return {"preconditioner": over(1.0, state["sum"].sqrt() + self.eps, self.eps)}


optimizer = Adagrad
