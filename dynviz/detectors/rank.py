"""One more singular value that rises above the noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.detection.switches import Switch
from dynviz.detector import Detection, Samples, Subject


@dataclass(frozen=True)
class Rank:
    """Counts the singular values that are far above the median and not small compared with the largest.

    Attributes:
        channel: Name of the singular values, in descending order.
        above: A value is above the noise from this multiple of the median on.
        below: It is lost in the noise again below this multiple.
        share: The least fraction of the largest singular value that counts.
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
