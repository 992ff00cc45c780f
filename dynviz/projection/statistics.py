"""Recorded buffers, such as running statistics, of the networks whose losses depend on them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.projection.evaluate import Losses
from dynviz.recording import Recording
from dynviz.text import quoted

BUFFERS = "buffers"


def statistics_of(recording: Recording, lane: int, measured: Losses, steps: NDArray[np.int64]) -> NDArray[Any]:
    """The buffers of a lane after each of these steps [steps, numbers]; empty if no loss depends on them.

    Raises:
        DynvizError: They are not recorded at all of these steps.
    """
    if not measured.moving:
        return np.zeros((len(steps), 0))
    there = recording.steps(BUFFERS) if BUFFERS in recording else np.zeros(0, np.int64)
    if not np.isin(steps, there).all():
        verb = "depend" if len(measured.moving) > 1 else "depends"
        raise DynvizError(
            f"{' and '.join(measured.moving)} {verb} on buffers (running statistics), which recording "
            f"{quoted(recording.label)} does not hold at each sample of its parameters; "
            "train again with --record parameters --record buffers, both with the same every, or project another loss"
        )
    return np.asarray(recording[BUFFERS][np.searchsorted(there, steps), lane])


def joined(rows: NDArray[Any], statistics: NDArray[Any]) -> NDArray[Any]:
    """Rows of parameters [points, numbers] followed by buffers, either per point or shared."""
    return np.concatenate([rows, np.broadcast_to(statistics, (len(rows), statistics.shape[-1]))], axis=1)
