"""The contract of detectors: pure functions of channels that say when something happened.

A detector is a frozen dataclass whose fields are its thresholds, in a file that binds `detector`. It is fed the samples
of the channels that it reads as they grow; in whatever portions they come, it finds the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from dynviz.frozen import frozen

Samples: TypeAlias = NDArray[Any]
State = TypeVar("State")


@frozen(kw_only=True)
class Subject:
    """What a detector is applied to, besides the samples.

    Attributes:
        lanes: Number of lanes.
        facts: The facts of the recording.
        channels: The names of the recorded channels.
        parameters: The names of the parameters, which may be recorded or not.
    """

    lanes: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    channels: Collection[str] = ()
    parameters: Collection[str] = ()

    def first(self, *names: str) -> tuple[str, ...]:
        """The first of these channels that is recorded; empty if none is."""
        return next(((name,) for name in names if name in self.channels), ())

    def every(self, *names: str) -> tuple[str, ...]:
        """All of these channels; empty if one is not recorded."""
        return names if all(name in self.channels for name in names) else ()


@dataclass(frozen=True, kw_only=True, order=True)
class Detection:
    """Something that happened to a lane.

    Attributes:
        step: The first sampled step at which the condition held.
        lane: The lane concerned.
        value: A measure of the event, if it has one.
        since: The last sampled step at which the condition did not hold yet: it happened after that, and by `step`.
        words: Details besides the kind: which direction, how many centers.
        other: Another lane that was involved; None if there was none.
    """

    step: int
    lane: int
    value: float | None = None
    since: int
    words: str = ""
    other: int | None = None


class Detector(Protocol[State]):
    """Finds one kind of event.

    A detector that compares lanes declares `joins: ClassVar[bool] = True`: it is given the lanes of all recordings
    together.
    """

    def reads(self, subject: Subject) -> tuple[str, ...]:
        """The channels that it needs, in the order of the samples; empty if it does not apply to the subject."""
        ...

    def init(self, subject: Subject) -> State:
        """The state before the first sample."""
        ...

    def update(self, state: State, steps: NDArray[np.int64], *samples: Samples) -> tuple[State, Sequence[Detection]]:
        """Examine further samples.

        Args:
            state: The state returned by `init` or the last `update`; it must not be modified.
            steps: [samples], ascending: the steps that all channels have samples of.
            *samples: The samples of each channel that it reads, [samples, lanes, ...].
        """
        ...
