"""What a script says of its steps: the loss, and values of any name."""

import math
from collections.abc import Mapping
from typing import Any

import torch

from dynviz.errors import DynvizError

LOSS = "loss"


class StepReports:
    """Collects the values that a script gives, and says to which step they belong.

    Where the first value comes before the first step, values belong to the step that follows; otherwise to the step
    that was just made. Several for one step, as in gradient accumulation, are averaged. A value other than the loss
    that is not given stays what it was.

    Attributes:
        ahead: Whether values belong to the step that follows; None before the first one.
        given: Whether the loss of the step that was taken last was given.
    """

    def __init__(self) -> None:
        self.ahead: bool | None = None
        self.given = False
        self._waiting: dict[str, list[Any]] = {}
        self._kept: dict[str, float] = {}

    def give(self, values: Mapping[str, Any], *, stepped: bool) -> None:
        """Take values; all of them, or none where one is refused.

        Args:
            values: By name: numbers, or tensors of one number.
            stepped: Whether a step was made before.

        Raises:
            DynvizError: One is not a number.
        """
        # All are looked at before one is taken: a refused call has no effect.
        held = {name: _held(name, value) for name, value in values.items()}
        for name, value in held.items():
            self._waiting.setdefault(name, []).append(value)
        if self.ahead is None and values:
            self.ahead = not stepped

    def take(self, own_loss: Any = None) -> dict[str, float]:
        """The values of a step, each the mean of those given; the loss is NaN where nobody gave it.

        Args:
            own_loss: The loss that the step itself evaluated, for steps whose loss is not given.
        """
        waiting = self._waiting
        self._waiting = {}
        if own_loss is not None:
            waiting.setdefault(LOSS, [own_loss])
        means = {name: sum(map(float, values)) / len(values) for name, values in waiting.items()}
        self.given = LOSS in means
        loss = means.pop(LOSS, math.nan)
        self._kept |= means
        return {LOSS: loss, **self._kept}


def _held(name: str, value: Any) -> Any:
    """The value as it is now: a tensor may be written over before it is looked at, and copying it waits for nothing."""
    if isinstance(value, torch.Tensor):
        if value.numel() != 1 or value.is_complex():
            raise DynvizError(f"{name} is a tensor of shape {tuple(value.shape)}; a recorded value is one number")
        return value.detach().clone()
    try:
        return float(value)
    except (TypeError, ValueError):
        raise DynvizError(f"{name} is {value!r:.60}; a recorded value is a number") from None
