"""A loss that has stopped falling: successive blocks differ only by noise."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dynviz.detection.switches import Switch, scalar
from dynviz.detection.windows import History
from dynviz.detector import Detection, Samples, Subject


@dataclass(frozen=True)
class PlateauState:
    """The samples and steps before, and whether it holds."""

    history: History
    steps: History
    switch: Switch


@dataclass(frozen=True)
class Plateau:
    """Compares the difference between means of successive blocks with its standard error and with the mean.

    Attributes:
        channel: Name of the loss.
        block: Number of samples in a block.
        share: A plateau begins where the mean falls by less than this fraction of itself, or than twice its standard
            error.
        resume: It ends where the mean falls by more than this multiple of both.
    """

    channel: str = "loss"
    block: int = 200
    share: float = 0.01
    resume: float = 2.0

    def reads(self, subject: Subject) -> tuple[str, ...]:
        return subject.first(self.channel)

    def init(self, subject: Subject) -> PlateauState:
        return PlateauState(History.empty(), History.empty(), Switch.off(subject.lanes))

    def update(
        self, state: PlateauState, steps: NDArray[np.int64], *samples: Samples
    ) -> tuple[PlateauState, list[Detection]]:
        (values,) = map(scalar, samples)
        begun = state.history.end
        history = state.history.extended(values)
        numbers = state.steps.extended(steps.astype(np.float64))
        ends, pairs = history.windows(2 * self.block, self.block, begun + 1)
        if not len(ends):
            return replace(state, history=history, steps=numbers), []
        blocks = pairs.reshape(len(ends), 2, self.block, -1)
        with np.errstate(invalid="ignore", over="ignore"):
            mean = blocks.mean(axis=2)
            error = np.sqrt(blocks.var(axis=2).sum(axis=1) / self.block)
            fall = mean[:, 0] - mean[:, 1]
            least = np.maximum(self.share * np.abs(mean[:, 0]), 2 * error)
            # Where it rises far beyond the noise, or is not finite, it stands still no more than where it falls.
            still = np.abs(fall) < least
            moves = ~(np.abs(fall) < self.resume * least)
        last = numbers.values[ends - 1 - numbers.first].astype(np.int64)
        switch, begins = state.switch.begins(last, still, moves)
        first = numbers.values[ends - 2 * self.block - numbers.first].astype(np.int64)
        kept = 2 * self.block
        state = PlateauState(history.kept(kept), numbers.kept(kept), switch)
        return state, [begin.detection(mean[begin.row, 1, begin.lane], since=int(first[begin.row])) for begin in begins]


detector = Plateau
