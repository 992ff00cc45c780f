"""One picture of an animation, as exporters get it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """Pixels and how long they stand.

    Attributes:
        pixels: [height, width, 3], red, green and blue. Never changed once the frame exists.
        seconds: How long it is shown.
    """

    pixels: NDArray[np.uint8]
    seconds: float


@dataclass(frozen=True)
class Sheet:
    """What an exporter needs to know beside the frames.

    Attributes:
        palette: [at most 255, 3]: the colours of the theme, for formats with few colours.
        comment: What made the animation: scenario, optimizers, seeds, versions.
        facts: The same as a tree of JSON values, for formats that hold more than a line.
        count: How many frames will come.
    """

    palette: NDArray[np.uint8]
    comment: str
    facts: dict[str, Any]
    count: int
