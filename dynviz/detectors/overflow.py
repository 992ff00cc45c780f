"""A growing learning rate that was stopped before the numbers overflow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.detector import Detection, Samples, Subject


@dataclass(frozen=True)
class LastRates:
    """The rates of the last sample [lanes], and its step."""

    rates: NDArray[np.float64]
    step: int = 0


@dataclass(frozen=True)
class Overflow:
    """A learning rate that was huge and is zero.

    Attributes:
        channel: Of the rate.
        huge: Nothing but the end of numbers stops a rate above it.
    """

    channel: str = "lr"
    huge: float = 1e100

    def reads(self, subject: Subject) -> tuple[str, ...]:
        return subject.first(self.channel)

    def init(self, subject: Subject) -> LastRates:
        return LastRates(np.zeros(subject.lanes))

    def update(
        self, state: LastRates, steps: NDArray[np.int64], *samples: Samples
    ) -> tuple[LastRates, list[Detection]]:
        if not len(steps):
            return state, []
        rates = np.concatenate([state.rates[None], samples[0].astype(np.float64)])
        known = [state.step, *steps.tolist()]
        stopped = np.argwhere((rates[:-1] > self.huge) & (rates[1:] == 0))
        detections = [
            Detection(step=known[row + 1], since=known[row], lane=lane, value=float(rates[row, lane]))
            for row, lane in stopped.tolist()
        ]
        return LastRates(rates[-1], known[-1]), detections


detector = Overflow
