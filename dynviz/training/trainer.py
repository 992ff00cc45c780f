"""The training of one recording: blocks of steps, samples, events and checkpoints."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.recording import layout
from dynviz.recording.changes import Change, Request, effective
from dynviz.recording.metadata import ChannelInfo, Metadata, Status
from dynviz.training.block import BlockFunction, BlockLoop
from dynviz.training.channels import assemble, index
from dynviz.training.lane_stacks import COMPILED, LaneStacks
from dynviz.training.sources import LOSS
from dynviz.training.step_values import Phase
from dynviz.training.training_loop import TrainingLoop
from dynviz.training.transfer import DeviceReader, Transfer
from dynviz.training.trees import from_arrays, to_arrays

CAPACITY = 256
"""Steps in a block at most: what training holds back from the files, beside time."""
HELD_BYTES = 64_000_000
"""How much a block may hold back."""
BLOWN_UP = 1e6
"""A loss this many times the first one (or 1, if that is larger) counts as diverged, as one that is not finite does."""


class SampleWriter(Protocol):
    """What training needs of a recording's writer, see `dynviz.recording.Writer`."""

    folder: Path

    @property
    def metadata(self) -> Metadata: ...
    def begin(self) -> None: ...
    def samples(self, name: str) -> int: ...
    def write(self, name: str, index: int, block: NDArray[Any]) -> None: ...
    def event(self, step: int, lane: int, kind: str, value: float | None = None) -> None: ...
    def change(self, change: Change) -> None: ...
    def changes(self) -> tuple[Change, ...]: ...
    def drop_events(self, after: int) -> None: ...
    def checkpoints(self) -> tuple[int, ...]: ...
    def load_checkpoint(self, step: int) -> dict[str, NDArray[Any]]: ...
    def checkpoint(
        self, step: int, arrays: Mapping[str, NDArray[Any]], covered: Mapping[str, int] | None = None
    ) -> None: ...
    def status(self, status: Status, error: str = "") -> None: ...
    def close(self) -> None: ...


