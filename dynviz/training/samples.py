"""Samples on their way to the files: kept as tensors, and joined block by block."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from dynviz.errors import unknown
from dynviz.frozen import frozen
from dynviz.recording.metadata import ChannelInfo
from dynviz.training.sources import Key, PendingSample, Read, RowSlice, Source
from dynviz.training.step_values import Phase, StepValues

WHOLE_ROW = 16_384
"""Numbers in a row up to which the whole row is joined, even where a channel needs little of it."""


@dataclass
class SampleBuffer:
    """The tensors of one source at the steps at which samples are due.

    Nothing is copied during training: a step creates new tensors, and the buffer holds the old ones until they are
    joined. So a sample costs almost nothing, and on a GPU a block needs one transfer per channel.

    Attributes:
        every: Steps between samples.
        slices: For each channel, the part of the tensor that it takes; None for all of it.
    """

    every: int
    slices: Mapping[str, RowSlice | None]
    _tensors: list[Tensor | PendingSample] = field(default_factory=list)
    _joined: list[dict[str, Tensor]] = field(default_factory=list)

    def keep(self, sample: Tensor | PendingSample) -> None:
        """Hold a sample, whose storage must not change anymore."""
        self._tensors.append(sample)

    def keep_joined(self, samples: dict[str, Tensor]) -> None:
        """Hold samples that another buffer has joined."""
        self._join()
        self._joined.append(samples)

    def drain(self) -> dict[str, Tensor]:
        """The samples [samples, ...] of each channel since the last call; empty if there are none."""
        self._join()
        joined, self._joined = self._joined, []
        if len(joined) < 2:
            return joined[0] if joined else {}
        return {name: torch.cat([samples[name] for samples in joined]) for name in self.slices}

    def _join(self) -> None:
        if not self._tensors:
            return
        tensors = [sample.tensor() if isinstance(sample, PendingSample) else sample for sample in self._tensors]
        length = tensors[0].shape[-1] if tensors[0].ndim else 0
        whole: Tensor | None = None
        joined: dict[str, Tensor] = {}
        for name, part in self.slices.items():
            if part is not None and length > WHOLE_ROW and 4 * (part.stop - part.start) < length:
                joined[name] = part.shaped(torch.stack([tensor[..., part.start : part.stop] for tensor in tensors]))
            else:
                whole = torch.stack(tensors) if whole is None else whole
                joined[name] = whole if part is None else part.of(whole)
        self._joined.append(joined)
        self._tensors.clear()


@frozen
class Sampler:
    """Sources that are read together, and the buffers of their channels.

    Attributes:
        read: The function that reads them.
        buffers: The buffers, with the keys of their samples.
        apart: Whether they cannot be read within a block of steps.
    """

    read: Read
    buffers: tuple[tuple[Key, SampleBuffer], ...]
    apart: bool

    @classmethod
    def of(cls, sources: Iterable[Source], channels: Mapping[str, ChannelInfo]) -> "Sampler":
        """The sampler of sources that share a `read`."""
        sources = tuple(sources)
        slices: dict[tuple[Key, int], dict[str, RowSlice | None]] = {}
        for source in sources:
            name = source.channel.name
            slices.setdefault((source.key, channels[name].every or 1), {})[name] = source.row_slice
        buffers = tuple((key, SampleBuffer(every, parts)) for (key, every), parts in slices.items())
        return cls(sources[0].read, buffers, sources[0].apart)

    @property
    def everies(self) -> set[int]:
        """The numbers of steps between samples."""
        return {buffer.every for _, buffer in self.buffers}

    def keep(self, step: int, values: StepValues, *, last: bool) -> None:
        """Read the samples due at this step; at the last one, all are."""
        samples: Any = None
        for key, buffer in self.buffers:
            if last or step % buffer.every == 0:
                if samples is None:
                    samples = self.read(values)
                buffer.keep(samples[key])


class SampleBuffers:
    """The samplers of one stack.

    Attributes:
        last: The step after which training ends, at which every channel has a sample.
    """

    def __init__(self, samplers: Mapping[Phase, Iterable[Sampler]], last: float = math.inf) -> None:
        self._samplers = tuple(tuple(samplers.get(phase, ())) for phase in Phase)
        self.last = last

    @classmethod
    def of(
        cls, sources: Iterable[Source], channels: Mapping[str, ChannelInfo], last: float = math.inf
    ) -> "SampleBuffers":
        """Empty buffers for the recorded channels.

        Raises:
            DynvizError: A channel has no source.
        """
        by_name = {source.channel.name: source for source in sources}
        for name in channels:
            if name not in by_name:
                raise unknown("channel to record", name, by_name)
        samplers: dict[Phase, list[Sampler]] = {}
        for phase, together in grouped(by_name[name] for name in by_name if name in channels):
            for constant in (True, False):
                chosen = [source for source in together if (channels[source.channel.name].every == 0) is constant]
                if chosen:
                    samplers.setdefault(Phase.ONCE if constant else phase, []).append(Sampler.of(chosen, channels))
        return cls(samplers, last)

    def keep(self, phase: Phase, step: int, values: StepValues) -> None:
        """Read and hold the due samples of the sources that can be read now.

        Args:
            phase: The phase of the step.
            step: The number of steps that led to the state that the samples describe.
            values: The values known at this point of the step.
        """
        for sampler in self._samplers[phase]:
            sampler.keep(step, values, last=step == self.last)

    def at(self, *phases: Phase) -> tuple[Sampler, ...]:
        """The samplers of these phases."""
        return tuple(sampler for phase in phases for sampler in self._samplers[phase])

    def names(self, *phases: Phase) -> set[str]:
        """The channels that are sampled in these phases."""
        return {name for sampler in self.at(*phases) for _, buffer in sampler.buffers for name in buffer.slices}

    def drain(self) -> dict[str, Tensor]:
        """The samples of all channels since the last call, [samples, ...] or [samples, lanes, ...]."""
        buffers = [buffer for sampler in self.at(*Phase) for _, buffer in sampler.buffers]
        return {name: samples for buffer in buffers for name, samples in buffer.drain().items()}


def grouped(sources: Iterable[Source]) -> Iterator[tuple[Phase, list[Source]]]:
    """Sources that are read together, with their phase."""
    groups: dict[tuple[Phase, Read], list[Source]] = {}
    for source in sources:
        groups.setdefault((source.phase, source.read), []).append(source)
    for (phase, _), together in groups.items():
        yield phase, together
