"""A learned center whose weight in the output has all but vanished."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.detection.switches import Switch
from dynviz.detector import Detection, Samples, Subject


@dataclass(frozen=True)
class DeadCenter:
    """The largest weight of each center, against the largest of all.

    Attributes:
        channel: Name of the weights, [classes, centers].
        begin: A center is dead below this fraction of the largest weight.
        end: It is alive again above this fraction.
    """

    channel: str = "head"
    begin: float = 1e-3
    end: float = 1e-2

    def reads(self, subject: Subject) -> tuple[str, ...]:
        return subject.first(self.channel) if subject.first("centers") else ()

    def init(self, subject: Subject) -> Switch:
        return Switch.off(subject.lanes)

    def update(self, state: Switch, steps: NDArray[np.int64], *samples: Samples) -> tuple[Switch, list[Detection]]:
        weights = np.abs(samples[0].astype(np.float64)).max(axis=2)
        # A head that begins at zero has no dead centers: nothing has begun.
        largest = weights.max(axis=2, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(largest > 0, weights / largest, 1.0)
        state, begins = state.begins(steps, share < self.begin, share > self.end)
        # Many die between two samples: one event for each lane and sample, with their number.
        counts: dict[tuple[int, int], list[int]] = {}
        since = {}
        for begin in begins:
            counts.setdefault((begin.row, begin.lane), []).append(begin.place[1])
            since[begin.row] = begin.since
        return state, [
            Detection(
                step=int(steps[row]), since=since[row], lane=lane, value=float(len(centers)), words=_named(centers)
            )
            for (row, lane), centers in counts.items()
        ]


def _named(centers: list[int]) -> str:
    if len(centers) == 1:
        return f"center {centers[0]}"
    more = f" and {len(centers) - 3} more" if len(centers) > 3 else ""
    return f"centers {', '.join(map(str, centers[:3]))}{more}"


detector = DeadCenter
