"""Samples of channels for views: checked, and the same object as long as nothing changes."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.recording import Recording
from dynviz.text import listed, quoted

Made = TypeVar("Made")


def has(recording: Recording, channel: str) -> bool:
    """Whether a channel is recorded and has its first sample."""
    return channel in recording and recording[channel].shape[0] > 0


def need(view: str, recordings: Sequence[Recording], *channels: str) -> None:
    """Check that every recording has these channels.

    Raises:
        DynvizError: One has not.
    """
    if not recordings:
        raise DynvizError(f"view {view} got no recording; it takes one or more")
    for recording in recordings:
        for channel in channels:
            if not has(recording, channel):
                raise missing(view, recording, channel)


def missing(view: str, recording: Recording, channel: str) -> DynvizError:
    """The error for a channel that a view needs and a recording lacks."""
    needs = f"view {view} needs the channel {channel!r}"
    if channel in recording:
        return DynvizError(f"{needs}, of which recording {quoted(recording.label)} has no sample yet")
    there = listed(recording.channels) or "none"
    suited = [name for name in recording.metadata.views if name != view]
    instead = f", or take a view that suits it: {listed(suited)}" if suited else ""
    return DynvizError(
        f"{needs}, which recording {quoted(recording.label)} does not have; it has {there}. "
        f"Where the scenario offers it, record it with --record {channel!r}{instead}"
    )


def lane_of(recordings: Sequence[Recording], lane: int) -> None:
    """Check that every recording has this lane.

    Raises:
        DynvizError: One has not.
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


class Latest(Generic[Made]):
    """A value computed from a channel's sample at a step.

    The same object as the last time while the sample is the same, so that a backend sees that nothing changed.
    """

    def __init__(self, recording: Recording, channel: str, make: Callable[[NDArray[Any]], Made]) -> None:
        """Read the samples recorded so far.

        Args:
            recording: Where from.
            channel: Which.
            make: Function of the samples up to then [samples, lanes, ...].
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
