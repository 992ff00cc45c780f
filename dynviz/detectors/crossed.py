"""A lane that overtakes the leading one."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dynviz.detection.switches import scalar
from dynviz.detection.windows import History
from dynviz.detector import Detection, Samples, Subject


@dataclass(frozen=True)
class Race:
    """The samples before and their steps, who is in front (-1 for nobody yet), and the step of the last block."""

    history: History
    steps: History
    leader: int = -1
    last: int = 0


@dataclass(frozen=True)
class Crossed:
    """Compares means over blocks of samples, so that noise alone causes no overtaking.

    Attributes:
        channel: Channel that is compared; the lowest value leads.
        block: Number of samples in a block.
        margin: Number of standard errors by which the new leader's mean must be lower.
    """

    joins: ClassVar[bool] = True

    channel: str = "loss"
    block: int = 50
    margin: float = 4.0

    def reads(self, subject: Subject) -> tuple[str, ...]:
        return subject.first(self.channel) if subject.lanes > 1 else ()

    def init(self, subject: Subject) -> Race:  # noqa: ARG002
        return Race(History.empty(), History.empty())

    def update(self, state: Race, steps: NDArray[np.int64], *samples: Samples) -> tuple[Race, list[Detection]]:
        (values,) = map(scalar, samples)
        history = state.history.extended(values)
        numbers = state.steps.extended(steps.astype(np.float64))
        ends, blocks = history.windows(self.block, self.block, state.history.end + 1)
        with np.errstate(invalid="ignore", over="ignore"):
            means, errors = blocks.mean(axis=1), blocks.std(axis=1) / np.sqrt(self.block)
        leader, last, detections = state.leader, state.last, []
        for end, mean, error in zip(ends.tolist(), means, errors, strict=True):
            step = int(numbers.values[end - 1 - numbers.first])
            best = int(np.argmin(mean))
            if leader < 0 and np.isfinite(mean[best]):
                leader = best
            if leader >= 0 and best != leader:
                behind = mean[leader] - mean[best]
                noise = float(np.hypot(error[best], error[leader]))
                if behind > self.margin * noise or not np.isfinite(mean[leader]):
                    value = float(mean[best])
                    detections.append(Detection(step=step, since=last, lane=best, value=value, other=leader))
                    leader = best
            last = step
        kept = self.block
        return Race(history.kept(kept), numbers.kept(kept), leader, last), detections


detector = Crossed
