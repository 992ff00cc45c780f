"""The training of one recording: blocks of steps, samples, events and checkpoints."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dynviz.recording import Writer
from dynviz.recording.metadata import ChannelInfo
from dynviz.task import Batch
from dynviz.training.channels import GRADIENT, LOSS, PARAMETERS, Block
from dynviz.training.crew import Crew
from dynviz.training.trees import from_arrays, to_arrays

CAPACITY = 256
"""Steps in a block at most: what training holds back from the file, beside time."""
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
        self._diverged = np.zeros(lanes, dtype=bool)
        self._blocks = {
            name: Block(info, lanes, _capacity(info), crew.device) for name, info in writer.metadata.channels.items()
        }
        self._terms = {name: block for name, block in self._blocks.items() if name.startswith("term.")}
        self._probes = [
            tuple((probe, [name for name in names if name in self._blocks]) for probe, names in probes)
            for probes in crew.probes
        ]
        self._every = writer.metadata.checkpoint_every

    @property
    def finished(self) -> bool:
        """Whether all steps are done and the last state is recorded."""
        return self.step >= self.steps

    def advance(self, count: int) -> None:
        """Train at most this many steps, up to the next checkpoint, and write what was sampled."""
        until = min(self.step + count, self.step + CAPACITY, self.steps)
        if self._every:
            until = min(until, (self.step // self._every + 1) * self._every)
        for number, stack in enumerate(self.crew.stacks):
            batches = stack.batches(self.step, until - self.step + 1)
            for step in range(self.step, until):
                self._one(number, step, batches[step - self.step])
            if until == self.steps:
                self._last(number, batches[-1])
        self.step = until
        self._flush()
        if self.finished or (self._every and self.step % self._every == 0):
            self.checkpoint()

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
                tree = from_arrays(self.writer.load_checkpoint(step), self.crew.device)
                self.crew.restore(tree["crew"])
                self._reference, self._diverged = tree["reference"].cpu().numpy(), tree["diverged"].cpu().numpy()
                self.step = step
                break
        self.writer.drop_events(after=self.step - 1)

    def _one(self, number: int, step: int, batch: Batch) -> None:
        stack, stepper = self.crew.stacks[number], self.crew.steppers[number]
        self._measure(number, step, batch)
        if PARAMETERS in self._blocks:
            self._put(number, PARAMETERS, step, stack.theta)
        loss, gradient = stack.gradient(batch)
        self._put(number, LOSS.name, step, loss)
        if GRADIENT in self._blocks:
            self._put(number, GRADIENT, step, gradient)
        if self._terms and step == 0:
            for name in self._terms:
                self._put(number, name, 0, torch.zeros_like(stack.theta))
        stack.theta, terms = stepper.step(stack.theta, gradient, step + 1)
        for name in self._terms:
            self._put(number, name, step + 1, terms[name.removeprefix("term.")])

    def _last(self, number: int, batch: Batch) -> None:
        stack = self.crew.stacks[number]
        self._measure(number, self.steps, batch)
        if PARAMETERS in self._blocks:
            self._put(number, PARAMETERS, self.steps, stack.theta)
        if GRADIENT in self._blocks:
            buffers = stack.buffers
            loss, gradient = stack.gradient(batch)
            stack.buffers = buffers
            self._put(number, GRADIENT, self.steps, gradient)
        else:
            loss = stack.loss(batch)
        self._put(number, LOSS.name, self.steps, loss)

    def _measure(self, number: int, step: int, batch: Batch) -> None:
        for probe, names in self._probes[number]:
            if any(self._blocks[name].due(step, self.steps) for name in names):
                values = self.crew.stacks[number].measure(probe, batch)
                for channel, value in zip(probe.channels, values, strict=True):
                    if channel.name in self._blocks:
                        self._put(number, channel.name, step, value)

    def _put(self, number: int, name: str, step: int, value: Tensor) -> None:
        block = self._blocks[name]
        if block.due(step, self.steps):
            block.put(step, value, None if len(self.crew.stacks) == 1 else self.crew.stacks[number].lanes)

    def _flush(self) -> None:
        for name, block in self._blocks.items():
            first = block.first
            samples = block.drain(lambda place, values, name=name: self.writer.write(name, place, values))  # type: ignore[misc]
            if name == LOSS.name and samples is not None and first is not None:
                self._watch(first, samples)

    def _watch(self, first: int, losses: NDArray[Any]) -> None:
        if first == 0:
            self._reference = np.maximum(np.abs(np.nan_to_num(losses[0], nan=1.0, posinf=1.0, neginf=1.0)), 1.0)
        with np.errstate(invalid="ignore"):
            bad = ~np.isfinite(losses) | (losses > BLOWN_UP * self._reference)
        for place, lane in zip(*np.nonzero(bad), strict=True):
            if not self._diverged[lane]:
                self._diverged[lane] = True
                step = min((first + int(place)) * self._blocks[LOSS.name].info.every, self.steps)
                self.writer.event(step, int(lane), "diverged", float(losses[place, lane]))
        self.loss = losses[-1]

    def _covered(self, step: int) -> bool:
        """Whether every sample from before this step is in the files."""
        return all(
            self.writer.samples(name) >= _before(info, step, term=name in self._terms)
            for name, info in self.writer.metadata.channels.items()
        )


def _before(info: ChannelInfo, step: int, *, term: bool) -> int:
    """How many samples a run holds that has done `step` steps and has not yet looked at its state."""
    if info.every == 0:
        return min(step, 1)
    return step // info.every + 1 if term else math.ceil(step / info.every)


def _capacity(info: ChannelInfo) -> int:
    return CAPACITY // info.every + 2 if info.every else 1
