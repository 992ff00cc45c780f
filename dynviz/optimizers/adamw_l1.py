"""Adam with decoupled L1 decay: every weight shrinks by the same amount."""

from dataclasses import dataclass

from torch import Tensor

from dynviz.optimizers.adamw import AdamW
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class AdamWL1(AdamW):
    """theta_t = theta_{t-1} - lr weight_decay sign(theta_{t-1}) - the step of AdamW without its decay.

    Source: the L1 variant of AdamW in an analysis of weight decay on a 2D classification task; the proximal form
    of the same penalty is soft thresholding.

    Attributes:
        lr: Learning rate.
        beta1: Decay rate of the running mean of gradients, 0 to 1.
        beta2: Decay rate of the running mean of squared gradients, 0 to 1.
        eps: Added to the root of the mean square.
        weight_decay: Decoupled L1 decay: each step moves a weight towards zero by lr times this.
    """

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        terms, state = super().update(theta, gradient, state, t)
        return {**terms, "decay": -self.lr * self.weight_decay * theta.sign()}, state


optimizer = AdamWL1
