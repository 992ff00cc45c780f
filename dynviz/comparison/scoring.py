"""Scores of optimizers over several tasks: ratios to the fastest, performance profiles and their areas.

The rules are those of AlgoPerf, except that the area is integrated exactly, where the benchmark's code takes a hundred
points.

Source: Dahl et al. 2023, https://arxiv.org/abs/2306.07179, section 4; Dolan and More 2002 for performance profiles
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.comparison.statistics import median

Times: TypeAlias = Mapping[str, Mapping[str, float]]
"""The time to the target by optimizer and task; infinite where it was missed."""
TAU = 4.0
"""The largest ratio to the fastest that counts, as in AlgoPerf."""


@dataclass(frozen=True)
class Score:
    """The score of one optimizer.

    Attributes:
        optimizer: Its name.
        score: The area under its profile, from 1 to the largest ratio, divided by the length of that range: 1 for the
            fastest on all tasks.
        times: Its time to the target on each task; infinite where it was missed.
        ratios: That time divided by the fastest one; infinite where it was missed, by it or by all.
        without: The score if one task is left out, by that task; empty for a single task.
    """

    optimizer: str
    score: float
    times: Mapping[str, float]
    ratios: Mapping[str, float]
    without: Mapping[str, float]

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest score if one task is left out."""
        values = list(self.without.values()) or [self.score]
        return min(values), max(values)


def external_time(trials: Sequence[Sequence[float]]) -> float:
    """The time of an optimizer tuned by trials: the median over studies of the fastest trial.

    Args:
        trials: For each study, the time to the target of each trial; infinite where it was missed.
    """
    return float(median([min(study) for study in trials]))


def scores(times: Times, tau: float = TAU) -> list[Score]:
    """The scores of optimizers, the best first.

    Args:
        times: The times to the target, for the same tasks each.
        tau: The largest ratio to the fastest that counts; above 1.
    """
    names, tasks = list(times), list(next(iter(times.values())))
    table = np.array([[times[name][task] for task in tasks] for name in names])
    ratios = ratios_of(table)
    areas = area(ratios, tau)
    lost = [area(np.delete(ratios, index, axis=1), tau) for index in range(len(tasks))] if len(tasks) > 1 else []
    made = [
        Score(
            name,
            float(areas[row]),
            dict(times[name]),
            dict(zip(tasks, ratios[row].tolist(), strict=True)),
            {task: float(values[row]) for task, values in zip(tasks, lost, strict=False)},
        )
        for row, name in enumerate(names)
    ]
    return sorted(made, key=lambda score: -score.score)


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
