"""One more singular value that stands above the noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.detection.switches import Switch
from dynviz.detector import Detection, Samples, Subject


@dataclass(frozen=True)
class Rank:
    """How many singular values are many times the median one, and not small beside the largest.

    Attributes:
        channel: Of singular values, in falling order.
        above: A value stands above the noise at so many times the median of all.
        below: It is lost in it again under so many.
        share: What it must have of the largest.
    """

    channel: str = "singular_values"
    above: float = 6.0
    below: float = 4.0
    share: float = 0.05

    def reads(self, subject: Subject) -> tuple[str, ...]:
        return subject.first(self.channel)

    def init(self, subject: Subject) -> Switch:
        return Switch.off(subject.lanes)

    def update(self, state: Switch, steps: NDArray[np.int64], *samples: Samples) -> tuple[Switch, list[Detection]]:
        values = -np.sort(-samples[0].astype(np.float64), axis=2)
        noise = np.median(values, axis=2, keepdims=True)
        with np.errstate(invalid="ignore"):
            large = values >= self.share * values[:, :, :1]
            on = large & (values > self.above * noise)
            off = ~(large & (values > self.below * noise))
        state, begins = state.begins(steps, on, off)
        return state, [begin.detection(begin.place[1] + 1) for begin in begins]


detector = Rank
