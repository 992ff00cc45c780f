"""What a script says of its steps: the loss, and values of any name."""

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import torch

from dynviz.errors import DynvizError

LOSS = "loss"
Values: TypeAlias = dict[str, list[Any]]


class StepReports:
    """Collects the values that a script gives, and says to which step they belong.

    A value belongs to the backward pass before it, and a pass to the step that follows it. So all micro-batches of a
    step count for it, whether the last one's value is given before the step or after it. Several values of one step are
    averaged. A value whose name is given before there was any pass or step belongs to the step that follows, each time.

    Where gradients are thrown away, as those of a step that a GradScaler skips, the values of their passes are too. But
    what the step before has no value of, it gets from them: the loss of a GAN is given after both of its steps, and for
    one of them after a pass that was the other's.

    A value other than the loss that is not given stays what it was.

    Attributes:
        watchful: Whether the next backward pass has to be told; it follows a value or a step.
        given: Whether the loss of the step that was taken last was given.
    """

    def __init__(self) -> None:
        self.watchful, self.given = True, False
        self._begun = self._passed = self._stepping = self._stepped = False
        self._early: dict[str, bool] = {}
        self._of_next_pass: Values = {}
        self._of_passes: Values = {}
        self._of_step: Values = {}
        self._kept: dict[str, float] = {}

    @property
    def waiting(self) -> bool:
        """Whether there are values of passes that no step has followed."""
        return bool(self._of_passes)

    def give(self, values: Mapping[str, Any]) -> None:
        """Take values; all of them, or none where one is refused.

        Args:
            values: By name: numbers, or tensors of one number.

        Raises:
            DynvizError: One is not a number.
        """
        # All are looked at before one is taken: a refused call has no effect.
        held = {name: _held(name, value) for name, value in values.items()}
        latest = self._of_passes if self._passed or self._stepping else self._of_step
        for name, value in held.items():
            early = self._early.setdefault(name, not self._begun)
            (self._of_next_pass if early else latest).setdefault(name, []).append(value)
        self.watchful = not self._stepping

    def see_pass(self, *, anew: bool) -> None:
        """A backward pass is made that does not belong to a step itself, as those of closures do.

        Args:
            anew: Whether the gradients of the passes before it are gone.
        """
        if anew:
            self.discard()
        self._prepare()
        self._begun = self._passed = True

    def discard(self) -> None:
        """No step will follow the passes since the last one."""
        if self._stepped:
            self._of_step = {**self._of_passes, **self._of_step}
        self._of_passes = {}

    def begin_step(self) -> None:
        """A step is about to be made; the values of the one before have been taken."""
        self._begun = self._stepping = True
        self.watchful = False

    def end_step(self) -> None:
        """A step was made."""
        self._prepare()
        self._of_step, self._of_passes = self._of_passes, {}
        self._passed = self._stepping = False
        self.watchful = self._stepped = True

    def close(self) -> None:
        """There is no step any more."""
        self._prepare()
        self.discard()

    def take(self, own_loss: Any = None) -> dict[str, float]:
        """The values of the step that was made last, each the mean of those given; a loss that nobody gave is NaN.

        Args:
            own_loss: The loss that the step itself evaluated, for steps whose loss is not given.
        """
        values, self._of_step = self._of_step, {}
        if own_loss is not None:
            values.setdefault(LOSS, [own_loss])
        means = {name: sum(map(float, several)) / len(several) for name, several in values.items()}
        self.given = LOSS in means
        loss = means.pop(LOSS, math.nan)
        self._kept |= means
        return {LOSS: loss, **self._kept}

    def _prepare(self) -> None:
        """What was given for the next pass is of this one."""
        for name, values in self._of_next_pass.items():
            self._of_passes.setdefault(name, []).extend(values)
        self._of_next_pass = {}


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
