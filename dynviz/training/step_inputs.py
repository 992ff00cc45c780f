"""What a step of a rule is given beside theta and the gradient, as tensors: the same for one step and for a block."""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor


class StepInputs(NamedTuple):
    """One step, or a block of steps with a dimension for them in front.

    Attributes:
        t: The step's number, from 1, float64.
        values: Of the hyperparameters that change with the step, float64.
        noise: One tensor shaped like theta for a rule that asks for it, none for any other.
    """

    t: Tensor
    values: Mapping[str, Tensor]
    noise: tuple[Tensor, ...]

    def at(self, place: int) -> "StepInputs":
        """One step of a block."""
        values = {name: value[place] for name, value in self.values.items()}
        return StepInputs(self.t[place], values, tuple(noise[place] for noise in self.noise))
