"""Performance profiles: ratios to the fastest on several tasks, and the share of tasks solved within a ratio.

Source: Dolan and More 2002, Benchmarking optimization software with performance profiles
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def ratios_of(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times [optimizers, tasks] divided by the fastest of each task; infinite where all missed the target."""
    fastest = times.min(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.where(np.isinf(times), np.inf, times / fastest)
    # A target that is reached before the first step is reached by all who reach it as fast.
    return np.where((times == 0) & (fastest == 0), 1.0, ratios)


def profile(ratios: Sequence[float], tau: float) -> tuple[list[float], list[float]]:
    """The performance profile as a staircase: where it rises, and the share of tasks from there on.

    >>> profile([1.0, 2.0, np.inf, 2.0], 4.0)
    ([1.0, 2.0, 4.0], [0.25, 0.75, 0.75])

    Args:
        ratios: The ratio to the fastest of each task.
        tau: The last ratio.
    """
    rises = sorted({1.0, *(ratio for ratio in ratios if ratio <= tau)})
    heights = [sum(ratio <= rise for ratio in ratios) / len(ratios) for rise in rises]
    return [*rises, tau], [*heights, heights[-1]]


def area(ratios: NDArray[np.float64], tau: float) -> NDArray[np.float64]:
    """The normalised area under the profiles of ratios [optimizers, tasks]: each task contributes from its ratio on.

    >>> area(np.array([[1.0, 2.5], [np.inf, 1.0]]), 4.0).tolist()
    [0.75, 0.5]
    """
    areas: NDArray[np.float64] = (tau - ratios).clip(min=0).mean(axis=1) / (tau - 1)
    return areas
