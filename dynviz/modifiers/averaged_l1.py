"""L1 decay with averaged statistics: spares weights that swing about zero."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.plugins.ranges import Memory, Size
from dynviz.rule import Rule, State, Terms, joined, rate


@dataclass(frozen=True)
class AveragedL1:
    """The rule's step, and - lr decay a_t / (1 - gamma^t) / sqrt(b_t / (1 - gamma^t)).

    a_t = gamma a_{t-1} + (1 - gamma) theta_{t-1};  b_t = gamma b_{t-1} + (1 - gamma) theta_{t-1}^2.

    The ratio is the sign of a weight that stays where it is, so that it decays as by `decoupled-l1`, and near zero for
    one that swings from side to side, which the sign itself would push to and fro.

    Attributes:
        decay: Each step moves a steady weight towards zero by lr times this.
        gamma: Decay rate of the averages over past weights, 0 to 1.
    """

    rule: Rule
    decay: Size = 1e-2
    gamma: Memory = 0.99

    coordinatewise: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("lr",)

    def init(self, theta: Tensor) -> State:
        return {**self.rule.init(theta), "mean": torch.zeros_like(theta), "square": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        terms, after = self.rule.update(theta, gradient, state, t)
        mean = self.gamma * state["mean"] + (1 - self.gamma) * theta
        square = self.gamma * state["square"] + (1 - self.gamma) * theta.square()
        tiny = torch.finfo(theta.dtype).tiny
        ratio = mean / (square * (1 - self.gamma**t)).sqrt().clamp(min=tiny)
        decay = -rate(self.rule) * self.decay * ratio
        return joined(terms, decay=decay), {**after, "mean": mean, "square": square}


modifier = AveragedL1
