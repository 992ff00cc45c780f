"""The values known during a step, and when they become known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import torch
from torch import Tensor

from dynviz.task import Batch
from dynviz.training.lane_stack import LaneStack
from dynviz.training.step_inputs import StepInputs
from dynviz.training.steppers import Stepper


class Phase(IntEnum):
    """When samples of a source can be read: before training, or at some point of every step."""

    ONCE = 0
    """Before training, for what never changes."""
    SCHEDULE = 1
    """At any time: the value depends on the number of the step alone."""
    STATE = 2
    """Before the step: parameters, buffers and the state of the optimizer."""
    LOSS = 3
    """After the forward pass."""
    GRADIENT = 4
    """After the backward pass."""
    PERTURBATION = 5
    """When the rule has chosen where the gradient of its step is taken."""
    UPDATE = 6
    """After the step. The sample belongs to the state that the step led to."""

    @classmethod
    def within_step(cls) -> tuple["Phase", ...]:
        """The phases whose samples exist only while a step is taken."""
        return cls.LOSS, cls.GRADIENT, cls.PERTURBATION, cls.UPDATE


@dataclass(slots=True)
class StepValues:
    """The values known during a step, filled in phase by phase.

    Attributes:
        step: The number of steps that the stack has taken.
        first: Whether this is the measurement before training, which is kept for the sample of step 0.
    """

    stack: LaneStack
    stepper: Stepper
    step: int
    batch: Batch
    first: bool = False
    loss: Tensor = field(init=False)
    gradient: Tensor = field(init=False)
    perturbation: Tensor = field(init=False)
    terms: Mapping[str, Tensor] = field(init=False)

    @classmethod
    def before_training(cls, stack: LaneStack, stepper: Stepper, batch: Batch) -> "StepValues":
        """The values of a fictitious step before training, without a loss."""
        values = cls(stack, stepper, 0, batch)
        values.gradient = values.perturbation = torch.zeros_like(stack.theta)
        values.terms = dict.fromkeys(stepper.terms, values.gradient)
        return values

    def differentiate(self) -> None:
        """Compute the loss and its gradient."""
        self.loss, self.gradient = self.stack.gradient(self.batch)

    def perturb(self, inputs: StepInputs | int) -> bool:
        """Perturb the parameters if the rule does; returns whether it does."""
        if self.stepper.perturb is None:
            return False
        self.perturbation = self.stepper.perturb(self.gradient, inputs)
        return True

    def update(self, inputs: StepInputs | int) -> None:
        """Take the step."""
        stack, gradient = self.stack, self.gradient
        if self.stepper.perturb is not None:
            gradient = stack.gradient_at(stack.theta + self.perturbation, self.batch)
        stack.theta, self.terms = self.stepper.step(stack.theta, gradient, inputs)
