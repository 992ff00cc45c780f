"""Scores of optimizers over several tasks: ratios to the fastest, performance profiles and their areas.

The rules are those of AlgoPerf, except that the area is integrated exactly, where the benchmark's code takes a hundred
points.

Source: Dahl et al. 2023, https://arxiv.org/abs/2306.07179, section 4; Dolan and More 2002 for performance profiles
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from dynviz.charts.profiles import area, ratios_of
from dynviz.comparison.statistics import median
from dynviz.frozen import frozen

Times: TypeAlias = Mapping[str, Mapping[str, float]]
"""The time to the target by optimizer and task; infinite where it was missed."""
TAU = 4.0
"""The largest ratio to the fastest that counts, as in AlgoPerf."""


@frozen
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
