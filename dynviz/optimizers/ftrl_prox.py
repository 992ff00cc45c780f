"""FTRL-Proximal: AdaGrad with an L1 penalty that makes weights exactly zero."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from dynviz.plugins.ranges import Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class FTRLProximal:
    """theta_t = 0 where |z_t| <= lr l1, else -(z_t - sign(z_t) lr l1) / (beta + sqrt(n_t) + lr l2).

    n_t = n_{t-1} + g_t^2 and z_t = z_{t-1} + lr g_t - (sqrt(n_t) - sqrt(n_{t-1})) theta_{t-1}. The paper's z is this
    one over lr, which is the same while lr is constant and has no division by it. The term `gradient` is AdaGrad's
    step, -lr g_t / (beta + sqrt(n_t) + lr l2); `decay` is all that the penalties change of it, the clipping to zero
    above all.

    The paper's weights start at zero. For weights that do not, beta's share of the regulariser, beta / (2 lr)
    |theta - theta_0|^2, stands around where they start: z_0 = -beta theta_0, and without penalties this is AdaGrad.
    With centre=zero it stands around zero and z_0 = 0, the algorithm as printed, which first pulls weights to zero.

    Source: McMahan et al. 2013, algorithm 1, where lr is called alpha, and l1 and l2 lambda_1 and lambda_2.

    Attributes:
        lr: Learning rate.
        beta: Added to the root of the sum of squares.
        l1: Penalty on the absolute values, on the scale of a sum of gradients.
        l2: Penalty on half the squares, on the same scale.
        centre: Point to which beta's regulariser pulls weights: their `start` or `zero`.
    """

    lr: Size = 0.1
    beta: Size = 1.0
    l1: Size = 0.0
    l2: Size = 0.0
    centre: Literal["start", "zero"] = "start"

    coordinatewise: ClassVar[bool] = True
    family: ClassVar[str] = "falling"

    def init(self, theta: Tensor) -> State:
        return {"z": torch.zeros_like(theta), "n": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        before = state["z"]
        if self.centre == "start":
            before = torch.where(t == 1, -self.beta * theta, before)
        n = state["n"] + gradient.square()
        z = before + self.lr * gradient - (n.sqrt() - state["n"].sqrt()) * theta
        norm = self.beta + n.sqrt() + self.lr * self.l2
        # Before the first gradient, with beta and l2 of zero, nothing holds a weight anywhere: it stays.
        free = norm == 0
        norm = torch.where(free, 1, norm)
        after = torch.where(free, theta, -z.sign() * (z.abs() - self.lr * self.l1).relu() / norm)
        # Both are rounded to theta's dtype before the difference is taken, so that zeros come out exactly.
        step = (-self.lr * gradient / norm).to(theta.dtype)
        return {"gradient": step, "decay": after.to(theta.dtype) - (theta + step)}, {"z": z, "n": n}


optimizer = FTRLProximal
