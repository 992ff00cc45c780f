"""Conditions with hysteresis: noise does not switch them, because they end at another threshold than they begin."""

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.detector import Detection
from dynviz.frozen import frozen

Flags: TypeAlias = NDArray[np.bool_]


@frozen
class Switch:
    """Whether a condition currently holds.

    Attributes:
        holds: [lanes, ...]: for each lane, and whatever else it is looked at for.
        last: The step of the last sample; None before the first.
    """

    holds: Flags
    last: int | None = None

    @classmethod
    def off(cls, lanes: int) -> "Switch":
        """One that holds nowhere yet; what else it is looked at for is known with the first samples."""
        return cls(np.zeros(lanes, bool))

    def begins(self, steps: NDArray[np.int64], on: Flags, off: Flags) -> tuple["Switch", list["Begin"]]:
        """Where it begins to hold.

        Args:
            steps: [samples].
            on: [samples, ...]: where it begins to hold if it does not.
            off: [samples, ...]: where it ends if it holds; where both are said it holds.

        Returns:
            The switch after these samples, and the places at which it began, by sample.
        """
        if not len(steps):
            return self, []
        marks = np.where(on, 1, np.where(off, 0, -1)).astype(np.int8)
        lanes = self.holds.reshape(self.holds.shape + (1,) * (on.ndim - 1 - self.holds.ndim))
        marks = np.concatenate([np.broadcast_to(lanes, on.shape[1:])[None].astype(np.int8), marks])
        rows = np.arange(len(marks)).reshape(-1, *[1] * (on.ndim - 1))
        known = np.maximum.accumulate(np.where(marks >= 0, rows, 0), axis=0)
        holds = np.take_along_axis(marks, known, axis=0) == 1
        before = [self.last if self.last is not None else int(steps[0]), *steps[:-1].tolist()]
        began = [
            Begin(row, int(steps[row]), before[row], tuple(place))
            for row, *place in np.argwhere(holds[1:] & ~holds[:-1]).tolist()
        ]
        return replace(self, holds=holds[-1], last=int(steps[-1])), began


@frozen
class Begin:
    """A condition began to hold.

    Attributes:
        row: Which of the samples.
        step: Its step.
        since: The step of the sample before; its own where it is the first of all.
        place: The lane, and what else the condition is looked at for.
    """

    row: int
    step: int
    since: int
    place: tuple[int, ...]

    @property
    def lane(self) -> int:
        """The lane."""
        return self.place[0]

    def detection(self, value: float, words: str = "", since: int | None = None) -> Detection:
        """The event that it is.

        Args:
            value: How much.
            words: More of it.
            since: The last step at which it was not so yet, where that is not the step of the sample before.
        """
        return Detection(
            step=self.step,
            since=self.since if since is None else since,
            lane=self.lane,
            value=float(value),
            words=words,
        )


def scalar(samples: NDArray[Any]) -> NDArray[np.float64]:
    """Samples [samples, lanes] as float64; what is not finite is infinite."""
    values = samples.astype(np.float64)
    values[~np.isfinite(values)] = np.inf
    return values
