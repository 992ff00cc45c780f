"""Means of blocks of samples that arrive in portions: the same ones whatever the portions are."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dynviz.detection.windows import History, Values
from dynviz.frozen import frozen


@frozen
class Blocks:
    """Blocks of equal length, as many as windows reach back, and the samples that do not fill one yet.

    Attributes:
        length: Samples of a block.
        rest: The samples, with their steps, after the last whole block.
        means: [blocks, ...]
        begins: The steps of the first samples of blocks.
        ends: The steps of their last ones.
    """

    length: int
    rest: tuple[Values, Values]
    means: History
    begins: History
    ends: History

    @classmethod
    def empty(cls, length: int) -> "Blocks":
        """Nothing yet."""
        none = History.empty()
        return cls(length, (np.empty(0), np.empty(0)), none, none, none)

    def extended(self, steps: NDArray[np.int64], values: Values) -> "Blocks":
        """With a portion of samples more."""
        earlier, earlier_steps = self.rest
        values = np.concatenate([earlier, values]) if len(earlier) else values
        all_steps = np.concatenate([earlier_steps, steps.astype(np.float64)])
        count = len(values) // self.length
        used = count * self.length
        rest = values[used:].copy(), all_steps[used:].copy()
        if not count:
            return Blocks(self.length, rest, self.means, self.begins, self.ends)
        blocks = values[:used].reshape(count, self.length, *values.shape[1:])
        with np.errstate(invalid="ignore", over="ignore"):
            means = self.means.extended(blocks.mean(axis=1))
        begins = self.begins.extended(all_steps[: used : self.length])
        ends = self.ends.extended(all_steps[self.length - 1 : used : self.length])
        return Blocks(self.length, rest, means, begins, ends)

    def kept(self, count: int) -> "Blocks":
        """The last blocks alone."""
        return Blocks(self.length, self.rest, *(part.kept(count) for part in (self.means, self.begins, self.ends)))

    def windows(self, count: int, before: int) -> "Windows":
        """All windows of this many blocks that end behind so many blocks."""
        stops, windows = self.means.windows(count, 1, before + 1)
        last = stops - self.means.first - 1
        return Windows(
            self.begins.values[last + 1 - count].astype(np.int64),
            self.ends.values[last].astype(np.int64),
            np.moveaxis(windows, 1, 0),
        )


class Windows(NamedTuple):
    """Windows of blocks.

    Attributes:
        begins: The steps of their first samples [windows].
        ends: The steps of their last ones.
        means: [blocks, windows, ...]
    """

    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    means: Values
