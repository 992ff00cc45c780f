"""Rprop: each coordinate adapts its own step size to its gradient's signs."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.optimizers._elementwise import sign
from dynviz.plugins.ranges import Factor, Share, Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class Rprop:
    """theta_t = theta_{t-1} - sign(g_t) d_t, coordinate by coordinate.

    d_t = d_{t-1} eta_plus where g_t has the sign of g_{t-1}, d_{t-1} eta_minus where it has the other, d_{t-1} where
    either is 0; kept within [step_min, step_max]. Where the sign changed, g_t counts as 0 in the step and in the next
    comparison: the coordinate waits one step.

    Source: Riedmiller and Braun 1993, without its way back over the last step: iRprop- of Igel and Huesken 2000, and
    `torch.optim.Rprop`, where eta_minus and eta_plus are `etas`, step_min and step_max are `step_sizes`. Two things
    differ from torch: signs are taken before they are multiplied, so that small gradients do not vanish in a product,
    and a gradient of NaN makes the coordinate NaN, where torch leaves it.

    Attributes:
        lr: Size of the first step.
        eta_minus: Factor on a step size after the gradient changed its sign, below 1.
        eta_plus: Factor on a step size while the gradient keeps its sign, above 1.
        step_min: Smallest step size.
        step_max: Largest step size.
    """

    lr: Size = 1e-2
    eta_minus: Share = 0.5
    eta_plus: Factor = 1.2
    step_min: Size = 1e-6
    step_max: Size = 50.0

    coordinatewise: ClassVar[bool] = True

    def init(self, theta: Tensor) -> State:
        return {"prev": torch.zeros_like(theta), "step_size": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:  # noqa: ARG002
        # The product of two small gradients would vanish.
        agreement = gradient.sign() * state["prev"].sign()
        # Set here, for the lanes of a stack may begin with step sizes of their own.
        size = torch.where(t > 1, state["step_size"], self.lr)
        size = torch.where(agreement > 0, self.eta_plus * size, torch.where(agreement < 0, self.eta_minus * size, size))
        size = torch.where(size < self.step_min, self.step_min, size)
        size = torch.where(size > self.step_max, self.step_max, size)
        heeded = torch.where(agreement < 0, 0.0, gradient)
        return {"gradient": -sign(heeded) * size}, {"prev": heeded, "step_size": size}


optimizer = Rprop
