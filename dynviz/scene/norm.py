"""Norms map values to the 64 levels of a ramp."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dynviz.frozen import frozen

LEVELS = 64


@frozen
class Norm:
    """Maps values to levels, the same throughout a film.

    Attributes:
        low: The value of the first level.
        high: The value of the last one.
        scale: `linear`, or `log` for positive values.
    """

    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"

    def levels(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """The level of each value, 0 to 63; values outside get the nearest level, NaN gets 0.

        >>> Norm(0.0, 1.0).levels(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist()
        [0, 0, 32, 63, 63]
        """
        low, high = self.low, self.high
        if self.scale == "log":
            tiny = np.finfo(np.float64).tiny
            values = np.log(np.maximum(values, tiny))
            low, high = float(np.log(max(low, tiny))), float(np.log(max(high, tiny)))
        span = high - low if high > low else 1.0
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = (values - low) * (LEVELS / span)
            # Of a number and NaN, fmax gives the number.
            return np.asarray(np.fmin(np.fmax(scaled, 0), LEVELS - 1).astype(np.uint8))
