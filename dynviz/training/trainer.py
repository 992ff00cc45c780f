"""The training of one recording: blocks of steps, samples, events and checkpoints."""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.recording import Writer
from dynviz.recording.metadata import ChannelInfo
from dynviz.task import Batch
from dynviz.training import devices
from dynviz.training.channels import LOSS, TERM, assemble, index
from dynviz.training.crew import Crew
from dynviz.training.tape import Tapes
from dynviz.training.trees import from_arrays, to_arrays

CAPACITY = 256
"""Steps in a block at most: what training holds back from the files, beside time."""
HELD_BYTES = 64_000_000
"""How much a block may hold back."""
BLOWN_UP = 1e6
"""A loss this many times the first one (or 1, if that is larger) counts as diverged, as one that is not finite does."""


class Trainer:
    """Trains the lanes of one recording and writes what they do.

    Sample i of a channel is of the state after min(i x every, steps) steps, so a step first records the state it
    finds, then moves on; the last state is recorded after the last step, with one more forward pass for the loss.

    Attributes:
        step: How many steps are done.
        loss: The last loss of each lane.
    """

    def __init__(self, crew: Crew, writer: Writer) -> None:
        self.crew = crew
        self.writer = writer
        self.steps = writer.metadata.steps
        self.step = 0
        lanes = len(writer.metadata.lanes)
        self.loss: NDArray[Any] = np.full(lanes, np.nan)
        self._reference = np.full(lanes, np.nan)
        # The step at which each lane diverged, -1 where it did not.
        self._diverged = np.full(lanes, -1, dtype=np.int64)
        self._channels = writer.metadata.channels
        # Long measurements need little Python and so do not hold up the steps, which need much; one thread each,
        # so that their sums are those of training's own thread.
        self._aside = ThreadPoolExecutor(os.cpu_count(), initializer=devices.settle)
        self._tapes = [Tapes.of(stack, self._channels, self._aside, crew.rates.moving) for stack in crew.stacks]
        self._every = writer.metadata.checkpoint_every
        held = sum(info.bytes_per_sample(lanes) / max(info.every, 1) for info in self._channels.values())
        held += sum(stack.theta.nbytes for stack in crew.stacks)
        self._capacity = int(min(max(HELD_BYTES // max(held, 1), 1), CAPACITY))

    @property
    def finished(self) -> bool:
        """Whether all steps are done and the last state is recorded."""
        return self.step >= self.steps

    def advance(self, count: int) -> None:
        """Train at most this many steps, up to the next checkpoint, and write what was sampled."""
        begun = self.step
        until = min(begun + min(count, self._capacity, CAPACITY), self.steps)
        if self._every:
            until = min(until, (begun // self._every + 1) * self._every)
        for number, stack in enumerate(self.crew.stacks):
            batches = stack.batches(begun, until - begun + 1)
            if begun == 0:
                self._constants(number, batches[0])
            for step in range(begun, until):
                self._one(number, step, batches[step - begun])
            if until == self.steps:
                self._last(number, batches[-1])
        self.step = until
        self._flush(begun)
        if self.finished or (self._every and self.step % self._every == 0):
            self.checkpoint()

    def close(self) -> None:
        """End the recording; what was not flushed is lost."""
        self._aside.shutdown(cancel_futures=True)
        self.writer.close()

    def checkpoint(self) -> None:
        """Write all that the next step depends on."""
        tree = {
            "crew": self.crew.state(),
            "reference": torch.from_numpy(self._reference),
            "diverged": torch.from_numpy(self._diverged),
        }
        self.writer.checkpoint(self.step, to_arrays(tree))

    def resume(self) -> None:
        """Go back to the last checkpoint whose samples are all there; without one, to the start."""
        for step in reversed(self.writer.checkpoints()):
            if step <= self.steps and self._covered(step):
                try:
                    arrays = self.writer.load_checkpoint(step)
                except DynvizError:
                    # Damaged, as a machine that loses power may leave it: the one before takes a little longer.
                    continue
                tree = from_arrays(arrays, self.crew.device)
                self.crew.restore(tree["crew"])
                self._reference, self._diverged = tree["reference"].numpy(), tree["diverged"].numpy()
                self.step = step
                break
        # What happened from here on will happen again, at the end of a run that is made longer too.
        self.writer.drop_events(after=self.step - 1)
        self._diverged[self._diverged >= self.step] = -1

    def _constants(self, number: int, batch: Batch) -> None:
        """What a run records once, and the terms of the step that never was."""
        stack, tapes = self.crew.stacks[number], self._tapes[number]
        for each in tapes.constants:
            each.keep_last(stack, batch)
        for tape in tapes.terms.values():
            tape.keep_last(torch.zeros_like(stack.theta))
        for name, value in self.crew.rates.at(stack, 1).items():
            if name in tapes.rates and not self._channels[name].every:
                tapes.rates[name].keep_last(value)

    def _one(self, number: int, step: int, batch: Batch) -> None:
        stack, tapes = self.crew.stacks[number], self._tapes[number]
        for each in tapes.probes:
            each.keep(stack, step, batch)
        for tape in tapes.parameters:
            tape.keep(step, stack.theta)
        stepper = self.crew.steppers[number]
        if tapes.states.tapes:
            tapes.states.keep(stepper, step)
        loss, gradient = stack.gradient(batch)
        if tapes.loss is not None:
            tapes.loss.keep(step, loss)
        if tapes.gradient is not None:
            tapes.gradient.keep(step, gradient)
        if tapes.rates:
            self._keep_rates(number, step)
        if stepper.perturb is not None:
            perturbation = stepper.perturb(gradient, step + 1)
            gradient = stack.gradient_at(stack.theta + perturbation, batch)
            if tapes.perturbation is not None:
                tapes.perturbation.keep(step, perturbation)
        stack.theta, terms = stepper.step(stack.theta, gradient, step + 1)
        for name, tape in tapes.terms.items():
            if step + 1 == self.steps:
                tape.keep_last(terms[name])
            else:
                tape.keep(step + 1, terms[name])

    def _last(self, number: int, batch: Batch) -> None:
        """Record the state after the last step, with one more pass for the loss."""
        stack, tapes = self.crew.stacks[number], self._tapes[number]
        for each in tapes.probes:
            each.keep_last(stack, batch)
        for tape in tapes.parameters:
            tape.keep_last(stack.theta)
        tapes.states.keep_last(self.crew.steppers[number], self.steps)
        buffers = stack.buffers
        sloped = tapes.gradient is not None or tapes.perturbation is not None
        loss, gradient = stack.gradient(batch) if sloped else (stack.loss(batch), None)
        stack.buffers = buffers
        self._keep_rates(number, self.steps, last=True)
        perturb = self.crew.steppers[number].perturb
        if tapes.perturbation is not None and gradient is not None and perturb is not None:
            tapes.perturbation.keep_last(perturb(gradient, self.steps + 1))
        if tapes.gradient is not None and gradient is not None:
            tapes.gradient.keep_last(gradient)
        if tapes.loss is not None:
            tapes.loss.keep_last(loss)

    def _keep_rates(self, number: int, step: int, *, last: bool = False) -> None:
        tapes = self._tapes[number].rates
        due = [name for name, tape in tapes.items() if self._channels[name].every and (last or step % tape.every == 0)]
        if due:
            values = self.crew.rates.at(self.crew.stacks[number], step + 1)
            for name in due:
                tapes[name].keep_last(values[name])

    def _flush(self, begun: int) -> None:
        found: dict[str, list[tuple[tuple[int, ...], NDArray[Any]]]] = {}
        for stack, tapes in zip(self.crew.stacks, self._tapes, strict=True):
            for name, samples in tapes.drain(single=stack.single).items():
                found.setdefault(name, []).append((stack.lanes, samples))
        lanes = len(self.writer.metadata.lanes)
        for name, parts in found.items():
            info = self._channels[name]
            samples = assemble(info, lanes, parts)
            # Terms are of the steps after `begun`, all else is of those from it on.
            first = index(info.every, begun + 1 if begun and name.startswith(TERM) else begun)
            self.writer.write(name, first, samples)
            if name == LOSS.name:
                self._watch(first, samples)

    def _watch(self, first: int, losses: NDArray[Any]) -> None:
        if first == 0:
            self._reference = np.maximum(np.abs(np.nan_to_num(losses[0], nan=1.0, posinf=1.0, neginf=1.0)), 1.0)
        with np.errstate(invalid="ignore"):
            bad = ~np.isfinite(losses) | (losses > BLOWN_UP * self._reference)
        for place, lane in zip(*np.nonzero(bad), strict=True):
            if self._diverged[lane] < 0:
                step = min((first + int(place)) * self._channels[LOSS.name].every, self.steps)
                self._diverged[lane] = step
                self.writer.event(step, int(lane), "diverged", float(losses[place, lane]))
        self.loss = losses[-1]

    def _covered(self, step: int) -> bool:
        """Whether every sample from before this step is in the files."""
        return all(
            self.writer.samples(name) >= _before(info, step, term=name.startswith(TERM))
            for name, info in self._channels.items()
        )


def _before(info: ChannelInfo, step: int, *, term: bool) -> int:
    """How many samples a run holds that has done `step` steps and has not yet looked at its state."""
    if info.every == 0:
        return min(step, 1)
    return step // info.every + 1 if term else math.ceil(step / info.every)
