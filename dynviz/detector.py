"""The contract of detectors: pure functions of channels that say when something happened.

A detector is a frozen dataclass whose fields are its thresholds, in a file that binds `detector`. It is fed the samples
of the channels that it reads as they grow; in whatever portions they come, it finds the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[Any]
State = TypeVar("State")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a detector looks at, beside the samples.

    Attributes:
        lanes: How many.
        facts: Those of the recording.
        channels: The names of what is recorded.
    """

    lanes: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    channels: Collection[str] = ()

    def first(self, *names: str) -> tuple[str, ...]:
        """The first of these channels that is recorded; none where none is."""
        return next(((name,) for name in names if name in self.channels), ())

    def every(self, *names: str) -> tuple[str, ...]:
        """All of these channels; none where one is not recorded."""
        return names if all(name in self.channels for name in names) else ()


@dataclass(frozen=True, kw_only=True, order=True)
class Detection:
    """Something that happened to a lane.

    Attributes:
        step: The first sampled step at which it was so.
        lane: To which lane.
        value: How much, where that means something.
        since: The last sampled step at which it was not so yet: it happened after that, and by `step`.
        words: What it was, beside its kind: which direction, how many centers.
        other: The lane that had a part in it; None where none had.
    """

    step: int
    lane: int
    value: float | None = None
    since: int
    words: str = ""
    other: int | None = None


class Detector(Protocol[State]):
    """Finds one kind of event.

    One that compares lanes says `joins: ClassVar[bool] = True`: it is given the lanes of all recordings together.
    """

    def reads(self, subject: Subject) -> tuple[str, ...]:
        """The channels that it needs, in the order of the samples; none where it cannot say anything of the subject."""
        ...

    def init(self, subject: Subject) -> State:
        """The state before the first sample."""
        ...

    def update(self, state: State, steps: NDArray[np.int64], *samples: Samples) -> tuple[State, Sequence[Detection]]:
        """Look at further samples.

        Args:
            state: What `init` or the last `update` gave; it is not changed.
            steps: [samples], ascending: the steps that all channels have samples of.
            *samples: Of each channel that it reads, [samples, lanes, ...].
        """
        ...
