"""Samples on the way to the files: kept as the tensors they are, joined a block at a time."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

import torch
from torch import Tensor

from dynviz.recording.metadata import ChannelInfo
from dynviz.task import Batch, Probe
from dynviz.training.channels import GRADIENT, LOSS, PARAMETERS, PERTURBATION, STATE, TERM
from dynviz.training.stack import Stack
from dynviz.training.steppers import Stepper
from dynviz.training.watch import watched

WHOLE = 16_384
"""Numbers in a row up to which the whole row is joined, even where a channel needs little of it."""


@dataclass(frozen=True)
class Cut:
    """What a channel takes of a tape's tensors: numbers start..stop-1 of the last dimension, in a shape of its own."""

    start: int
    stop: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Later:
    """A sample that is still being measured: the tensor at one place of what a measurement will give."""

    measurement: Future[tuple[Tensor, ...]]
    place: int

    def tensor(self) -> Tensor:
        """The sample, when it is there."""
        return self.measurement.result()[self.place]


@dataclass
class Tape:
    """The tensors of one source at the steps at which samples are due.

    Nothing is copied while training goes on: a step makes new tensors, and the tape holds the old ones until they are
    joined. So a sample costs next to nothing, and on a GPU a block is one transfer for each channel.

    Attributes:
        every: Steps between samples.
        cuts: Of each channel, what it takes of a tensor; None: all of it as it is.
    """

    every: int
    cuts: Mapping[str, Cut | None]
    _kept: list[Tensor | Later] = field(default_factory=list)
    _joined: list[dict[str, Tensor]] = field(default_factory=list)

    def keep(self, step: int, value: Tensor | Later) -> None:
        """Hold a sample, where one is due; its storage must not change any more."""
        if step % self.every == 0:
            self._kept.append(value)

    def keep_last(self, value: Tensor | Later) -> None:
        """Hold the sample of the last step, which is always due."""
        self._kept.append(value)

    def keep_joined(self, samples: dict[str, Tensor]) -> None:
        """Hold samples that another tape has joined."""
        self._join()
        self._joined.append(samples)

    def drain(self) -> dict[str, Tensor]:
        """The samples [samples, ...] of each channel since the last time; nothing where there are none."""
        self._join()
        joined, self._joined = self._joined, []
        if len(joined) < 2:
            return joined[0] if joined else {}
        return {name: torch.cat([each[name] for each in joined]) for name in self.cuts}

    def _join(self) -> None:
        if not self._kept:
            return
        kept = [value.tensor() if isinstance(value, Later) else value for value in self._kept]
        length = kept[0].shape[-1] if kept[0].ndim else 0
        whole: Tensor | None = None
        found: dict[str, Tensor] = {}
        for name, cut in self.cuts.items():
            if cut is not None and length > WHOLE and 4 * (cut.stop - cut.start) < length:
                joined = torch.stack([value[..., cut.start : cut.stop] for value in kept])
            else:
                whole = torch.stack(kept) if whole is None else whole
                joined = whole if cut is None else whole[..., cut.start : cut.stop]
            found[name] = joined if cut is None else joined.reshape(*joined.shape[:-1], *cut.shape)
        self._joined.append(found)
        self._kept.clear()


@dataclass(frozen=True)
class Measured:
    """A probe and its channels.

    Attributes:
        probe: What measures.
        tapes: Of its channels, in order; None for one that is not recorded.
        every: Their distances between samples.
        aside: Who measures while training goes on, for probes that take long.
    """

    probe: Probe
    tapes: tuple[Tape | None, ...]
    every: tuple[int, ...]
    aside: Executor | None = None

    def keep(self, stack: Stack, step: int, batch: Batch) -> None:
        """Measure, if a sample is due at this step in one channel at least."""
        if any(step % every == 0 for every in self.every):
            for tape, value in zip(self.tapes, self._measure(stack, batch), strict=True):
                if tape is not None:
                    tape.keep(step, value)

    def keep_last(self, stack: Stack, batch: Batch) -> None:
        """Measure the state after the last step."""
        for tape, value in zip(self.tapes, self._measure(stack, batch), strict=True):
            if tape is not None:
                tape.keep_last(value)

    def _measure(self, stack: Stack, batch: Batch) -> Sequence[Tensor | Later]:
        if self.aside is None:
            return stack.measure(self.probe, batch)
        measurement = self.aside.submit(stack.measurement(self.probe, batch))
        return [Later(measurement, place) for place in range(len(self.tapes))]


