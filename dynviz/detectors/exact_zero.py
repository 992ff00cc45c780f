"""Weights that become exactly zero: the first, 10 %, 50 % and 90 % of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.detection.switches import Switch
from dynviz.detector import Detection, Samples, Subject

SHARES = (0.0, 0.1, 0.5, 0.9)
CHANNELS = ("parameters", "head", "centers")


@dataclass(frozen=True)
class ExactZero:
    """Reports when the fraction of zeros rises past a limit.

    Attributes:
        channel: Name of the weights; by default the first of parameters, head and centers that is recorded.
    """

    channel: str = ""

    def reads(self, subject: Subject) -> tuple[str, ...]:
        return subject.first(self.channel) if self.channel else subject.first(*CHANNELS)

    def init(self, subject: Subject) -> Switch:
        return Switch.off(subject.lanes)

    def update(self, state: Switch, steps: NDArray[np.int64], *samples: Samples) -> tuple[Switch, list[Detection]]:
        values = samples[0].reshape(*samples[0].shape[:2], -1)
        share = np.count_nonzero(values == 0, axis=2) / max(values.shape[2], 1)
        on = share[..., None] > np.array(SHARES)
        state, begins = state.begins(steps, on, share[..., None] < 0.8 * np.array(SHARES))
        highest = {(begin.row, begin.lane): begin for begin in begins}
        return state, [begin.detection(share[begin.row, begin.lane]) for begin in highest.values()]


detector = ExactZero
