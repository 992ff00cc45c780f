"""L1 decay (proximal): a soft threshold sets small weights to exactly zero."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.plugins.ranges import Size
from dynviz.rule import Rule, State, Terms, rate


@dataclass(frozen=True)
class ProximalL1:
    """theta_t = sign(z) max(|z| - lr decay, 0) with z the weights after the rule's step.

    Source: Parikh and Boyd 2014, Proximal algorithms, section 4.2 (proximal gradient), section 6.5.2 (soft threshold).

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
        # Rounded and added one by one as training does, the decay last, so that what goes to zero goes there exactly.
        terms = {name: term.to(theta.dtype) for name, term in terms.items()}
        own = terms.pop("decay", 0.0)
        moved = theta
        for term in terms.values():
            moved = moved + term
        z, reach = moved + own, rate(self.rule) * self.decay
        pull = torch.where(z.abs() <= reach, -moved, own - reach * z.sign())
        # Weights that are not finite stay so.
        return {**terms, "decay": torch.where(z.isfinite(), pull, torch.nan)}, state


modifier = ProximalL1
