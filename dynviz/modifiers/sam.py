"""Sharpness-aware minimisation: the gradient at the worst point nearby."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.plugins.ranges import Size
from dynviz.rule import Rule, State, Terms


@dataclass(frozen=True)
class Sam:
    """The rule, with the gradient at theta_{t-1} + rho g_t / |g_t| in place of g_t, on the same batch.

    |g_t| is the length of the gradient over all parameters. A step costs two gradients.

    Source: Foret, Kleiner, Mobahi and Neyshabur 2021, Sharpness-aware minimization, algorithm 1 with p = 2.

    Attributes:
        rho: Distance, over all parameters together, at which the gradient is taken.
    """

    rule: Rule
    rho: Size = 0.05

    coordinatewise: ClassVar[bool] = True
    TINY: ClassVar[float] = 1e-12

    def init(self, theta: Tensor) -> State:
        return self.rule.init(theta)

    def perturb(self, gradient: Tensor) -> Tensor:
        """Where, from theta, the gradient of the step is taken; both are all parameters in a row."""
        length: Tensor = torch.linalg.vector_norm(gradient) + self.TINY
        return self.rho * gradient / length

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        return self.rule.update(theta, gradient, state, t)


modifier = Sam
