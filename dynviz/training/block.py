"""Several steps of a stack as one function of tensors, sampling included: what is compiled, or captured as a graph."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from torch import Tensor

from dynviz.rule import State
from dynviz.task import Batch, Tensors
from dynviz.training.lane_stack import Batches, LaneStack
from dynviz.training.samples import SampleBuffer, SampleBuffers, Sampler
from dynviz.training.step_inputs import StepInputs
from dynviz.training.step_values import Phase, StepValues
from dynviz.training.steppers import RuleStepper
from dynviz.training.training_loop import TrainingLoop

LONGEST = 20
"""Steps of a block at most; checkpoints stand at multiples of it."""

Samples: TypeAlias = list[dict[str, Tensor]]


class BlockInputs(NamedTuple):
    """All that a block of steps depends on, a tree of tensors."""

    theta: Tensor
    buffers: Tensors
    state: Mapping[str, State]
    constants: Tensors
    varying: Tensors
    batches: Batch
    step_inputs: StepInputs


class BlockOutputs(NamedTuple):
    """What a block of steps results in: the state after it, and the samples of each buffer."""

    theta: Tensor
    buffers: Tensors
    state: Mapping[str, State]
    samples: Samples


TensorFunction: TypeAlias = Callable[[BlockInputs], BlockOutputs]


@dataclasses.dataclass(frozen=True)
class BufferPair:
    """A buffer of a whole run, and the one that stands for it within a block.

    Attributes:
        outer: Holds what is due over the whole run.
        inner: Holds samples of one block: none but the first where the outer one is sampled more rarely than that.
        after: Whether its samples are of the state that a step leads to, and so belong to the end of each step.
    """

    outer: SampleBuffer
    inner: SampleBuffer
    after: bool


class BlockSamples:
    """The buffers of a stack, divided into what is sampled within a block of steps and what between blocks.

    Attributes:
        pairs: The buffers that are filled within a block.
        inside: Samplers that fill the inner ones.
        between: Samplers of all other channels.
    """

    def __init__(self, samples: SampleBuffers, length: int) -> None:
        self.pairs: list[BufferPair] = []
        inside: dict[Phase, list[Sampler]] = {}
        between: dict[Phase, list[Sampler]] = {}
        for phase in Phase:
            for sampler in samples.at(phase):
                # Parameters and probes that are sampled once a block, or more rarely, need not be part of it.
                if phase in Phase.within_step() or (phase is Phase.STATE and min(sampler.everies) < length):
                    inside.setdefault(phase, []).append(self._inner(sampler, length, after=phase is Phase.UPDATE))
                else:
                    between.setdefault(phase, []).append(sampler)
        self.inside = SampleBuffers(inside)
        self.between = SampleBuffers(between, samples.last)

    def _inner(self, sampler: Sampler, length: int, *, after: bool) -> Sampler:
        buffers = []
        for key, outer in sampler.buffers:
            inner = SampleBuffer(min(outer.every, length), outer.slices)
            self.pairs.append(BufferPair(outer, inner, after))
            buffers.append((key, inner))
        return dataclasses.replace(sampler, buffers=tuple(buffers))


class BlockProgram:
    """`length` steps of a stack, as a function.

    Steps and samples are those that `TrainingLoop.step` makes one by one, and in the same order. What is sampled more
    rarely than once a block, or cannot be measured within one, is sampled before the block begins.

    Attributes:
        length: Steps of a block.
    """

    def __init__(self, stack: LaneStack, stepper: RuleStepper, samples: SampleBuffers, length: int) -> None:
        self.length = length
        self._stack, self._stepper = stack, stepper
        self._samples = BlockSamples(samples, length)

    def __call__(self, inputs: BlockInputs) -> BlockOutputs:
        stack = self._stack.standing_in(inputs.theta, inputs.buffers, inputs.constants)
        stepper = self._stepper.standing_in(inputs.varying, dict(inputs.state))
        loop = TrainingLoop(stack, stepper, self._samples.inside)
        batches = Batches(inputs.batches, self.length)
        for place in range(self.length):
            loop.step(place, batches[place], inputs.step_inputs.at(place))
        samples = [pair.inner.drain() for pair in self._samples.pairs]
        return BlockOutputs(stack.theta, stack.buffers, stepper.state(), samples)


class BlockFunction(NamedTuple):
    """A block of steps as it is run: its program itself, compiled, or captured.

    Attributes:
        length: Steps of a block.
        function: Of the inputs of a block.
    """

    length: int
    function: TensorFunction


class BlockLoop:
    """Trains one stack like its `TrainingLoop`, and several steps at once where that is possible.

    Attributes:
        length: Steps of a block. A block begins at a multiple of it, so that a run that was stopped goes on as it went.
    """

    def __init__(self, block: BlockFunction, loop: TrainingLoop) -> None:
        self.length = block.length
        self._function = block.function
        self._loop = loop
        self._samples = BlockSamples(loop.samples, self.length)

    def run(self, start: int, batches: Batches) -> None:
        """Make the steps from `start` on that have these batches."""
        step, end = start, start + len(batches)
        while step < end:
            if step % self.length == 0 and step + self.length <= end:
                self._run_block(step, batches[step - start : step - start + self.length])
                step += self.length
            else:
                self._loop.step(step, batches[step - start])
                step += 1

    def _run_block(self, start: int, batches: Batches) -> None:
        loop, end = self._loop, start + self.length
        for step, batch in zip(range(start, end), batches, strict=True):
            self._samples.between.keep(Phase.SCHEDULE, step, StepValues(loop.stack, loop.stepper, step, batch))
        before = StepValues(loop.stack, loop.stepper, start, batches[0])
        self._samples.between.keep(Phase.STATE, start, before)
        outputs = self._function(block_inputs(loop.stack, loop.stepper, start, batches))
        loop.stack.theta, loop.stack.buffers = outputs.theta, dict(outputs.buffers)
        loop.stepper.restore(outputs.theta, dict(outputs.state))
        for pair, samples in zip(self._samples.pairs, outputs.samples, strict=True):
            step = end if pair.after else start
            if step % max(pair.outer.every, self.length) == 0 or step == loop.samples.last:
                pair.outer.keep_joined(samples)


def block_inputs(stack: LaneStack, stepper: Any, start: int, batches: Batches) -> BlockInputs:
    """What the steps from `start` on depend on."""
    return BlockInputs(
        theta=stack.theta,
        buffers=stack.buffers,
        state=stepper.state(),
        constants=stack.constants,
        varying=stepper.varying,
        batches=batches.joined,
        step_inputs=stepper.step_inputs(start + 1, len(batches)),
    )


def length(most: int, apart: Iterable[int], within: Iterable[int]) -> int:
    """How many steps a block has.

    Args:
        most: At most.
        apart: Steps between samples of what cannot be measured within a block, but before it.
        within: The same of what can.

    >>> length(16, [100], [1, 200])
    10
    >>> length(16, [], [1, 6])
    12
    >>> length(16, [7], [1])
    7
    """
    apart, within = tuple(apart), tuple(within)
    return max(
        count
        for count in range(1, most + 1)
        if all(every % count == 0 for every in apart)
        and all(every % count == 0 or count % every == 0 for every in within)
    )