class Trainer:
    """Trains the lanes of one recording and writes what they do.

    Sample i of a channel is of the state after min(i x every, steps) steps.

    Attributes:
        step: How many steps are done.
        answered: How many requests to change hyperparameters are.
        loss: The last loss of each lane that is written.
    """

    def __init__(self, lanes: LaneStacks, writer: SampleWriter, blocks: Sequence[BlockFunction | None] = ()) -> None:
        """A trainer that has made no step yet.

        Args:
            lanes: The stacks.
            writer: Of the recording; or what takes its place, see `dynviz.training.replay`.
            blocks: How each stack takes several steps at once, see `block_functions`; none where it takes them one by
                one.
        """
        self.lanes = lanes
        self.writer = writer
        self.steps = writer.metadata.steps
        self.step = 0
        count = len(writer.metadata.lanes)
        self.loss: NDArray[Any] = np.full(count, np.nan)
        self._reference = np.full(count, np.nan)
        # The step at which each lane diverged, -1 where it did not.
        self._diverged = np.full(count, -1, dtype=np.int64)
        self._channels = writer.metadata.channels
        samples = lanes.samples(self._channels, self.steps)
        self._loops = [
            TrainingLoop(stack, stepper, buffers)
            for stack, stepper, buffers in zip(lanes.stacks, lanes.steppers, samples, strict=True)
        ]
        self._after = samples[0].names(Phase.UPDATE)
        blocks = blocks or [None] * len(self._loops)
        self._runners = [
            loop if block is None else BlockLoop(block, loop) for loop, block in zip(self._loops, blocks, strict=True)
        ]
        self._blocks = any(isinstance(runner, BlockLoop) for runner in self._runners)
        lengths = [runner.length for runner in self._runners if isinstance(runner, BlockLoop)]
        # Blocks begin at multiples of their length, whatever training was asked to do at once.
        self._stride = math.lcm(*lengths)
        self._reader = DeviceReader(lanes.device)
        self._sent: list[tuple[int, list[Transfer]]] = []
        self._every = writer.metadata.checkpoint_every
        changes = writer.changes()
        self.answered = 1 + max((change.request for change in changes), default=-1)
        self._pending = list(effective(changes))
        lanes.check(self._pending, writer.folder / layout.CHANGES, compiled=self._blocks)
        held = sum(info.bytes_per_sample(count) / max(info.every, 1) for info in self._channels.values())
        held += sum(stack.theta.nbytes for stack in lanes.stacks)
        self._capacity = int(min(max(HELD_BYTES // max(held, 1), 1), CAPACITY))

    @property
    def finished(self) -> bool:
        """Whether all steps are done and the last state is recorded."""
        return self.step >= self.steps

    def advance(self, count: int) -> None:
        """Train about this many steps, at most up to the next checkpoint, and write what was sampled."""
        self._apply_changes()
        begun = self.step
        until = begun + min(count, self._capacity, CAPACITY)
        if until % self._stride:
            until = max(until // self._stride, begun // self._stride + 1) * self._stride
        until = min(until, self.steps)
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
        self._sent.append((begun, [self._reader.send(loop.samples.drain()) for loop in self._loops]))
        due = self.finished or bool(self._every and self.step % self._every == 0)
        # Where samples arrive late, those of the block before are written while this one is on its way.
        while len(self._sent) > (1 if self._reader.late and not due else 0):
            self._write(*self._sent.pop(0))
        if due:
            self.checkpoint()

    def change(self, request: Request, number: int = -1) -> Change:
        """Set a hyperparameter as it is asked, as soon as possible or after the step that is named.

        Args:
            request: What is asked.
            number: Of the request, by which it is known to be answered.

        Returns:
            What became of it, which is written down before it takes effect.
        """
        step = self.step if request.at is None else request.at
        refused = self._refusal(request, step)
        change = Change(
            step=self.step if refused else step,
            name=request.name,
            new=request.value,
            old=None if refused else self.lanes.value(request.name, request.lane),
            lane=request.lane,
            request=number,
            refused=refused,
        )
        self.writer.change(change)
        self.answered = max(self.answered, number + 1)
        if not refused:
            self._pending = list(effective([*self._pending, change]))
        return change

    def _refusal(self, request: Request, step: int) -> str:
        if step < self.step:
            return f"step {step} is over: {self.step} steps are done"
        if step >= self.steps:
            return f"the run ends at step {self.steps}"
        if self._blocks:
            return COMPILED
        return self.lanes.refusal(request.name, request.lane, request.value)

    def _apply_changes(self) -> None:
        """Have the changes take effect that are due."""
        while self._pending and self._pending[0].step <= self.step:
            change = self._pending.pop(0)
            self.lanes.change(change.name, change.lane, change.new)

    def close(self) -> None:
        """End the recording; what was not flushed is lost."""
        self.lanes.threads.shutdown(cancel_futures=True)
        self.writer.close()

    def checkpoint(self) -> None:
        """Write all that the next step depends on, and all samples from before it."""
        while self._sent:
            self._write(*self._sent.pop(0))
        self.writer.checkpoint(self.step, to_arrays(self.state()), self.covered())

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, as a tree."""
        return {
            "crew": self.lanes.state(),
            "reference": torch.from_numpy(self._reference),
            "diverged": torch.from_numpy(self._diverged),
        }

    def covered(self) -> dict[str, int]:
        """How many samples of each channel are from before the present state."""
        return {name: _before(info, self.step, after=name in self._after) for name, info in self._channels.items()}

    def edge(self, step: int) -> int:
        """The last step up to this one at which training can be interrupted and gone on with to the same bytes."""
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
                    state, reference, diverged = (tree[name] for name in ("crew", "reference", "diverged"))
                except (DynvizError, LookupError, TypeError, ValueError):
                    # It, or what it stands on, is damaged: going on from the one before takes a little longer.
                    continue
                self._restore(step, state)
                self._reference, self._diverged = reference.numpy(), diverged.numpy()
                self.step = step
                break
        self._diverged[self._diverged >= self.step] = -1

    def _restore(self, step: int, state: Any) -> None:
        try:
            fits = self.lanes.fits(state)
            if fits:
                self.lanes.restore(state)
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError):
            fits = False
        if not fits:
            raise DynvizError(
                f"the checkpoint at step {step} of {self.writer.folder} is not one of this optimizer and task; "
                "begin a new run"
            )

    def resume(self) -> None:
        """Begin to write, from where `rewind` came to."""
        self.writer.begin()
        # What happened from here on will happen again, at the end of a run that is made longer too.
        self.writer.drop_events(after=self.step - 1)

    def _write(self, begun: int, transfers: Sequence[Transfer]) -> None:
        parts: dict[str, list[tuple[tuple[int, ...], NDArray[Any]]]] = {}
        for loop, transfer in zip(self._loops, transfers, strict=True):
            for name, samples in transfer.arrays().items():
                part = samples[:, None] if loop.stack.single else samples
                parts.setdefault(name, []).append((loop.stack.lanes, part))
        lanes = len(self.writer.metadata.lanes)
        for name, of_stacks in parts.items():
            info = self._channels[name]
            samples = assemble(info, lanes, of_stacks)
            # Terms are of the steps after `begun`, all else is of those from it on.
            first = index(info.every, begun + 1 if begun and name in self._after else begun)
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

    def _even(self, step: int) -> bool:
        """Whether a run that was never stopped comes to this state too.

        A shorter one took its last steps one by one, which a longer one takes in a block.
        """
        return step % self._stride == 0 or bool(self._every and step % self._every == 0)

    def _covered(self, step: int) -> bool:
        """Whether every sample from before this step is in the files."""
        return all(
            self.writer.samples(name) >= _before(info, step, after=name in self._after)
            for name, info in self._channels.items()
        )


def _before(info: ChannelInfo, step: int, *, after: bool) -> int:
    """How many samples a run holds that has done `step` steps and has not yet looked at its state."""
    if info.every == 0:
        return min(step, 1)
    return step // info.every + 1 if after else math.ceil(step / info.every)
