"""What can be recorded: the sources of samples for each kind of channel.

A new kind of channel is a function here, added to `KINDS`; if it needs a value that is not available yet, add a field
to `StepValues`, which one of its methods fills.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

import torch
from torch import Tensor

from dynviz.errors import DynvizError, unknown
from dynviz.frozen import frozen
from dynviz.recording.metadata import Part
from dynviz.task import Channel, Probe
from dynviz.training.lane_stack import LaneStack
from dynviz.training.observation import Observation, observed
from dynviz.training.rates import Rates
from dynviz.training.step_values import Phase, StepValues
from dynviz.training.steppers import Stepper
from dynviz.training.watched_state import watched

LOSS = Channel("loss", 1, (), "loss on the batch of the step, before the step", better="lower")


@frozen
class PendingSample:
    """A sample that another thread may still be measuring: one tensor of a measurement."""

    measurement: Future[tuple[Tensor, ...]]
    place: int

    def tensor(self) -> Tensor:
        """Wait for the sample."""
        return self.measurement.result()[self.place]


@frozen
class RowSlice:
    """The numbers start..stop-1 of the last dimension of a tensor, and their shape."""

    start: int
    stop: int
    shape: tuple[int, ...]

    @classmethod
    def of_part(cls, part: Part, *, scalar: bool) -> "RowSlice":
        """The numbers of a parameter; a scalar is one number without dimensions."""
        return cls(part.start, part.start + math.prod(part.shape), () if scalar else part.shape)

    def of(self, tensor: Tensor) -> Tensor:
        """The slice as a view."""
        return self.shaped(tensor[..., self.start : self.stop])

    def shaped(self, numbers: Tensor) -> Tensor:
        """Numbers [..., stop - start] in their shape [..., *shape]."""
        return numbers.reshape((*numbers.shape[:-1], *self.shape))


Key: TypeAlias = int | str
Reading: TypeAlias = Mapping[str, Tensor] | Sequence[Tensor | PendingSample]
Read: TypeAlias = Callable[[StepValues], Reading]


@frozen(kw_only=True)
class Source:
    """The source of the samples of one channel.

    Attributes:
        channel: The channel, with its default sampling interval.
        phase: When it can be read.
        read: The function that reads it. Sources with the same function are read together.
        key: The key of the sample in the result of `read`.
        row_slice: The part of the tensor that is sampled; None for all of it.
        is_row: Whether a sample has one number per parameter, flattened like theta.
        apart: Whether it cannot be read within a block of steps, only between blocks.
    """

    channel: Channel
    phase: Phase
    read: Read
    key: Key = 0
    row_slice: RowSlice | None = None
    is_row: bool = False
    apart: bool = False

    def sample(self, reading: Reading) -> Tensor:
        """The sample in the result of `read`."""
        sample = reading[self.key]  # type: ignore[index]
        tensor = sample.tensor() if isinstance(sample, PendingSample) else sample
        return self.row_slice.of(tensor) if self.row_slice else tensor


@frozen(kw_only=True)
class SampledStack:
    """A stack, with everything that samples are read from.

    Attributes:
        stack: The lanes.
        stepper: Their optimizer.
        rates: Their learning rate and other hyperparameters that change with the step.
        threads: Threads for slow measurements on a CPU, during training.
    """

    stack: LaneStack
    stepper: Stepper
    rates: Rates
    threads: ThreadPoolExecutor


def sources(sampled: SampledStack) -> tuple[Source, ...]:
    """Everything that can be recorded from a stack.

    Raises:
        DynvizError: The channels or probes of the scenario cannot be recorded.
    """
    table = tuple(source for kind in KINDS for source in kind(sampled))
    names = set()
    for channel in (source.channel for source in table):
        if channel.name in names:
            raise DynvizError(f"there are two channels named {channel.name!r}; a scenario gives each a name of its own")
        if type(channel.every) is not int or channel.every < 0:
            raise DynvizError(
                f"channel {channel.name!r} has every={channel.every}; that is a number of steps, 0 for a constant"
            )
        names.add(channel.name)
    task = sampled.stack.task
    for probe in task.probes:
        if isinstance(probe.measure, str):
            if probe.measure not in task.parameters:
                raise unknown("parameter to record", probe.measure, task.parameters)
            _check_count(probe, 1)
    return table


def _loss(sampled: SampledStack) -> Iterator[Source]:  # noqa: ARG001
    yield Source(channel=LOSS, phase=Phase.LOSS, read=lambda values: (values.loss,))


def _probes(sampled: SampledStack) -> Iterator[Source]:
    stack = sampled.stack
    for probe in stack.task.probes:
        if isinstance(probe.measure, str):
            part = stack.layout.parts.get(probe.measure)
            for channel in probe.channels:
                row_slice = RowSlice.of_part(part, scalar=not channel.dims) if part else None
                yield Source(channel=channel, phase=Phase.STATE, read=_theta, row_slice=row_slice)
            continue
        apart = not probe.stacked and stack.device.type == "cpu"
        read = _measurement(probe, sampled.threads if apart else None)
        for place, channel in enumerate(probe.channels):
            yield Source(channel=channel, phase=Phase.STATE, read=read, key=place, apart=apart)


def _parameters(sampled: SampledStack) -> Iterator[Source]:
    channel = _row(sampled, "parameters", "all parameters, in one row")
    yield Source(channel=channel, phase=Phase.STATE, read=_theta, is_row=True)


def _buffers(sampled: SampledStack) -> Iterator[Source]:
    lead = 0 if sampled.stack.single else 1

    def read(values: StepValues) -> Reading:
        return (torch.cat([buffer.flatten(lead) for buffer in values.stack.buffers.values()], dim=-1),)

    if sampled.stack.buffers:
        channel = _row(sampled, "buffers", "all buffers, such as running statistics, in one row")
        yield Source(channel=channel, phase=Phase.STATE, read=read)


def _gradient(sampled: SampledStack) -> Iterator[Source]:
    channel = _row(sampled, "gradient", "gradient of the loss on the batch of the step")
    yield Source(channel=channel, phase=Phase.GRADIENT, read=lambda values: (values.gradient,), is_row=True)


def _terms(sampled: SampledStack) -> Iterator[Source]:
    def read(values: StepValues) -> Reading:
        return values.terms

    for term in sampled.stepper.terms:
        channel = _row(sampled, f"term.{term}", f"the {term} term of the step that led to this sample")
        yield Source(channel=channel, phase=Phase.UPDATE, read=read, key=term, is_row=True)


def _state(sampled: SampledStack) -> Iterator[Source]:
    def read(values: StepValues) -> Reading:
        return watched(values.stepper, values.step)

    lanes = 0 if sampled.stack.single else 1
    for name, value in watched(sampled.stepper, 0).items():
        dims = tuple(f"index{axis}" for axis in range(value.ndim - lanes))
        channel = Channel(name, sampled.stack.task.every, dims, "part of the optimizer's state", on=False)
        yield Source(channel=channel, phase=Phase.STATE, read=read, key=name, apart=True)


def _rates(sampled: SampledStack) -> Iterator[Source]:
    def read(values: StepValues) -> Reading:
        return sampled.rates.at(values.stack, values.step + 1)

    for name, moves in sampled.rates.moving.items():
        channel = Channel(name, sampled.stack.task.every, (), f"{name} of the next step", on=moves)
        yield Source(channel=channel, phase=Phase.SCHEDULE, read=read, key=name)


def _perturbation(sampled: SampledStack) -> Iterator[Source]:
    if sampled.stepper.perturb is not None:
        channel = _row(sampled, "perturbation", "where the gradient of the step is taken, relative to the parameters")
        yield Source(channel=channel, phase=Phase.PERTURBATION, read=lambda values: (values.perturbation,), is_row=True)


KINDS: tuple[Callable[[SampledStack], Iterator[Source]], ...] = (
    _loss,
    _probes,
    _parameters,
    _buffers,
    _gradient,
    _terms,
    _state,
    _rates,
    _perturbation,
)
"""The kinds of channels, in the order in which recordings list them."""


def _row(sampled: SampledStack, name: str, text: str) -> Channel:
    """A channel with a number for each parameter, off unless asked for."""
    return Channel(name, sampled.stack.task.every, ("number",), text, on=False)


def _theta(values: StepValues) -> Reading:
    return (values.stack.theta,)


def _measurement(probe: Probe, threads: ThreadPoolExecutor | None) -> Read:
    seen: Observation | None = None

    def read(values: StepValues) -> Reading:
        nonlocal seen
        stack, batch = values.stack, values.batch
        if values.first or seen is None:
            measure = stack.measure_ahead if values.first else stack.measure
            with observed() as seen:
                measured = measure(probe, batch)
            if seen.draws:
                # Once more, now that the generators are seeded for each measurement.
                stack.draws = True
                measured = measure(probe, batch)
            _check_count(probe, len(measured))
            return measured
        if threads is None or seen.modules or seen.draws:
            return stack.measure(probe, batch)
        measurement = threads.submit(stack.measurement(probe, batch))
        return [PendingSample(measurement, place) for place in range(len(probe.channels))]

    return read


def _check_count(probe: Probe, count: int) -> None:
    if count != len(probe.channels):
        names = ", ".join(channel.name for channel in probe.channels)
        raise DynvizError(f"the probe of {names} measured {count} values, not {len(probe.channels)}")
