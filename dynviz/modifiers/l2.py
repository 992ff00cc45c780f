"""L2 penalty (coupled): its gradient is added before the rule sees it."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from dynviz.plugins.ranges import Size
from dynviz.rule import Rule, State, Terms


@dataclass(frozen=True)
class L2:
    """The rule, with g_t + decay theta_{t-1} in place of g_t.

    What the penalty does goes through the rule's own scaling, so it is no term of its own: an adaptive rule shrinks
    weights with large gradients less (Loshchilov and Hutter 2019, section 2).

    Attributes:
        decay: Strength of the penalty, which is half of this times the sum of the squared weights.
    """

    rule: Rule
    decay: Size = 1e-2

    coordinatewise: ClassVar[bool] = True

    def init(self, theta: Tensor) -> State:
        return self.rule.init(theta)

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        return self.rule.update(theta, gradient + self.decay * theta, state, t)


modifier = L2
