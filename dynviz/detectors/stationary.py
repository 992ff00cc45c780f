"""Parameters whose distribution stays the same, from one half to the next."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.detection import chains
from dynviz.detection.blocks import Blocks
from dynviz.detection.switches import Switch
from dynviz.detector import Detection, Samples, Subject

MOST = 64
"""Numbers that are looked at of larger parameters, evenly spaced."""


@dataclass(frozen=True)
class SettlingNumbers:
    """The blocks so far, and whether the distribution stays the same."""

    blocks: Blocks
    switch: Switch


@dataclass(frozen=True)
class Stationary:
    """The trend of each number over the last blocks of samples, against what noise gives.

    Attributes:
        channel: Name of the channel; empty for the first parameter that is recorded.
        block: Samples of a block.
        blocks: How many blocks are compared.
        share: It is stationary where at most this share of the numbers has a trend.
        resume: It is not any more where more of them have a trend that is this many times what noise gives.
    """

    channel: str = ""
    block: int = 20
    blocks: int = 20
    share: float = 0.1
    resume: float = 2.0

    def reads(self, subject: Subject) -> tuple[str, ...]:
        return subject.first(*([self.channel] if self.channel else (*subject.parameters, "parameters")))

    def init(self, subject: Subject) -> SettlingNumbers:
        return SettlingNumbers(Blocks.empty(self.block), Switch.off(subject.lanes))

    def update(
        self, state: SettlingNumbers, steps: NDArray[np.int64], *samples: Samples
    ) -> tuple[SettlingNumbers, list[Detection]]:
        blocks, chance = state.blocks.extended(steps, _numbers(samples[0])), chains.chance(self.blocks)
        windows = blocks.windows(self.blocks, state.blocks.means.end)
        with np.errstate(invalid="ignore", divide="ignore"):
            trend, noise = np.abs(chains.trend(windows.means)), chance.trend * chains.block_noise(windows.means)
            moving, far = ~(trend <= noise), ~(trend <= self.resume * noise)
        share = _share(moving)
        switch, begins = state.switch.begins(windows.ends, share <= self.share, _share(far) > self.share)
        return SettlingNumbers(blocks.kept(self.blocks), switch), [
            begin.detection(share[begin.row, begin.lane], since=int(windows.begins[begin.row])) for begin in begins
        ]


def _share(moving: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The share of the numbers [windows, lanes]."""
    return np.asarray(moving.mean(axis=2) if moving.size else np.zeros(moving.shape[:2]))


def _numbers(samples: Samples) -> NDArray[np.float64]:
    """Some numbers of each sample [samples, lanes, numbers]."""
    flat = samples.reshape(*samples.shape[:2], -1)
    chosen = np.unique(np.linspace(0, flat.shape[2] - 1, min(MOST, flat.shape[2])).astype(np.int64))
    return flat[:, :, chosen].astype(np.float64)


detector = Stationary
