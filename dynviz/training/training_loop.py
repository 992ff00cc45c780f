"""The steps of one stack of lanes, and the points of a step at which samples are taken."""

from dynviz.task import Batch
from dynviz.training.lane_stack import Batches, LaneStack
from dynviz.training.samples import SampleBuffers
from dynviz.training.step_inputs import StepInputs
from dynviz.training.step_values import Phase, StepValues
from dynviz.training.steppers import Stepper


class TrainingLoop:
    """Trains one stack and holds its samples in buffers.

    A step first samples the state before it, then updates it; the state after the last step is sampled by `last`, with
    one more forward pass for the loss.

    Attributes:
        stack: The lanes.
        stepper: Their optimizer.
        samples: What is recorded.
    """

    def __init__(self, stack: LaneStack, stepper: Stepper, samples: SampleBuffers) -> None:
        self.stack = stack
        self.stepper = stepper
        self.samples = samples

    def end_at(self, steps: int) -> None:
        """Take another step for the last one."""
        self.samples.last = steps

    def first(self, batch: Batch) -> None:
        """Sample constants, and the terms of the fictitious step before training."""
        values = StepValues.before_training(self.stack, self.stepper, batch)
        self.samples.keep(Phase.ONCE, 0, values)
        self.samples.keep(Phase.UPDATE, 0, values)

    def run(self, start: int, batches: Batches) -> None:
        """Run the steps from `start` on, one for each of these batches."""
        for step, batch in enumerate(batches, start):
            self.step(step, batch)

    def step(self, step: int, batch: Batch, inputs: StepInputs | None = None) -> None:
        """Sample the state after `step` steps, and take one more.

        Args:
            step: The number of steps taken so far.
            batch: The batch of this step.
            inputs: The inputs of the rule, if they are known already.
        """
        stack, keep = self.stack, self.samples.keep
        stack.step, stack.batch = step, batch
        values = StepValues(stack, self.stepper, step, batch)
        keep(Phase.SCHEDULE, step, values)
        keep(Phase.STATE, step, values)
        values.differentiate()
        keep(Phase.LOSS, step, values)
        keep(Phase.GRADIENT, step, values)
        if values.perturb(inputs or step + 1):
            keep(Phase.PERTURBATION, step, values)
        values.update(inputs or step + 1)
        keep(Phase.UPDATE, step + 1, values)

    def last(self, step: int, batch: Batch) -> None:
        """Sample the state after the last step, with one more pass for the loss."""
        stack, keep = self.stack, self.samples.keep
        stack.step = step
        values = StepValues(stack, self.stepper, step, batch)
        keep(Phase.SCHEDULE, step, values)
        keep(Phase.STATE, step, values)
        buffers = stack.buffers
        if self.samples.at(Phase.GRADIENT, Phase.PERTURBATION):
            values.differentiate()
            keep(Phase.GRADIENT, step, values)
        else:
            values.loss = stack.loss(batch)
        stack.buffers = buffers
        keep(Phase.LOSS, step, values)
        if self.samples.at(Phase.PERTURBATION) and values.perturb(step + 1):
            keep(Phase.PERTURBATION, step, values)
