"""Samples of channels for views, checked, and cached as long as nothing changes."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError, TooEarlyError
from dynviz.recording import Recording
from dynviz.recording.long_array import in_file
from dynviz.scene.decimate import evenly
from dynviz.text import listed, quoted

Array: TypeAlias = NDArray[Any]
Made = TypeVar("Made")

BUDGET = 1 << 22
"""Numbers of a channel that are looked at, at most, where some tell what all would: of a longer one evenly spaced
samples."""
READ_BYTES = 1 << 27
"""So much of a channel that is not in memory is read for a line, at most; it takes less than a tenth of a second."""


def has(recording: Recording, channel: str) -> bool:
    """Whether a channel is recorded and has its first sample."""
    return channel in recording and recording[channel].shape[0] > 0


def need(view: str, recordings: Sequence[Recording], *channels: str) -> None:
    """Check that every recording has these channels.

    Raises:
        DynvizError: One of them does not.
    """
    if not recordings:
        raise DynvizError(f"view {view} needs at least one recording")
    for recording in recordings:
        for channel in channels:
            if not has(recording, channel):
                raise missing(view, recording, channel)


def missing(view: str, recording: Recording, channel: str) -> DynvizError:
    """The error for a channel that a view needs and a recording lacks."""
    needs = f"view {view} needs the channel {channel!r}"
    if channel in recording:
        return TooEarlyError(f"{needs}, of which recording {quoted(recording.label)} has no sample yet")
    there = listed(recording.channels) or "none"
    suited = [name for name in recording.metadata.views if name != view]
    instead = f", or use a view that suits the recording: {listed(suited)}" if suited else ""
    return DynvizError(
        f"{needs}, which recording {quoted(recording.label)} does not have; it has {there}. "
        f"If the scenario offers it, record it with --record {channel!r}{instead}"
    )


def lane_of(recordings: Sequence[Recording], lane: int) -> None:
    """Check that every recording has this lane.

    Raises:
        DynvizError: One of them does not.
    """
    for recording in recordings:
        lanes = len(recording.seeds)
        if not 0 <= lane < lanes:
            raise DynvizError(
                f"no lane {lane} in recording {quoted(recording.label)}; it has lanes 0 to {lanes - 1}, "
                f"with seeds {listed([str(seed) for seed in recording.seeds])}"
            )


def index_at(steps: NDArray[np.int64], step: int) -> int:
    """The index of the last sample at or before a step; the first one for a step before it."""
    return max(0, int(np.searchsorted(steps, step, side="right")) - 1)


def places(values: Array, budget: int | None = None, first: int = 0) -> NDArray[np.int64]:
    """Indices of the samples that tell what all would: all, or evenly spaced ones from `first` to the last.

    Args:
        values: [samples, ...]; of those that are not in memory at most `READ_BYTES` are read.
        budget: Numbers, at most, but two samples at least; None for any number.
        first: The index of the first.
    """
    most = len(values) if budget is None else max(2, budget // max(1, int(np.prod(values.shape[1:]))))
    if in_file(values):
        most = min(most, max(2, values.scattered(READ_BYTES)))
    return evenly(len(values), most, first)


def thinned(values: Array, budget: int = BUDGET) -> Array:
    """Evenly spaced samples [samples, ...] of at most so many numbers."""
    at = places(values, budget)
    return np.asarray(values if len(at) == len(values) else values[at])


def lined(recording: Recording, channel: str, *part: Any) -> tuple[NDArray[np.int64], Array]:
    """Steps and samples through which lines are drawn: all of a channel in memory, of others evenly spaced ones.

    Args:
        recording: The recording.
        channel: The channel.
        *part: Index of what is drawn of each sample, for example a lane.
    """
    values, steps = recording[channel], recording.steps(channel)
    at = places(values)
    if len(at) == len(values):
        return steps, np.asarray(values[(slice(None), *part)])
    return steps[at], values[(at, *part)]


class Latest(Generic[Made]):
    """A value computed from a channel's sample at a step.

    It is the same object as long as the sample is the same, so that backends can tell that nothing changed.
    """

    def __init__(self, recording: Recording, channel: str, make: Callable[[NDArray[Any]], Made]) -> None:
        """Read the samples recorded so far.

        Args:
            recording: The recording.
            channel: The channel.
            make: Function of the samples so far [samples, lanes, ...].
        """
        self.steps = recording.steps(channel)
        self._values = recording[channel]
        self._make = make
        self._last: tuple[int, Made] | None = None

    def at(self, step: int) -> Made:
        """The value for the last sample at or before a step."""
        index = index_at(self.steps, step)
        if self._last is None or self._last[0] != index:
            self._last = index, self._make(self._values[: index + 1])
        return self._last[1]
