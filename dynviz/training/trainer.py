"""The training of one recording: blocks of steps, samples, events and checkpoints."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dynviz.errors import DynvizError
from dynviz.recording import layout
from dynviz.recording.changes import Change, Request, effective
from dynviz.training.block import BlockFunction, BlockLoop
from dynviz.training.divergence import DivergenceWatch
from dynviz.training.lane_stacks import LaneStacks
from dynviz.training.output import SampleOutput, SampleWriter
from dynviz.training.training_loop import TrainingLoop
from dynviz.training.trees import from_arrays, to_arrays

CAPACITY = 256
"""Steps in a block at most: what training holds back from the files, beside time."""
HELD_BYTES = 64_000_000
"""How much a block may hold back."""


class Trainer:
    """Trains the lanes of one recording, and writes their samples.

    Sample i of a channel is of the state after min(i x every, steps) steps.

    Attributes:
        step: The number of steps taken.
        ahead: How many of them are not written yet, because fewer were asked for than a compiled block has.
        output: Writes the samples.
        answered: The number of answered requests to change hyperparameters.
    """

    def __init__(self, lanes: LaneStacks, writer: SampleWriter, blocks: Sequence[BlockFunction | None] = ()) -> None:
        """Prepare a trainer, before its first step.

        Args:
            lanes: The stacks.
            writer: The writer of the recording, or its substitute from `dynviz.training.replay`.
            blocks: How each stack takes several steps at once, see `block_functions`; none where it takes them one by
                one.
        """
        self.lanes = lanes
        self.writer = writer
        self.steps = writer.metadata.steps
        self.step = 0
        self.ahead = 0
        self._channels = writer.metadata.channels
        samples = lanes.samples(self._channels, self.steps)
        self._loops = [
            TrainingLoop(stack, stepper, buffers)
            for stack, stepper, buffers in zip(lanes.stacks, lanes.steppers, samples, strict=True)
        ]
        self.output = SampleOutput(writer, self._loops, lanes.device)
        blocks = blocks or [None] * len(self._loops)
        self._runners = [
            loop if block is None else BlockLoop(block, loop) for loop, block in zip(self._loops, blocks, strict=True)
        ]
        blocked = [runner for runner in self._runners if isinstance(runner, BlockLoop)]
        # Blocks begin at multiples of their length, whatever training was asked to do at once.
        self._stride = math.lcm(*(runner.length for runner in blocked if not runner.exact))
        self._whole = math.lcm(*(runner.length for runner in blocked))
        self._every = writer.metadata.checkpoint_every
        changes = writer.changes()
        self.answered = 1 + max((change.request for change in changes), default=-1)
        self._pending = list(effective(changes))
        lanes.check(self._pending, writer.folder / layout.CHANGES)
        count = len(writer.metadata.lanes)
        held = sum(info.bytes_per_sample(count) / max(info.every, 1) for info in self._channels.values())
        held += sum(stack.theta.nbytes for stack in lanes.stacks)
        self._capacity = int(min(max(HELD_BYTES // max(held, 1), 1), CAPACITY))

    @property
    def finished(self) -> bool:
        """Whether all steps are taken and the final state is recorded."""
        return self.shown >= self.steps

    @property
    def shown(self) -> int:
        """The number of steps whose samples are written, or about to be."""
        return self.step - self.ahead

    def advance(self, count: int, *, exactly: bool = False) -> None:
        """Train for about this many steps, at most up to the next checkpoint, and write the samples.

        Args:
            count: The number of steps.
            exactly: Write no more steps than that. A compiled block is computed as a whole; those of its steps that are
                left are written by the next calls.
        """
        until = self.shown + count
        if not self.ahead:
            self._train(count)
        self.ahead = max(self.step - until, 0) if exactly else 0
        if not self.ahead and (self.finished or (self._every and self.step % self._every == 0)):
            self.checkpoint()
        else:
            self.output.write(self.step, ahead=self.ahead, wait=exactly)

    def _train(self, count: int) -> None:
        """Take about this many steps, at most up to the next checkpoint, and send their samples."""
        self._apply_changes()
        begun = self.step
        until = begun + min(count, self._capacity, CAPACITY)
        if until % self._stride:
            until = max(until // self._stride, begun // self._stride + 1) * self._stride
        # Steps beyond the last whole block would be taken one by one, which is slower.
        whole = until // self._whole * self._whole
        until = min(whole if whole > begun else until, self.steps)
        if self._every:
            until = min(until, (begun // self._every + 1) * self._every)
        if self._pending:
            until = min(until, self._pending[0].step)
        for loop, runner in zip(self._loops, self._runners, strict=True):
            batches = loop.stack.batches(begun, until - begun + 1)
            if begun == 0:
                loop.first(batches[0])
            runner.run(begun, batches[:-1])
            if until == self.steps:
                loop.last(until, batches[-1])
        self.step = until
        self.output.send(begun)

    def change(self, request: Request, number: int = -1) -> Change:
        """Set a hyperparameter on request, as soon as possible or after the given step.

        Args:
            request: The request.
            number: The number of the request, which identifies its answer.

        Returns:
            What became of it, which is written down before it takes effect, or else refused.
        """
        step = self.step if request.at is None else request.at
        change = Change(step=step, name=request.name, new=request.value, lane=request.lane, request=number)
        if refused := self._refusal(request, step):
            change = replace(change, step=self.step, refused=refused)
        else:
            change = replace(change, old=self._value(request, step))
        try:
            self.writer.change(change)
        except DynvizError as error:
            change = replace(change, step=self.step, old=None, refused=str(error))
        self.answered = max(self.answered, number + 1)
        if not change.refused:
            self._pending = list(effective([*self._pending, change]))
        return change

    def _value(self, request: Request, step: int) -> float | None:
        """The hyperparameter before a change at a step, which others may come before."""
        earlier = [change for change in self._pending if change.name == request.name and change.step <= step]
        if not earlier:
            return self.lanes.value(request.name, request.lane)
        return earlier[-1].new if earlier[-1].lane in (None, request.lane) else None

    def _refusal(self, request: Request, step: int) -> str:
        if step < self.step:
            return f"step {step} has passed: {self.step} steps are done"
        if step >= self.steps:
            return f"the run ends at step {self.steps}"
        return self.lanes.refusal(request.name, request.lane, request.value)

    def _apply_changes(self) -> None:
        """Have the changes take effect that are due."""
        while self._pending and self._pending[0].step <= self.step:
            change = self._pending.pop(0)
            self.lanes.change(change.name, change.lane, change.new)

    def lengthen(self, steps: int) -> None:
        """Train up to a later step than was planned; schedules stay what they were, as when a run is resumed."""
        self.steps = steps
        for runner in (*self._loops, *self._runners):
            runner.end_at(steps)
        self.writer.amend(replace(self.writer.metadata, steps=steps))

    def close(self) -> None:
        """Close the recording; samples that were not flushed are lost."""
        self.lanes.threads.shutdown(cancel_futures=True)
        self.writer.close()

    def checkpoint(self) -> None:
        """Write everything that the next step depends on, and all samples from before it."""
        self.ahead = 0
        self.output.write(self.step)
        self.writer.checkpoint(self.step, to_arrays(self.state()), self.covered())

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, as a tree."""
        return {"crew": self.lanes.state(), **self.output.divergence.state()}

    def covered(self) -> dict[str, int]:
        """The number of samples of each channel from before the current state."""
        return {name: self.output.covered(name, self.step) for name in self._channels}

    def edge(self, step: int) -> int:
        """The last step up to this one at which training can be interrupted and resumed to the same bytes."""
        stride, every = self._stride, self._every or self._stride
        return max(step // stride * stride, step // every * every)

    def rewind(self) -> None:
        """Go back to the last checkpoint whose samples are all there; without one, to the start. Nothing is written.

        Raises:
            DynvizError: A checkpoint is of another optimizer or task than the recording.
        """
        for step in reversed(self.writer.checkpoints()):
            if step < self.steps and self._covered(step) and self._even(step):
                try:
                    tree = from_arrays(self.writer.load_checkpoint(step), self.lanes.device)
                    state, divergence = tree["crew"], DivergenceWatch.of(tree)
                except (DynvizError, LookupError, TypeError, ValueError):
                    # It, or what it stands on, is damaged: going on from the one before takes a little longer.
                    continue
                self._restore(step, state)
                self.output.divergence = divergence
                self.step = step
                break
        self.output.divergence.forget(self.step)

    def _restore(self, step: int, state: Any) -> None:
        try:
            fits = self.lanes.fits(state)
            if fits:
                self.lanes.restore(state)
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError):
            fits = False
        if not fits:
            raise DynvizError(
                f"the checkpoint at step {step} of {self.writer.folder} does not belong to this optimizer and "
                "task; begin a new run"
            )

    def resume(self) -> None:
        """Start writing, from the step that `rewind` reached."""
        self.writer.begin()
        # What happened from here on will happen again, at the end of a run that is made longer too.
        self.writer.drop_events(after=self.step - 1)

    def _even(self, step: int) -> bool:
        """Whether a run that was never stopped comes to this state too.

        A shorter one took its last steps one by one, which a longer one takes in a block.
        """
        return step % self._stride == 0 or bool(self._every and step % self._every == 0)

    def _covered(self, step: int) -> bool:
        """Whether every sample from before this step is in the files."""
        return all(self.writer.samples(name) >= self.output.covered(name, step) for name in self._channels)
