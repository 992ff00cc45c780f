"""An accuracy that falls far below its best value so far."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.detection.switches import Switch
from dynviz.detector import Detection, Samples, Subject


@dataclass(frozen=True)
class Forgotten:
    """The best so far [lanes], and whether it is far below it."""

    best: NDArray[np.float64]
    switch: Switch


@dataclass(frozen=True)
class Forgetting:
    """Measures how far an accuracy is below its best so far.

    Attributes:
        channel: Name of the accuracy; by default the first channel whose name ends in accuracy.
        fall: The event begins this far below the best.
        back: It ends once the accuracy is within this distance of the best.
    """

    channel: str = ""
    fall: float = 0.1
    back: float = 0.02

    def reads(self, subject: Subject) -> tuple[str, ...]:
        if self.channel:
            return subject.first(self.channel)
        return subject.first(*sorted(name for name in subject.channels if name.endswith("accuracy")))

    def init(self, subject: Subject) -> Forgotten:
        return Forgotten(np.full(subject.lanes, -np.inf), Switch.off(subject.lanes))

    def update(
        self, state: Forgotten, steps: NDArray[np.int64], *samples: Samples
    ) -> tuple[Forgotten, list[Detection]]:
        values = np.where(np.isfinite(samples[0]), samples[0].astype(np.float64), -np.inf)
        best = np.maximum.accumulate(np.concatenate([state.best[None], values]), axis=0)[1:]
        with np.errstate(invalid="ignore"):
            below = best - values
            switch, begins = state.switch.begins(steps, below > self.fall, below < self.back)
        last = best[-1] if len(best) else state.best
        return Forgotten(last, switch), [begin.detection(below[begin.row, begin.lane]) for begin in begins]


detector = Forgetting
