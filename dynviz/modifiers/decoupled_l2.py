"""L2 decay (decoupled): weights shrink in proportion to themselves."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from dynviz.plugins.ranges import Size
from dynviz.rule import Rule, State, Terms, joined, rate


@dataclass(frozen=True)
class DecoupledL2:
    """The rule's step, and - lr decay theta_{t-1}.

    Source: Loshchilov and Hutter 2019, Decoupled weight decay regularization.

    Attributes:
        decay: Each step takes lr times this share off a weight.
    """

    rule: Rule
    decay: Size = 1e-2

    coordinatewise: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("lr",)

    def init(self, theta: Tensor) -> State:
        return self.rule.init(theta)

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        terms, state = self.rule.update(theta, gradient, state, t)
        return joined(terms, decay=-rate(self.rule) * self.decay * theta), state


modifier = DecoupledL2
