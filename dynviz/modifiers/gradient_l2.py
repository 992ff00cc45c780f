"""L2 decay that is stronger where gradients are small."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.plugins.ranges import Memory, Positive, Size
from dynviz.rule import Rule, State, Terms, joined, rate


@dataclass(frozen=True)
class GradientL2:
    """The rule's step, and - lr decay theta_{t-1} scale / (scale + sqrt(u_t / (1 - gamma^t))).

    u_t = gamma u_{t-1} + (1 - gamma) g_t^2.

    Attributes:
        decay: Each step takes lr times this share off a weight that has no gradient.
        scale: Root mean square of the gradient at which the decay is halved; above 0.
        gamma: Decay rate of the mean square, 0 to 1.
    """

    rule: Rule
    decay: Size = 1e-2
    scale: Positive = 1e-3
    gamma: Memory = 0.99

    coordinatewise: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("lr",)

    def init(self, theta: Tensor) -> State:
        return {**self.rule.init(theta), "learning": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        terms, after = self.rule.update(theta, gradient, state, t)
        learning = self.gamma * state["learning"] + (1 - self.gamma) * gradient.square()
        share = self.scale / (self.scale + (learning / (1 - self.gamma**t)).sqrt())
        decay = -rate(self.rule) * self.decay * share * theta
        return joined(terms, decay=decay), {**after, "learning": learning}


modifier = GradientL2
