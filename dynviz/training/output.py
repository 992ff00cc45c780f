"""Samples on their way from the device to the files of a recording."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from dynviz.recording.changes import Change
from dynviz.recording.metadata import ChannelInfo, Metadata, Status
from dynviz.training.channels import assemble, index
from dynviz.training.divergence import DivergenceWatch
from dynviz.training.sources import LOSS
from dynviz.training.step_values import Phase
from dynviz.training.training_loop import TrainingLoop
from dynviz.training.transfer import DeviceReader, Transfer


class SampleWriter(Protocol):
    """The part of `dynviz.recording.Writer` that training uses."""

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
    def amend(self, metadata: Metadata) -> None: ...
    def close(self) -> None: ...


class SampleOutput:
    """Writes the samples of one recording, and notices lanes that diverge.

    Attributes:
        divergence: The lanes that have diverged.
        loss: The last written loss of each lane.
    """

    def __init__(self, writer: SampleWriter, loops: Sequence[TrainingLoop], device: torch.device) -> None:
        """Nothing is on its way yet.

        Args:
            writer: The writer of the recording.
            loops: What holds the samples of each stack.
            device: Where these are.
        """
        count = len(writer.metadata.lanes)
        self.divergence = DivergenceWatch(count)
        self.loss: NDArray[Any] = np.full(count, np.nan)
        self._writer, self._loops = writer, loops
        self._channels = writer.metadata.channels
        self._after = loops[0].samples.names(Phase.UPDATE)
        self._reader = DeviceReader(device)
        self._sent: list[tuple[int, list[Transfer]]] = []
        self._arrived: list[tuple[str, int, NDArray[Any]]] = []

    def send(self, begun: int) -> None:
        """Have the samples of the steps from `begun` on transferred from the device."""
        self._sent.append((begun, [self._reader.send(loop.samples.drain()) for loop in self._loops]))

    def write(self, step: int, *, ahead: int = 0, wait: bool = True) -> None:
        """Write samples that have arrived.

        Args:
            step: The number of steps taken.
            ahead: How many of these are not to be written yet.
            wait: Whether to wait for those that were sent last; else they are written later where that saves time.
        """
        while len(self._sent) > (1 if self._reader.late and not wait else 0):
            self._receive(*self._sent.pop(0))
        later = []
        for name, first, samples in self._arrived:
            count = max(self.covered(name, step - ahead) - first, 0) if ahead else len(samples)
            seen = samples[:count]
            if len(seen):
                self._writer.write(name, first, seen)
                if name == LOSS.name:
                    self._watch(first, seen)
            if len(seen) < len(samples):
                later.append((name, first + count, samples[count:]))
        self._arrived = later

    def covered(self, name: str, step: int) -> int:
        """How many samples a run holds that has done `step` steps and has not yet looked at its state."""
        info = self._channels[name]
        if info.every == 0:
            return min(step, 1)
        return step // info.every + 1 if name in self._after else math.ceil(step / info.every)

    def _receive(self, begun: int, transfers: Sequence[Transfer]) -> None:
        parts: dict[str, list[tuple[tuple[int, ...], NDArray[Any]]]] = {}
        for loop, transfer in zip(self._loops, transfers, strict=True):
            for name, samples in transfer.arrays().items():
                part = samples[:, None] if loop.stack.single else samples
                parts.setdefault(name, []).append((loop.stack.lanes, part))
        lanes = len(self._writer.metadata.lanes)
        for name, of_stacks in parts.items():
            info = self._channels[name]
            # Terms are of the steps after `begun`, all else is of those from it on.
            first = index(info.every, begun + 1 if begun and name in self._after else begun)
            self._arrived.append((name, first, assemble(info, lanes, of_stacks)))

    def _watch(self, first: int, losses: NDArray[Any]) -> None:
        info: ChannelInfo = self._channels[LOSS.name]
        steps = np.minimum((first + np.arange(len(losses))) * info.every, self._writer.metadata.steps)
        for step, lane, loss in self.divergence.look(losses, steps):
            self._writer.event(step, lane, "diverged", loss)
        self.loss = losses[-1]
