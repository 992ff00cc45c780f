"""The steps of one stack of lanes, and when in a step samples are taken."""

from dynviz.task import Batch
from dynviz.training.lane_stack import Batches, LaneStack
from dynviz.training.samples import SampleBuffers
from dynviz.training.step_inputs import StepInputs
from dynviz.training.step_values import Phase, StepValues
from dynviz.training.steppers import Stepper


class TrainingLoop:
    """Trains one stack and holds its samples in buffers.

    A step first samples the state before it, then moves on; the state after the last step is sampled by `last`,
    with one more forward pass for the loss.

    Attributes:
        stack: The lanes.
        stepper: Their optimizer.
        samples: What is recorded.
    """

    def __init__(self, stack: LaneStack, stepper: Stepper, samples: SampleBuffers) -> None:
        self.stack = stack
        self.stepper = stepper
        self.samples = samples

    def first(self, batch: Batch) -> None:
        """Sample constants, and the terms of the step that never was."""
        values = StepValues.before_training(self.stack, self.stepper, batch)
        self.samples.keep(Phase.ONCE, 0, values)
        self.samples.keep(Phase.UPDATE, 0, values)

    def run(self, start: int, batches: Batches) -> None:
        """Make the steps from `start` on that have these batches."""
        for step, batch in enumerate(batches, start):
            self.step(step, batch)

    def step(self, step: int, batch: Batch, inputs: StepInputs | None = None) -> None:
        """Sample the state after `step` steps, and make one more.

        Args:
            step: From 0.
            batch: Of this step.
            inputs: Of the rule, where they are at hand already.
        """
        stack, stepper, keep = self.stack, self.stepper, self.samples.keep
        stack.step, stack.batch = step, batch
        values = StepValues(stack, stepper, step, batch)
        keep(Phase.SCHEDULE, step, values)
        keep(Phase.STATE, step, values)
        values.loss, values.gradient = stack.gradient(batch)
        keep(Phase.LOSS, step, values)
        keep(Phase.GRADIENT, step, values)
        gradient = values.gradient
        if stepper.perturb is not None:
            values.perturbation = stepper.perturb(gradient, inputs or step + 1)
            keep(Phase.PERTURBATION, step, values)
            gradient = stack.gradient_at(stack.theta + values.perturbation, batch)
        stack.theta, values.terms = stepper.step(stack.theta, gradient, inputs or step + 1)
        keep(Phase.UPDATE, step + 1, values)

    def last(self, step: int, batch: Batch) -> None:
        """Sample the state after the last step, with one more pass for the loss."""
        stack, stepper, keep = self.stack, self.stepper, self.samples.keep
        stack.step = step
        values = StepValues(stack, stepper, step, batch)
        keep(Phase.SCHEDULE, step, values)
        keep(Phase.STATE, step, values)
        buffers = stack.buffers
        if self.samples.at(Phase.GRADIENT, Phase.PERTURBATION):
            values.loss, values.gradient = stack.gradient(batch)
            keep(Phase.GRADIENT, step, values)
        else:
            values.loss = stack.loss(batch)
        stack.buffers = buffers
        keep(Phase.LOSS, step, values)
        if self.samples.at(Phase.PERTURBATION) and stepper.perturb is not None:
            values.perturbation = stepper.perturb(values.gradient, step + 1)
            keep(Phase.PERTURBATION, step, values)
