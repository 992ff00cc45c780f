"""RMSprop: the gradient divided by the root of its running mean square."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.optimizers._elementwise import over
from dynviz.plugins.ranges import Memory, Share, Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class RMSprop:
    """theta_t = theta_{t-1} - lr b_t, with b_t = momentum b_{t-1} + g_t / (sqrt(v_t) + eps).

    v_t = alpha v_{t-1} + (1 - alpha) g_t^2. Centered, the root is of v_t - m_t^2, an estimate of the gradient's
    variance, with m_t = alpha m_{t-1} + (1 - alpha) g_t. Weight decay is coupled: g_t <- g_t + weight_decay theta.

    Source: Tieleman and Hinton 2012, lecture 6e; Graves 2013, equations 38 to 41, for the centered form, whose eps
    stands under the root. As in `torch.optim.RMSprop` it is added to the root, and b leaves lr out. A variance that
    rounding makes negative counts as 0 here, where torch gives NaN.

    Attributes:
        lr: Learning rate.
        alpha: Decay rate of the mean square, 0 to 1.
        eps: Added to the root.
        momentum: Fraction of the last step that is kept, 0 to 1.
        centered: Whether to divide by an estimate of the variance instead of the mean square.
        weight_decay: L2 penalty, added to the gradient.
    """

    lr: Size = 1e-2
    alpha: Memory = 0.99
    eps: Size = 1e-8
    momentum: Share = 0.0
    centered: bool = False
    weight_decay: Size = 0.0

    coordinatewise: ClassVar[bool] = True
    departures: ClassVar[Mapping[str, str]] = {
        "constant-step": "v forgets how large the gradients were, so that near an optimum the steps stay about lr long"
    }

    def init(self, theta: Tensor) -> State:
        names = ("v", "velocity", "m") if self.centered else ("v", "velocity")
        return {name: torch.zeros_like(theta) for name in names}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:  # noqa: ARG002
        decay = self.weight_decay * theta
        penalised = gradient + decay
        after = {"v": self.alpha * state["v"] + (1 - self.alpha) * penalised.square()}
        spread = after["v"]
        if self.centered:
            after["m"] = self.alpha * state["m"] + (1 - self.alpha) * penalised
            spread = (spread - after["m"].square()).clamp(min=0)
        scale = over(1.0, spread.sqrt() + self.eps, self.eps)
        kept = self.momentum * state["velocity"]
        terms = {"gradient": scale * gradient, "momentum": kept, "decay": scale * decay}
        after["velocity"] = kept + scale * penalised
        return {name: -self.lr * term for name, term in terms.items()}, after

    def watch(self, state: State) -> dict[str, Tensor]:
        """What the gradient is multiplied by, up to the learning rate."""
        spread = (state["v"] - state["m"].square()).clamp(min=0) if self.centered else state["v"]
        return {"preconditioner": over(1.0, spread.sqrt() + self.eps, self.eps)}


optimizer = RMSprop
