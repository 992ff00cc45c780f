"""A loss that jumps far above its recent values."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dynviz.detection.switches import Switch, scalar
from dynviz.detection.windows import History
from dynviz.detector import Detection, Samples, Subject

NORMAL = 1.4826
"""The deviation of normal numbers over their median absolute deviation."""
HOPS = 8
"""Windows begin at each eighth of one."""


@dataclass(frozen=True)
class SpikeState:
    """The samples before, the limits [2, lanes] that hold until the next window, and whether it is above them."""

    history: History
    limits: NDArray[np.float64]
    switch: Switch


@dataclass(frozen=True)
class Spike:
    """Compares with the median and deviation of a window before; positive losses are compared by their logarithms.

    Attributes:
        channel: Name of the loss.
        window: Number of samples in the window.
        high: A spike begins this many deviations above the median.
        low: It ends below this many.
    """

    channel: str = "loss"
    window: int = 200
    high: float = 6.0
    low: float = 3.0

    def reads(self, subject: Subject) -> tuple[str, ...]:
        return subject.first(self.channel)

    def init(self, subject: Subject) -> SpikeState:
        return SpikeState(History.empty(), np.full((2, subject.lanes), np.inf), Switch.off(subject.lanes))

    def update(
        self, state: SpikeState, steps: NDArray[np.int64], *samples: Samples
    ) -> tuple[SpikeState, list[Detection]]:
        (values,) = map(scalar, samples)
        begun = state.history.end
        history = state.history.extended(values)
        hop = max(1, self.window // HOPS)
        ends, windows = history.windows(self.window, hop, begun)
        limits = np.concatenate([state.limits[None], self._limits(windows)])
        # Each sample is held against the limits of the last window that ends before it.
        held = limits[np.searchsorted(ends, np.arange(begun, begun + len(values)), side="right")]
        switch, begins = state.switch.begins(steps, values > held[:, 0], values < held[:, 1])
        last = limits[np.searchsorted(ends, begun + len(values) - 1, side="right")] if len(values) else limits[0]
        state = replace(state, history=history.kept(self.window + hop), limits=last, switch=switch)
        return state, [begin.detection(values[begin.row, begin.lane]) for begin in begins]

    def _limits(self, windows: NDArray[np.float64]) -> NDArray[np.float64]:
        """[windows, 2, lanes]: where a spike begins, and where it ends."""
        if not len(windows):
            return np.empty((0, 2, windows.shape[2]))
        # Medians are quick of samples that lie side by side.
        scaled = np.moveaxis(windows, 1, -1).copy()
        logarithmic = scaled.min(axis=-1) > 0
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            np.log(scaled, out=scaled, where=logarithmic[..., None])
            middle = _median(scaled)
            scaled -= middle[..., None]
            deviation = NORMAL * _median(np.abs(scaled, out=scaled))
            # Of a loss without noise rounding is all there is.
            deviation = np.maximum(deviation, np.where(logarithmic, 1e-6, 1e-6 * np.abs(middle)))
            levels = middle[:, None] + np.array([[self.high], [self.low]]) * deviation[:, None]
            levels = np.where(logarithmic[:, None], np.exp(levels), levels)
        return np.where(np.isnan(levels), np.inf, levels)


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the last axis, in which they are put into another order."""
    half = values.shape[-1] // 2
    places = [half] if values.shape[-1] % 2 else [half - 1, half]
    values.partition(places, axis=-1)
    return np.asarray(values[..., places].mean(axis=-1))


detector = Spike
