"""Gradient descent with Nesterov's momentum."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynviz.rule import State, Terms

# The line above is what `dynviz list` says about this file, and the docstring below what it says about each
# hyperparameter. Try it at once, beside a known rule:
#
#     dynviz run surface:f=rosenbrock -o ./NAME.py:lr=2e-4 -o sgd


@dataclass(frozen=True)
class Mine:
    """theta_t = theta_{t-1} - lr (g_t + momentum v_{t-1});  v_t = g_t + momentum v_{t-1}.

    Attributes:
        lr: Step size.
        momentum: Fraction of the velocity that is kept, 0 to 1.
    """

    # The hyperparameters. Whoever writes `./NAME.py:lr=0.1` sets one; without that the scenario's protocol, else this.
    lr: float = 1e-3
    momentum: float = 0.9

    # True where each coordinate of a step depends on that coordinate alone: then all parameters of all lanes are
    # stepped as one tensor, which is fast. Say False where a rule looks at a whole matrix; it then gets one at a time.
    coordinatewise: ClassVar[bool] = True

    def init(self, theta: Tensor) -> State:
        """The state before the first step: tensors by name."""
        return {"v": torch.zeros_like(theta)}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:  # noqa: ARG002
        """The terms of step t (1, 2, ...), which are added to theta, and the state after it.

        Modify nothing in place, and use `torch.where` instead of branching on a tensor: the same lines then work for
        hundreds of lanes at once, on a GPU and in float64. The terms can be recorded (`--record 'term.*'`) and are
        drawn by the views `ledger` and `update`; gradient, momentum, preconditioning, decay and noise have colours of
        their own.
        """
        kept = self.momentum * state["v"]
        terms = {"gradient": -self.lr * gradient, "momentum": -self.lr * kept}
        return terms, {"v": gradient + kept}


optimizer = Mine
