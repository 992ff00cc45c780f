"""The contract of an optimizer: the equation of one step, for one parameter tensor."""

from typing import ClassVar, Protocol, TypeAlias

from torch import Tensor

State: TypeAlias = dict[str, Tensor]
Terms: TypeAlias = dict[str, Tensor]

TERMS = ("gradient", "momentum", "preconditioning", "decay", "noise")
"""Names of terms that have a colour of their own in every picture; a rule may name others."""


class Rule(Protocol):
    """A frozen dataclass whose fields are the hyperparameters.

    Training adds the terms up: `theta + sum(terms)`. A field that is a float may hold a tensor without dimensions
    (one lane's value under `torch.func.vmap`), so a rule calls no `float()`, `.item()` or `math` function on it and
    does not branch on it; whole numbers, flags and words are plain Python. `t` is a float64 tensor that starts at 1.
    Nothing is changed in place.

    Attributes:
        coordinatewise: True where each coordinate of a step depends on that coordinate alone, with state tensors
            of theta's shape. Training then joins all parameters, and all lanes, into one tensor.
    """

    coordinatewise: ClassVar[bool]

    def init(self, theta: Tensor) -> State:
        """The state before the first step."""
        ...

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        """The named terms of step t, each of theta's shape, and the state after it."""
        ...
