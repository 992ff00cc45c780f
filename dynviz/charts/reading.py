"""Readouts: the values of curves at a sample, as text."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import limits
from dynviz.charts.numbers import DIVERGED, resolved
from dynviz.frozen import frozen
from dynviz.recording.metadata import Better
from dynviz.scene.marks import Axis, Readout

Array: TypeAlias = NDArray[Any]

NARROW = 4
"""Vectors up to this length are drawn as lines; longer ones as their median and middle half."""


@frozen
class Reading:
    """How values become text.

    Attributes:
        y: The axis on which they are drawn.
        width: The number of samples that are averaged.
        groups: The lanes of each setting of hyperparameters, if there are several; the text is the range over settings.
        better: Which values are better; in a median, a diverged lane is worse than all others.
    """

    y: Axis
    width: int
    groups: tuple[tuple[int, ...], ...] = ()
    better: Better = "neither"

    def of(self, name: Readout, values: Array) -> Callable[[Array], Readout]:
        """A function from samples [samples, lanes, ...] to a readout of the last one, with room for all of `values`."""
        words = replace(name, widest=self._widest(values))

        def readout(past: Array) -> Readout:
            with np.errstate(invalid="ignore", over="ignore"):
                sample = np.asarray(past[-self.width :]).mean(axis=0, dtype=np.float64) if self.width > 1 else past[-1]
            lanes = sample.reshape(len(sample), -1)
            lanes = lanes.reshape(-1, 1) if lanes.shape[1] > NARROW else lanes
            if not limits.finite(lanes).any():
                return replace(words, text=DIVERGED)
            texts = [self._in_words(entry) for entry in lanes.T.tolist()]
            lost = len(lanes) - int(np.count_nonzero(limits.finite(lanes).all(axis=1))) if len(lanes) > 1 else 0
            note = f" ({lost} of {len(lanes)} diverged)" if 0 < lost < len(lanes) else ""
            return replace(words, text=f"{', '.join(texts)}{note}")

        return readout

    def _in_words(self, lanes: list[float]) -> str:
        if not self.groups:
            return self._number(median(lanes, self.better))
        middles = [median([lanes[lane] for lane in group], self.better) for group in self.groups]
        middles = [value for value in middles if abs(value) < limits.HUGE]
        if not middles:
            return DIVERGED
        return f"{self._number(min(middles))} to {self._number(max(middles))}"

    def _number(self, value: float) -> str:
        return resolved(value, self.y.limits, self.y.scale)

    def _widest(self, values: Array) -> str:
        """The longest words that the values [samples, lanes, ...] can come to."""
        entries = int(np.prod(values.shape[2:]))
        ends = max(map(self._number, self.y.limits), key=len)
        one = f"{ends} to {ends}" if self.groups else ends
        text = ", ".join([one] * (entries if entries <= NARROW else 1))
        lost = values.shape[0] > 0 and not limits.finite(values[-1]).all()
        if not lost:
            return text
        lanes = values.shape[1]
        return f"{text} ({lanes} of {lanes} diverged)" if lanes > 1 else max(text, DIVERGED, key=len)


def median(values: list[float], better: Better = "neither") -> float:
    """The median of the finite values, or the first value if none is; ten times faster than NumPy for few values.

    If lower or higher is better, a value that is not finite is worse than all others, and the median may be NaN.

    >>> median([3.0, float("nan"), 1.0]), median([3.0, float("nan"), 1.0], "lower")
    (2.0, 3.0)
    """
    good = sorted(value for value in values if abs(value) < limits.HUGE)
    if not good:
        return values[0]
    if better != "neither":
        lost = [float("nan")] * (len(values) - len(good))
        good = lost + good if better == "higher" else good + lost
    half = len(good) // 2
    return good[half] if len(good) % 2 else (good[half - 1] + good[half]) / 2
