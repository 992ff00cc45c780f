"""One stack on its way: the steps of its optimizer, and what is sampled of them."""

import math
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from dynviz.task import Batch
from dynviz.training.moment import Moment
from dynviz.training.rates import Rates
from dynviz.training.stack import Batches, Stack
from dynviz.training.steppers import Stepper
from dynviz.training.tape import Tape, Tapes


class Block(Protocol):
    """Takes several steps of a course at once.

    Attributes:
        length: How many. A block begins at a multiple of it, so that a run that was stopped goes on as it went.
    """

    length: int

    def run(self, start: int, batches: Batches) -> None:
        """Make the steps from `start` on, whose batches these are, and record the states that they find."""
        ...


class Course:
    """Trains one stack and holds its samples on tapes.

    A step first records the state that it finds, then moves on; the state after the last step is recorded by `last`,
    with one more forward pass for the loss.

    Attributes:
        stack: The lanes.
        stepper: Their optimizer.
        tapes: What is sampled.
        steps: How many there are in all.
        block: What takes several steps at once, where there is such.
    """

    def __init__(self, stack: Stack, stepper: Stepper, tapes: Tapes, rates: Rates, *, steps: float = math.inf) -> None:
        """Begin.

        Args:
            stack: The lanes.
            stepper: Their optimizer.
            tapes: What is sampled.
            rates: Of hyperparameters.
            steps: How many there are in all.
        """
        self.stack = stack
        self.stepper = stepper
        self.tapes = tapes
        self._rates = rates
        self.steps = steps
        self.block: Block | None = None

    def first(self, batch: Batch) -> None:
        """Record what a run records once, and the terms of the step that never was."""
        for each in self.tapes.constants:
            each.keep_last(self.stack, batch)
        for tape in self.tapes.terms.values():
            tape.keep_last(torch.zeros_like(self.stack.theta))
        if self.tapes.fixed:
            values = self._rates.at(self.stack, 1)
            for name, tape in self.tapes.fixed.items():
                tape.keep_last(values[name])

    def run(self, start: int, batches: Batches) -> None:
        """Make the steps whose batches these are, and record the states that they find."""
        block, end = self.block, start + len(batches)
        step = start
        while step < end:
            if block and step % block.length == 0 and step + block.length <= end:
                block.run(step, batches[step - start : step - start + block.length])
                step += block.length
            else:
                self.step(step, batches[step - start])
                step += 1

    def step(self, step: int, batch: Batch, moment: Moment | None = None) -> None:
        """Record the state after `step` steps, and make one more.

        Args:
            step: From 0.
            batch: Of this step.
            moment: What the rule is given, where it is at hand already.
        """
        stack, tapes, stepper = self.stack, self.tapes, self.stepper
        for each in tapes.probes:
            each.keep(stack, step, batch)
        for tape in tapes.parameters:
            tape.keep(step, stack.theta)
        if tapes.states.tapes:
            tapes.states.keep(stepper, step)
        loss, gradient = stack.gradient(batch)
        if tapes.loss is not None:
            tapes.loss.keep(step, loss)
        if tapes.gradient is not None:
            tapes.gradient.keep(step, gradient)
        if tapes.rates:
            self.keep_rates(step)
        if stepper.perturb is not None:
            perturbation = stepper.perturb(gradient, moment or step + 1)
            gradient = stack.gradient_at(stack.theta + perturbation, batch)
            if tapes.perturbation is not None:
                tapes.perturbation.keep(step, perturbation)
        stack.theta, terms = stepper.step(stack.theta, gradient, moment or step + 1)
        for name, tape in tapes.terms.items():
            self.keep_after(tape, step + 1, terms[name])

    def keep_after(self, tape: Tape, step: int, value: Tensor) -> None:
        """Hold a sample of the step that led to this state, which is always due at the last one."""
        if step == self.steps:
            tape.keep_last(value)
        else:
            tape.keep(step, value)

    def keep_rates(self, step: int) -> None:
        """Record the hyperparameters of the step that follows, where they change."""
        due = {name: tape for name, tape in self.tapes.rates.items() if step % tape.every == 0}
        self._keep(due, step)

    def last(self, step: int, batch: Batch) -> None:
        """Record the state after the last step, with one more pass for the loss."""
        stack, tapes = self.stack, self.tapes
        for each in tapes.probes:
            each.keep_last(stack, batch)
        for tape in tapes.parameters:
            tape.keep_last(stack.theta)
        tapes.states.keep_last(self.stepper, step)
        self._keep(tapes.rates, step)
        buffers = stack.buffers
        sloped = tapes.gradient is not None or tapes.perturbation is not None
        loss, gradient = stack.gradient(batch) if sloped else (stack.loss(batch), None)
        stack.buffers = buffers
        perturb = self.stepper.perturb
        if tapes.perturbation is not None and gradient is not None and perturb is not None:
            tapes.perturbation.keep_last(perturb(gradient, step + 1))
        if tapes.gradient is not None and gradient is not None:
            tapes.gradient.keep_last(gradient)
        if tapes.loss is not None:
            tapes.loss.keep_last(loss)

    def _keep(self, due: Mapping[str, Tape], step: int) -> None:
        if due:
            values = self._rates.at(self.stack, step + 1)
            for name, tape in due.items():
                tape.keep_last(values[name])
