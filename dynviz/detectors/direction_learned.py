"""A singular direction of the true matrix that the model has learned."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.detection.switches import Switch
from dynviz.detector import Detection, Samples, Subject


@dataclass(frozen=True)
class DirectionLearned:
    """Judges the diagonal of the learned matrix in the true singular directions, divided by the true singular values.

    Attributes:
        begin: A direction is learned once its entry reaches this fraction.
        end: It is lost again below this fraction.
    """

    begin: float = 0.9
    end: float = 0.7

    def reads(self, subject: Subject) -> tuple[str, ...]:
        return subject.every("core", "true_singular_values")

    def init(self, subject: Subject) -> Switch:
        return Switch.off(subject.lanes)

    def update(self, state: Switch, steps: NDArray[np.int64], *samples: Samples) -> tuple[Switch, list[Detection]]:
        core, true = (values.astype(np.float64) for values in samples)
        diagonal = np.diagonal(core, axis1=2, axis2=3)
        count = min(diagonal.shape[2], true.shape[2])
        true = true[:, :, :count]
        with np.errstate(invalid="ignore", divide="ignore"):
            learned = np.where(true > 0, diagonal[:, :, :count] / true, np.nan)
        with np.errstate(invalid="ignore"):
            state, begins = state.begins(steps, learned > self.begin, ~(learned > self.end))
        return state, [
            begin.detection(learned[begin.row][begin.place], words=f"direction {begin.place[1] + 1}")
            for begin in begins
        ]


detector = DirectionLearned
