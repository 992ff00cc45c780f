"""The scale of an animation's steps, spaced as its time runs."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynviz.frozen import frozen


@frozen
class StepScale:
    """A scale at the foot of a picture: narrow where many steps pass at once, wide where time is taken for them.

    Attributes:
        frames: The steps shown, ascending, all for the same time; two at least.
    """

    frames: tuple[int, ...]

    def places(self, steps: ArrayLike) -> NDArray[np.float64]:
        """Where steps stand: 0 is the first one, 1 the last.

        >>> StepScale((0, 1, 2, 10)).places([0, 1, 6, 10]).round(3).tolist()
        [0.0, 0.333, 0.833, 1.0]
        """
        ends = np.linspace(0.0, 1.0, len(self.frames))
        return np.asarray(np.interp(np.asarray(steps, np.float64), self.frames, ends))

    def steps(self, places: ArrayLike) -> NDArray[np.float64]:
        """The inverse of `places`.

        >>> StepScale((0, 1, 2, 10)).steps([0, 0.5, 1]).tolist()
        [0.0, 1.5, 10.0]
        """
        ends = np.linspace(0.0, 1.0, len(self.frames))
        return np.asarray(np.interp(np.asarray(places, np.float64), ends, self.frames))
