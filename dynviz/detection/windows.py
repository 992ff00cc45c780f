"""Windows over samples that arrive in portions: the same ones whatever the portions are."""

from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dynviz.frozen import frozen

Values: TypeAlias = NDArray[np.float64]


@frozen
class History:
    """The samples before the next portion, as many as windows reach back.

    Attributes:
        values: [samples, ...]
        first: The index of the first of them among all samples.
    """

    values: Values
    first: int = 0

    @classmethod
    def empty(cls) -> "History":
        """Nothing yet; of which shape samples are is known with the first of them."""
        return cls(np.empty(0))

    @property
    def end(self) -> int:
        """How many samples there were so far."""
        return self.first + len(self.values)

    def extended(self, values: Values) -> "History":
        """With a portion more."""
        return History(np.concatenate([self.values, values]), self.first) if self.end else History(values)

    def kept(self, count: int) -> "History":
        """The last samples alone."""
        drop = max(0, len(self.values) - count)
        # A copy: a view would keep all of them.
        return History(self.values[drop:].copy(), self.first + drop)

    def windows(self, length: int, hop: int, after: int) -> tuple[NDArray[np.int64], Values]:
        """Windows that end at each multiple of `hop`.

        Args:
            length: Of each.
            hop: Samples from one to the next.
            after: Those that end later than this sample, or with it.

        Returns:
            The ends [windows], the first sample behind each, and the windows [windows, length, ...].
        """
        lowest = max(after, length, self.first + length)
        ends = np.arange(-(-lowest // hop) * hop, self.end + 1, hop, dtype=np.int64)
        if not len(ends):
            return ends, np.empty((0, length, *self.values.shape[1:]))
        begin = int(ends[0]) - self.first - length
        views = sliding_window_view(self.values, length, axis=0)[begin::hop]
        return ends, np.ascontiguousarray(np.moveaxis(views, -1, 1))
