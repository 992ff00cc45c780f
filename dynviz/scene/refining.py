"""A finer grid through the values of a coarse one: cubic between them, so that narrow valleys have no islands."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def refined(values: NDArray[Any], rows: Floats, columns: Floats) -> Floats:
    """Values at places of a grid, the middle of whose first pixel is at 0; its edges go on as they are.

    Args:
        values: [rows, columns], all of them finite.
        rows: Places [places] along the first axis.
        columns: Along the second.
    """
    upward, across = (_weights(places, size) for places, size in zip((rows, columns), values.shape, strict=True))
    return np.asarray(upward @ values.astype(np.float64) @ across.T)


def _weights(places: Floats, size: int) -> Floats:
    """What each value counts at each place [places, size]: Catmull and Rom's cubic, exact for quadratic functions.

    Beyond the ends values go on in a parabola, so that the outermost cells are as smooth as the others.
    """
    if size < 3:
        return np.asarray(np.eye(size)[np.clip(np.rint(places), 0, size - 1).astype(np.intp)])
    places = np.clip(places, -0.5, size - 0.5)
    first = np.clip(np.floor(places), 0, size - 2).astype(np.intp)
    t = places - first
    cubic = np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3], axis=1)
    weights = np.zeros((len(places), size + 2))
    for offset in range(4):
        weights[np.arange(len(places)), first + offset] += cubic[:, offset] / 2
    inner = weights[:, 1:-1].copy()
    for end, side in ((weights[:, 0], slice(0, 3)), (weights[:, -1], slice(-1, -4, -1))):
        inner[:, side] += end[:, None] * np.array([3.0, -3.0, 1.0])
    return inner
