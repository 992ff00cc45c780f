"""The inputs of a rule's step besides theta and the gradient, as tensors, for one step or a block of steps."""

import functools
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from dynviz.frozen import frozen


class ChangingValue(Protocol):
    """A value that changes with the step, see `dynviz.plugins.schedules.Schedule`."""

    def at(self, t: int) -> float:
        """The value at step t, from 1."""
        ...


@frozen
class Fixed:
    """A value that stays the same until it is set anew while a run trains, as one that changes with the step."""

    value: float

    def at(self, t: int) -> float:  # noqa: ARG002
        return self.value


class StepInputs(NamedTuple):
    """The inputs of one step, or of a block of steps with a leading dimension.

    Attributes:
        t: The number of the step, from 1, as float64.
        values: The hyperparameters that change with the step, as float64.
        noise: One tensor shaped like theta for a rule that requests it, else none.
    """

    t: Tensor
    values: Mapping[str, Tensor]
    noise: tuple[Tensor, ...]

    def at(self, place: int) -> "StepInputs":
        """One step of a block."""
        values = {name: value[place] for name, value in self.values.items()}
        return StepInputs(self.t[place], values, tuple(noise[place] for noise in self.noise))


def values_over(value: ChangingValue, steps: range, device: torch.device) -> Tensor:
    """What a value is at each of some steps, float64."""
    if isinstance(value, Fixed):
        return _repeated(value.value, len(steps), device)
    return torch.tensor([value.at(step) for step in steps], dtype=torch.float64, device=device)


@functools.lru_cache(maxsize=256)
def _repeated(value: float, count: int, device: torch.device) -> Tensor:
    # The same tensor for each block: making it anew costs as much as a small operator.
    return torch.full((count,), value, dtype=torch.float64, device=device)
