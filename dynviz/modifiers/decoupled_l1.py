"""L1 decay (decoupled): all weights move towards zero at the same rate."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from dynviz.plugins.ranges import Size
from dynviz.rule import Rule, State, Terms, joined, rate


@dataclass(frozen=True)
class DecoupledL1:
    """The rule's step, and - lr decay sign(theta_{t-1}).

    Weights swing about zero by lr decay; `proximal-l1` sets them to it.

    Attributes:
        decay: Each step moves a weight towards zero by lr times this.
    """

    rule: Rule
    decay: Size = 1e-2

    coordinatewise: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("lr",)

    def init(self, theta: Tensor) -> State:
        return self.rule.init(theta)

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        terms, state = self.rule.update(theta, gradient, state, t)
        return joined(terms, decay=-rate(self.rule) * self.decay * theta.sign()), state


modifier = DecoupledL1
