"""A loss that falls below a target, or a position that comes near an optimum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.detection.switches import Switch, scalar
from dynviz.detector import Detection, Samples, Subject


@dataclass(frozen=True)
class Course:
    """Where the optima are [optima, coordinates], and whether it is there."""

    optima: NDArray[np.float64]
    switch: Switch


@dataclass(frozen=True)
class Arrived:
    """The loss against a target, or the distance from the nearest optimum of a surface.

    Attributes:
        loss: The target; none: the distance from the optimum decides.
        channel: Name of the loss.
        radius: Radius of the basin around an optimum, in the surface's units.
        leave: It counts as having left again at this multiple of the radius, or of the target.
    """

    loss: float | None = None
    channel: str = "loss"
    radius: float = 0.1
    leave: float = 2.0

    def reads(self, subject: Subject) -> tuple[str, ...]:
        if self.loss is not None:
            return subject.first(self.channel)
        return subject.first("position") if subject.facts.get("optimum") else ()

    def init(self, subject: Subject) -> Course:
        optima = np.array(subject.facts.get("optimum") or [[0.0]], dtype=np.float64)
        return Course(optima, Switch.off(subject.lanes))

    def update(self, state: Course, steps: NDArray[np.int64], *samples: Samples) -> tuple[Course, list[Detection]]:
        if self.loss is not None:
            values, limit = scalar(samples[0]), self.loss
            end = self.loss + (self.leave - 1) * abs(self.loss)
        else:
            apart = samples[0].astype(np.float64)[:, :, None] - state.optima
            with np.errstate(invalid="ignore", over="ignore"):
                values = scalar(np.sqrt((apart**2).sum(axis=3)).min(axis=2))
            limit, end = self.radius, self.leave * self.radius
        switch, begins = state.switch.begins(steps, values < limit, values > end)
        return Course(state.optima, switch), [begin.detection(values[begin.row, begin.lane]) for begin in begins]


detector = Arrived
