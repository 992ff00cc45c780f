"""Parameters, or a loss, that alternate between two values."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dynviz.detection.switches import Switch
from dynviz.detection.windows import History
from dynviz.detector import Detection, Samples, Subject

ROUNDING = 1e-5
"""The share of a value that a jump must have: the last digits of float32 go to and fro at rest too."""


@dataclass(frozen=True)
class PeriodState:
    """The samples before, and whether it holds."""

    history: History
    switch: Switch


@dataclass(frozen=True)
class PeriodTwo:
    """Compares squared moves over two steps with those over one; for noise they are alike.

    Attributes:
        channel: Channel that is examined; by default `position`, else `loss`, which cannot show jumps between points of
            equal loss.
        window: Number of samples that are compared.
        begin: The ratio below which the event begins.
        end: The ratio above which it ends.
    """

    channel: str = ""
    window: int = 16
    begin: float = 0.1
    end: float = 0.5

    def reads(self, subject: Subject) -> tuple[str, ...]:
        return subject.first(self.channel) if self.channel else subject.first("position", "loss")

    def init(self, subject: Subject) -> PeriodState:
        return PeriodState(History.empty(), Switch.off(subject.lanes))

    def update(
        self, state: PeriodState, steps: NDArray[np.int64], *samples: Samples
    ) -> tuple[PeriodState, list[Detection]]:
        values = samples[0].astype(np.float64).reshape(len(samples[0]), samples[0].shape[1], -1)
        if not len(values):
            return state, []
        history = state.history.extended(values)
        index = history.first + np.arange(len(history.values))
        new = index >= state.history.end
        once, twice, size = self._moves(history.values)
        # Sums over the window that ends with each sample; before there is a whole one, nothing is said.
        known = index[new] >= self.window + 1
        rows = np.flatnonzero(new)
        sums = [_trailing(moves, self.window)[rows] for moves in (once, twice, size)]
        with np.errstate(invalid="ignore", over="ignore"):
            moving = sums[0] > ROUNDING**2 * sums[2]
            on = known[:, None] & moving & (sums[1] < self.begin * sums[0])
            off = ~(moving & (sums[1] < self.end * sums[0]))
        switch, begins = state.switch.begins(steps, on, off)
        state = replace(state, history=history.kept(self.window + 2), switch=switch)
        return state, [begin.detection(np.sqrt(once[rows[begin.row], begin.lane])) for begin in begins]

    @staticmethod
    def _moves(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Squares [samples, lanes] of moves over one step and over two, 0 where there are none, and of the values."""
        out = []
        with np.errstate(invalid="ignore", over="ignore"):
            for lag in (1, 2):
                moves = np.zeros(values.shape[:2])
                moves[lag:] = ((values[lag:] - values[:-lag]) ** 2).sum(axis=2)
                out.append(moves)
            return (*out, (values**2).sum(axis=2))


def _trailing(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """The sum of the last `length` values at each sample; what reaches back beyond the first counts as 0."""
    # No running sum: its rounding would depend on where a portion begins, and one infinity would stay for good.
    sums = values.copy()
    with np.errstate(invalid="ignore", over="ignore"):
        for lag in range(1, length):
            sums[lag:] += values[:-lag]
    return sums


detector = PeriodTwo
