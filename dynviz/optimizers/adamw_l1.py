"""Adam with decoupled L1 decay: every weight shrinks by the same amount."""

from dataclasses import dataclass

from torch import Tensor

from dynviz.optimizers.adamw import AdamW


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

    def _pull(self, theta: Tensor) -> Tensor:
        return theta.sign()


optimizer = AdamWL1
