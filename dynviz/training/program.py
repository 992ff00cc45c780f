"""Several steps of a stack as one function of tensors, sampling included: what is compiled, or captured as a graph."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from torch import Tensor

from dynviz.rule import State
from dynviz.task import Batch, Tensors
from dynviz.training.course import Course
from dynviz.training.moment import Moment
from dynviz.training.rates import Rates
from dynviz.training.stack import Batches, Stack
from dynviz.training.steppers import RuleStepper
from dynviz.training.tape import Measured, Tape, Tapes, Watched

LONGEST = 20
"""Steps of a block at most; checkpoints stand at multiples of it."""

Samples: TypeAlias = list[dict[str, Tensor]]


class Given(NamedTuple):
    """All that a block of steps depends on, a tree of tensors."""

    theta: Tensor
    buffers: Tensors
    state: Mapping[str, State]
    constants: Tensors
    varying: Tensors
    batches: Batch
    moments: Moment

    def flat(self) -> list[Tensor]:
        """All tensors, in an order that depends on the names alone."""
        return [
            self.theta,
            *self.buffers.values(),
            *(value for state in self.state.values() for value in state.values()),
            *self.constants.values(),
            *self.varying.values(),
            *self.batches,
            self.moments.t,
            *self.moments.values.values(),
            *self.moments.noise,
        ]

    def like(self, flat: Iterable[Tensor]) -> "Given":
        """The same tree with other tensors, in the order of `flat`."""
        rest = iter(flat)
        return Given(
            next(rest),
            _filled(self.buffers, rest),
            {name: _filled(state, rest) for name, state in self.state.items()},
            _filled(self.constants, rest),
            _filled(self.varying, rest),
            tuple(next(rest) for _ in self.batches),
            Moment(next(rest), _filled(self.moments.values, rest), tuple(next(rest) for _ in self.moments.noise)),
        )


class Found(NamedTuple):
    """What a block of steps comes to: the state after it, and the samples of each tape."""

    theta: Tensor
    buffers: Tensors
    state: Mapping[str, State]
    samples: Samples

    def flat(self) -> list[Tensor]:
        """All tensors, in an order that depends on the names alone."""
        return [
            self.theta,
            *self.buffers.values(),
            *(value for state in self.state.values() for value in state.values()),
            *(value for samples in self.samples for value in samples.values()),
        ]

    def like(self, flat: Iterable[Tensor]) -> "Found":
        """The same tree with other tensors, in the order of `flat`."""
        rest = iter(flat)
        return Found(
            next(rest),
            _filled(self.buffers, rest),
            {name: _filled(state, rest) for name, state in self.state.items()},
            [_filled(samples, rest) for samples in self.samples],
        )


def _filled(names: Iterable[str], values: Iterator[Tensor]) -> dict[str, Tensor]:
    return {name: next(values) for name in names}


Function: TypeAlias = Callable[[Given], Found]


@dataclasses.dataclass(frozen=True)
class Pair:
    """A tape of a course, and the one that stands for it within a block.

    Attributes:
        outer: Holds what is due over the whole run.
        inner: Holds samples of one block: none but the first where the outer one is sampled more rarely than that.
        after: Whether its samples are of the step that led to a state, and so belong to the end of each step.
    """

    outer: Tape
    inner: Tape
    after: bool = False


class Program:
    """`length` steps of a stack, as a function.

    Steps and samples are those that `Course.step` makes one by one, and in the same order. What is sampled more rarely
    than once a block, or cannot be measured within one, is left to the course before the block begins.

    Attributes:
        length: Steps of a block.
    """

    def __init__(self, stack: Stack, stepper: RuleStepper, tapes: Tapes, length: int) -> None:
        self.length = length
        self._stack, self._stepper = stack, stepper
        pairs, self._tapes = paired(tapes, length)
        self._inner = [pair.inner for pair in pairs]

    def __call__(self, given: Given) -> Found:
        stack = self._stack.standing_in(given.theta, given.buffers, given.constants)
        stepper = self._stepper.standing_in(given.varying, dict(given.state))
        course = Course(stack, stepper, self._tapes, Rates({}, {}))
        batches = Batches(given.batches, self.length)
        for place in range(self.length):
            course.step(place, batches[place], given.moments.at(place))
        return Found(stack.theta, stack.buffers, stepper.state(), [tape.drain() for tape in self._inner])


class Block:
    """A program at work on a course.

    Attributes:
        length: Steps of a block.
    """

    def __init__(self, program: Program, function: Function, course: Course) -> None:
        """Begin.

        Args:
            program: The steps.
            function: The program itself, compiled, or captured.
            course: Whose steps and samples these are.
        """
        self.length = program.length
        self._function = function
        self._course = course
        self._pairs, _ = paired(course.tapes, self.length)
        inside = {id(pair.outer) for pair in self._pairs}
        self._rare = [
            each
            for each in course.tapes.probes
            if not any(id(tape) in inside for tape in each.tapes if tape is not None)
        ]
        self._rows = [tape for tape in course.tapes.parameters if id(tape) not in inside]

    def run(self, start: int, batches: Batches) -> None:
        """Make the steps start..start+length-1, whose batches these are."""
        course = self._course
        for each in self._rare:
            each.keep(course.stack, start, batches[0])
        for tape in self._rows:
            tape.keep(start, course.stack.theta)
        if course.tapes.states.tapes:
            course.tapes.states.keep(course.stepper, start)
        if course.tapes.rates:
            for step in range(start, start + self.length):
                course.keep_rates(step)
        found = self._function(given(course.stack, course.stepper, start, batches))
        course.stack.theta, course.stack.buffers = found.theta, dict(found.buffers)
        course.stepper.restore(found.theta, dict(found.state))
        for pair, samples in zip(self._pairs, found.samples, strict=True):
            step = start + self.length if pair.after else start
            if step % max(pair.outer.every, self.length) == 0 or step == course.steps:
                pair.outer.keep_joined(samples)


def given(stack: Stack, stepper: Any, start: int, batches: Batches) -> Given:
    """What the steps from `start` on depend on."""
    return Given(
        stack.theta,
        stack.buffers,
        stepper.state(),
        stack.constants,
        stepper.varying,
        batches.joined,
        stepper.moments(start + 1, len(batches)),
    )


def paired(tapes: Tapes, length: int) -> tuple[list[Pair], Tapes]:
    """The tapes that are sampled within a block of so many steps, and what stands for them there."""
    pairs: list[Pair] = []

    def pair(tape: Tape | None, *, after: bool = False) -> Tape | None:
        if tape is None:
            return None
        pairs.append(Pair(tape, Tape(min(tape.every, length), tape.cuts), after))
        return pairs[-1].inner

    probes = []
    for each in tapes.probes:
        if min(each.every) < length:
            within_block = tuple(pair(tape) for tape in each.tapes)
            every = tuple({tape.every for tape in within_block if tape is not None})
            probes.append(Measured(each.probe, within_block, every))
    within = Tapes(
        constants=(),
        probes=tuple(probes),
        parameters=tuple(inner for tape in tapes.parameters if tape.every < length and (inner := pair(tape))),
        loss=pair(tapes.loss),
        gradient=pair(tapes.gradient),
        terms={name: inner for name, tape in tapes.terms.items() if (inner := pair(tape, after=True))},
        states=Watched({}),
        rates={},
        fixed={},
        perturbation=pair(tapes.perturbation),
    )
    return pairs, within


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
