"""A loss whose lim sup and lim inf agree: means of blocks differ by noise alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.detection import chains
from dynviz.detection.blocks import Blocks
from dynviz.detection.switches import Switch, scalar
from dynviz.detector import Detection, Samples, Subject


@dataclass(frozen=True)
class SettlingLoss:
    """The blocks so far, and whether the loss has converged."""

    blocks: Blocks
    switch: Switch


@dataclass(frozen=True)
class Converged:
    """The largest and the smallest mean of the last blocks, and their trend, against what noise gives.

    Attributes:
        channel: Name of the channel.
        block: Samples of a block.
        blocks: How many blocks are compared.
        resume: It has not converged any more where the gap is this many times what noise gives.
    """

    channel: str = "loss"
    block: int = 100
    blocks: int = 20
    resume: float = 2.0

    def reads(self, subject: Subject) -> tuple[str, ...]:
        return subject.first(self.channel)

    def init(self, subject: Subject) -> SettlingLoss:
        return SettlingLoss(Blocks.empty(self.block), Switch.off(subject.lanes))

    def update(
        self, state: SettlingLoss, steps: NDArray[np.int64], *samples: Samples
    ) -> tuple[SettlingLoss, list[Detection]]:
        blocks, chance = state.blocks.extended(steps, scalar(samples[0])), chains.chance(self.blocks)
        windows = blocks.windows(self.blocks, state.blocks.means.end)
        with np.errstate(invalid="ignore"):
            noise, gap = chains.block_noise(windows.means), chains.gap(windows.means)
            still = (gap <= chance.gap * noise) & (np.abs(chains.trend(windows.means)) <= chance.trend * noise)
            moves = ~(gap <= self.resume * chance.gap * noise)
        switch, begins = state.switch.begins(windows.ends, still, moves)
        levels = windows.means.mean(axis=0)
        return SettlingLoss(blocks.kept(self.blocks), switch), [
            begin.detection(levels[begin.row, begin.lane], since=int(windows.begins[begin.row])) for begin in begins
        ]


detector = Converged
