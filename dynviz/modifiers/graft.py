"""Grafting: the direction of one rule, with the length of another one's step."""

import functools
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from dynviz import plugins
from dynviz.rule import Rule, State, Terms, rate


@dataclass(frozen=True)
class Graft:
    """The rule's step D_t, made as long as the step M_t of another rule: |M_t| / |D_t| D_t, for each parameter tensor.

    Both rules see every gradient and keep their own state; where the parameters go, only the grafted step takes them.
    The learning rate is that of M_t: it does not matter to the direction, unless the rule's own decay is scaled by
    it. A decoupled decay that should keep its length is a modifier outside: `shampoo+graft+decoupled-l2`.

    Of M_t all other hyperparameters are that rule's defaults: Adam with its momentum, plain SGD, whose step is lr g_t,
    RMSprop, or AdaGrad.

    Source: Agarwal, Anil, Hazan, Koren and Zhang 2020, Disentangling adaptive gradient methods from learning rates
    (AdaGraft), layer by layer, as Shampoo and Sketchy are trained.

    Attributes:
        magnitude: The rule whose steps are as long.
    """

    rule: Rule
    magnitude: Literal["adam", "sgd", "rmsprop", "adagrad"] = "adam"

    coordinatewise: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ("lr",)
    family: ClassVar[str] = ""
    PREFIX: ClassVar[str] = "magnitude_"

    def init(self, theta: Tensor) -> State:
        other = _of_length(self.magnitude).init(theta)
        return {**self.rule.init(theta), **{self.PREFIX + name: value for name, value in other.items()}}

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        own = {name.removeprefix(self.PREFIX): part for name, part in state.items() if name.startswith(self.PREFIX)}
        terms, after = self.rule.update(
            theta, gradient, {name: part for name, part in state.items() if not name.startswith(self.PREFIX)}, t
        )
        other = replace(_of_length(self.magnitude), lr=rate(self.rule))
        wanted, kept = other.update(theta, gradient, own, t)
        length, longest = _length(terms), _length(wanted)
        # A rule that stays where it is has no direction.
        share = torch.where(length == 0, torch.zeros_like(length), longest / length)
        grafted = {name: share.to(term.dtype) * term for name, term in terms.items()}
        return grafted, {**after, **{self.PREFIX + name: part for name, part in kept.items()}}


@functools.cache
def _of_length(name: str) -> Any:
    return plugins.load("optimizers", name).make()


def _length(terms: Terms) -> Tensor:
    step = torch.stack([term.double() for term in terms.values()]).sum(0)
    length: Tensor = torch.linalg.vector_norm(step)
    return length


modifier = Graft
