"""Sharpness above the limit up to which this learning rate is stable."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.detection.switches import Switch
from dynviz.detector import Detection, Samples, Subject


@dataclass(frozen=True)
class EdgeOfStability:
    """Compares sharpness times learning rate with 2, the stability limit of gradient descent on a quadratic.

    Attributes:
        begin: The product at which the event begins.
        end: The product below which it ends.
    """

    begin: float = 2.0
    end: float = 1.8

    def reads(self, subject: Subject) -> tuple[str, ...]:
        return subject.every("sharpness", "lr")

    def init(self, subject: Subject) -> Switch:
        return Switch.off(subject.lanes)

    def update(self, state: Switch, steps: NDArray[np.int64], *samples: Samples) -> tuple[Switch, list[Detection]]:
        sharpness, lr = (values.astype(np.float64) for values in samples)
        with np.errstate(invalid="ignore"):
            product = sharpness * lr
            state, begins = state.begins(steps, product > self.begin, product < self.end)
        return state, [begin.detection(product[begin.row, begin.lane]) for begin in begins]


detector = EdgeOfStability
