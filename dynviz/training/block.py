"""Several steps of a stack as one function of tensors, sampling included, to be compiled or captured as a graph."""

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
    """Everything that a block of steps depends on, as a tree of tensors."""

    theta: Tensor
    buffers: Tensors
    state: Mapping[str, State]
    constants: Tensors
    varying: Tensors
    batches: Batch
    step_inputs: StepInputs


class BlockOutputs(NamedTuple):
    """The results of a block of steps: the state after it, and the samples of each buffer."""

    theta: Tensor
    buffers: Tensors
    state: Mapping[str, State]
    samples: Samples


TensorFunction: TypeAlias = Callable[[BlockInputs], BlockOutputs]


@dataclasses.dataclass(frozen=True)
class BufferPair:
    """A buffer of a whole run, and its substitute within a block.

    Attributes:
        outer: Holds the samples due over the whole run.
        inner: Holds the samples of one block: only the first, if the outer one is sampled less than once per block.
        after: Whether its samples describe the state after a step, and so are taken at the end of each step.
    """

    outer: SampleBuffer
    inner: SampleBuffer
    after: bool


class BlockSamples:
    """The buffers of a stack, divided into those sampled within a block of steps and those sampled between blocks.

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

    Steps and samples are those of `TrainingLoop.step`, in the same order. Anything sampled less than once per block, or
    that cannot be measured within one, is sampled before the block begins.

    Attributes:
        length: The number of steps in a block.
    """

    def __init__(self, stack: LaneStack, stepper: RuleStepper, samples: SampleBuffers, length: int) -> None:
        self.length = length
        self._stack, self._stepper = stack, stepper
        self._samples = BlockSamples(samples, length)

    def __call__(self, inputs: BlockInputs, number: Callable[[int], Any] | None = None) -> BlockOutputs:
        """Take the steps.

        Args:
            inputs: The state before them, and their inputs.
            number: The number of the step at a place in the block, where it is known without looking at a tensor; see
                `dynviz.rule.power`.
        """
        stack = self._stack.standing_in(inputs.theta, inputs.buffers, inputs.constants)
        stepper = self._stepper.standing_in(inputs.varying, dict(inputs.state))
        loop = TrainingLoop(stack, stepper, self._samples.inside)
        for pair in self._samples.pairs:
            # A call that failed, such as one that was to be traced, leaves samples behind.
            pair.inner.drain()
        batches = Batches(inputs.batches, self.length)
        for place in range(self.length):
            now = inputs.step_inputs.at(place)
            if number is not None:
                now.t.number = number(place)  # type: ignore[attr-defined]
            loop.step(place, batches[place], now)
        samples = [pair.inner.drain() for pair in self._samples.pairs]
        return BlockOutputs(stack.theta, stack.buffers, stepper.state(), samples)


class BlockFunction(NamedTuple):
    """A block of steps in executable form: the program itself, compiled, or captured.

    Attributes:
        length: The number of steps in a block.
        function: The function of the inputs of a block.
        exact: Whether results are those of the same steps taken one by one, to the last bit.
    """

    length: int
    function: TensorFunction
    exact: bool = False


class FunctionByNames:
    """A function that is compiled, or captured, anew where other hyperparameters are given.

    One that is set for a single lane is given by lane from then on.
    """

    def __init__(self, make: Callable[[], TensorFunction]) -> None:
        """Nothing is made yet.

        Args:
            make: Gives a function that is compiled, or captured, at its first call.
        """
        self._make = make
        self._functions: dict[tuple[tuple[str, ...], ...], TensorFunction] = {}

    def __call__(self, inputs: BlockInputs) -> BlockOutputs:
        names = tuple(inputs.varying), tuple(inputs.step_inputs.values)
        if names not in self._functions:
            self._functions[names] = self._make()
        return self._functions[names](inputs)


class BlockLoop:
    """Trains one stack like its `TrainingLoop`, with several steps at once where possible.

    Attributes:
        length: The number of steps in a block. A block begins at a multiple of it, so that a stopped run continues
            identically.
        exact: Whether it makes no difference where blocks begin and end.
    """

    def __init__(self, block: BlockFunction, loop: TrainingLoop) -> None:
        self.length = block.length
        self.exact = block.exact
        self._function = block.function
        self._loop = loop
        self._samples = BlockSamples(loop.samples, self.length)

    def end_at(self, steps: int) -> None:
        """Take another step for the last one."""
        self._samples.between.last = steps

    def run(self, start: int, batches: Batches) -> None:
        """Run the steps from `start` on, one for each of these batches."""
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
    """The inputs of the steps from `start` on."""
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
    """The number of steps in a block.

    Args:
        most: The maximum.
        apart: Steps between samples that cannot be measured within a block, only before it.
        within: The same for those that can.

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
