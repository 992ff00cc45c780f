"""Fromage: moves each layer by the same fraction of its norm."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.plugins.ranges import Size
from dynviz.rule import State, Terms


@dataclass(frozen=True)
class Fromage:
    """theta_t = (theta_{t-1} - lr |theta_{t-1}| / |g_t| g_t) / sqrt(1 + lr^2).

    The norms are Frobenius norms of one parameter tensor. Where either is zero, the gradient is taken as it is. The
    division keeps the norm of a layer whose gradient is at right angles to it; its part of the step is the decay.

    Source: Bernstein, Vahdat, Yue and Liu 2020, algorithm 1, where lr is called eta. optax's fromage takes norms below
    1e-6 for 1e-6.

    Attributes:
        lr: Learning rate: the fraction of its norm by which a layer moves.
    """

    lr: Size = 1e-2

    coordinatewise: ClassVar[bool] = False
    space: ClassVar[Mapping[str, str]] = {"lr": "log(1e-3,0.3)"}
    departures: ClassVar[Mapping[str, str]] = {
        "constant-step": "only the gradient's direction counts: a step is a fixed fraction of the parameter's norm"
    }

    def init(self, theta: Tensor) -> State:  # noqa: ARG002
        return {}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:  # noqa: ARG002
        weight, slope = torch.linalg.vector_norm(theta), torch.linalg.vector_norm(gradient)
        none = (weight == 0) | (slope == 0)
        ratio = torch.where(none, 1, weight) / torch.where(none, 1, slope)
        shrink = (1 + self.lr**2) ** -0.5
        return {"gradient": -self.lr * shrink * ratio * gradient, "decay": (shrink - 1) * theta}, {}


optimizer = Fromage
