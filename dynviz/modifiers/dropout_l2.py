"""L2 decay with dropout: each step decays a random subset of the weights."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.plugins.ranges import Share, Size
from dynviz.rule import NOISE, Rule, State, Terms, joined, rate


@dataclass(frozen=True)
class DropoutL2:
    """The rule's step, and - lr decay theta_{t-1} b_t / (1 - p) with b_t = 0 with probability p, else 1.

    On average it is `decoupled-l2`; in between weights are left alone to learn.

    Attributes:
        decay: Each step takes lr times this share off a weight, on average.
        p: Probability that a weight does not decay at a step, 0 to 1.
    """

    rule: Rule
    decay: Size = 1e-2
    p: Share = 0.5

    coordinatewise: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("lr",)

    def init(self, theta: Tensor) -> State:
        return {**self.rule.init(theta), NOISE: torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        terms, after = self.rule.update(theta, gradient, state, t)
        # A tensor is divided, so that p = 1, by which nothing decays, is no division of a number by zero.
        pull = -rate(self.rule) * self.decay * theta / (1 - self.p)
        decay = torch.where(state[NOISE] >= self.p, pull, torch.zeros_like(theta))
        return joined(terms, decay=decay), {**after, NOISE: state[NOISE]}


modifier = DropoutL2