@dataclass(frozen=True)
class Watched:
    """The channels of what an optimizer shows of its state.

    Attributes:
        tapes: By channel.
    """

    tapes: Mapping[str, Tape]

    def keep(self, stepper: Stepper, step: int) -> None:
        """Look at the state, if a sample is due at this step in one channel at least."""
        if any(step % tape.every == 0 for tape in self.tapes.values()):
            shown = watched(stepper, step)
            for name, tape in self.tapes.items():
                tape.keep(step, shown[name])

    def keep_last(self, stepper: Stepper, step: int) -> None:
        """Look at the state after the last step."""
        shown = watched(stepper, step) if self.tapes else {}
        for name, tape in self.tapes.items():
            tape.keep_last(shown[name])


@dataclass(frozen=True)
class Tapes:
    """All tapes of one stack.

    Attributes:
        constants: What is measured once, before training.
        probes: What is measured by functions.
        parameters: Of the parameters, by how often.
        loss: Of the loss.
        gradient: Of the gradient, if it is recorded.
        terms: Of the terms of a step, by name.
        states: Of the optimizer's state.
        rates: Of hyperparameters that change with the step, by name.
        fixed: Of those that stay as they are.
        perturbation: Of where the gradient of a step is taken, if it is recorded.
    """

    constants: tuple[Measured, ...]
    probes: tuple[Measured, ...]
    parameters: tuple[Tape, ...]
    loss: Tape | None
    gradient: Tape | None
    terms: Mapping[str, Tape]
    states: Watched
    rates: Mapping[str, Tape]
    fixed: Mapping[str, Tape]
    perturbation: Tape | None

    @classmethod
    def of(
        cls, stack: Stack, channels: Mapping[str, ChannelInfo], aside: Executor, rates: Mapping[str, bool]
    ) -> "Tapes":
        """The tapes that a stack's channels need.

        Args:
            stack: What is sampled.
            channels: What is recorded.
            aside: Who makes long measurements, on a CPU.
            rates: Hyperparameters that can be recorded, and whether they change with the step.
        """

        def tape(name: str) -> Tape | None:
            return Tape(channels[name].every, {name: None}) if name in channels else None

        constants: list[Measured] = []
        probes: list[Measured] = []
        for probe in stack.task.probes:
            for found, constant in ((constants, True), (probes, False)):
                wanted = tuple(
                    Tape(info.every or 1, {channel.name: None})
                    if (info := channels.get(channel.name)) is not None and (info.every == 0) is constant
                    else None
                    for channel in probe.channels
                )
                every = tuple({each.every for each in wanted if each is not None})
                if every and (constant or not isinstance(probe.measure, str)):
                    long = not probe.stacked and stack.device.type == "cpu"
                    found.append(Measured(probe, wanted, every, aside if long else None))
        terms = {
            name.removeprefix(TERM): Tape(info.every, {name: None})
            for name, info in channels.items()
            if name.startswith(TERM)
        }
        own = {channel.name for probe in stack.task.probes for channel in probe.channels}
        states = {
            name: Tape(info.every, {name: None})
            for name, info in channels.items()
            if name.startswith(STATE) and name not in own
        }
        return cls(
            tuple(constants),
            tuple(probes),
            _of_parameters(stack, channels),
            tape(LOSS.name),
            tape(GRADIENT),
            terms,
            Watched(states),
            {name: Tape(channels[name].every, {name: None}) for name in rates if name in channels and rates[name]},
            {name: Tape(1, {name: None}) for name in rates if name in channels and not rates[name]},
            tape(PERTURBATION),
        )

    def drain(self) -> dict[str, Tensor]:
        """The samples of all channels, [samples, lanes where there are several, ...], since the last time."""
        measured = [tape for each in (*self.constants, *self.probes) for tape in each.tapes]
        named = [*self.terms.values(), *self.states.tapes.values(), *self.rates.values(), *self.fixed.values()]
        tapes = [*measured, *self.parameters, self.loss, self.gradient, self.perturbation, *named]
        return {name: samples for tape in tapes if tape is not None for name, samples in tape.drain().items()}


def _of_parameters(stack: Stack, channels: Mapping[str, ChannelInfo]) -> tuple[Tape, ...]:
    cuts: dict[int, dict[str, Cut | None]] = {}
    if PARAMETERS in channels:
        cuts[channels[PARAMETERS].every] = {PARAMETERS: None}
    parts = stack.layout.parts
    for probe in stack.task.probes:
        for channel in probe.channels:
            info = channels.get(channel.name)
            if isinstance(probe.measure, str) and info is not None and info.every:
                part, shape = parts[probe.measure], stack.layout.shapes[probe.measure]
                size = torch.Size(shape).numel()
                cut = Cut(part.start, part.start + size, shape if info.dims else ())
                cuts.setdefault(info.every, {})[channel.name] = cut
    return tuple(Tape(every, each) for every, each in cuts.items())
