"""A recording whose length and channels are not known when it begins."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynviz.recording import Writer
from dynviz.recording.metadata import ChannelInfo, Metadata, Status

FLUSH_SECONDS = 0.2
"""How long samples are held back from the files."""
FLUSH_BYTES = 1 << 24
SYNC_SECONDS, SYNC_SHARE = 30.0, 0.05
"""What is written is put on the disk, with checksums, so often: in seconds, and in shares of the time so far."""


class GrowingRecording:
    """Buffers samples of one lane and writes them, in a recording that is made longer as training goes on.

    Attributes:
        written: The bytes of samples so far.
    """

    def __init__(self, folder: Path, metadata: Metadata) -> None:
        self._writer = Writer.create(folder, metadata)
        self._held: dict[str, list[NDArray[Any]]] = {name: [] for name in metadata.channels}
        self._next = dict.fromkeys(metadata.channels, 0)
        self._bytes = self.written = 0
        self._begun = self._flushed = self._synced = time.monotonic()

    @property
    def metadata(self) -> Metadata:
        """The metadata so far."""
        return self._writer.metadata

    def count(self, channel: str) -> int:
        """The number of samples so far, those held back too."""
        return self._next[channel]

    def add(self, channel: str, info: ChannelInfo) -> None:
        """Record one channel more, from now on."""
        self._writer.amend(replace(self.metadata, channels={**self.metadata.channels, channel: info}))
        self._held[channel], self._next[channel] = [], 0

    def put(self, channel: str, sample: ArrayLike) -> None:
        """The next sample of a channel."""
        info = self.metadata.channels[channel]
        block = np.ascontiguousarray(sample, dtype=info.dtype).reshape(1, *info.shape)
        self._held[channel].append(block)
        self._next[channel] += 1
        self._bytes += block.nbytes
        self.written += block.nbytes

    def lengthen(self, steps: int) -> None:
        """Plan for this many steps."""
        self._writer.amend(replace(self.metadata, steps=steps))

    def event(self, step: int, kind: str, value: float | None = None) -> None:
        """Record an event."""
        self._writer.event(step, 0, kind, value)

    def flush(self, step: int) -> bool:
        """Write what is held back, if it is time to; whether it was.

        Args:
            step: How far training has come.
        """
        now = time.monotonic()
        if self._bytes < FLUSH_BYTES and now - self._flushed < FLUSH_SECONDS:
            return False
        self._write()
        if now - self._synced > max(SYNC_SECONDS, SYNC_SHARE * (now - self._begun)):
            self._synced = now
            self._writer.checkpoint(step, {})
        return True

    def _write(self) -> None:
        for name, blocks in self._held.items():
            if blocks:
                self._writer.write(name, self._next[name] - len(blocks), np.concatenate(blocks)[:, None])
                blocks.clear()
        self._bytes, self._flushed = 0, time.monotonic()

    def finish(self, steps: int, last: Mapping[str, ArrayLike], status: Status, error: str = "") -> None:
        """End the recording.

        Args:
            steps: How many were made.
            last: Samples of the state after the last step; of channels that have it already it is left out.
            status: How it ended.
            error: Why, if it failed.
        """
        try:
            self.lengthen(steps)
            for name, sample in last.items():
                if self._next[name] < self.metadata.channels[name].samples(steps):
                    self.put(name, sample)
            self._write()
            self._writer.checkpoint(steps, {})
            self._writer.status(status, error)
        finally:
            self._writer.close()
