"""How the samples of a run become one number. Each takes a course of values [samples, lanes] to [lanes]."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.frozen import frozen

Array: TypeAlias = NDArray[Any]


@frozen
class ValueCourse:
    """The course of a value through the part of a run that counts.

    Attributes:
        steps: The step of each sample.
        values: [samples, lanes].
        step: The step that is asked for, or None.
        threshold: The level that is asked for, or None.
    """

    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    step: int | None = None
    threshold: float | None = None


def _at(course: ValueCourse) -> Array:
    assert course.step is not None
    return np.asarray(course.values[np.searchsorted(course.steps, course.step, side="right") - 1])


def _first(course: ValueCourse, reached: Array) -> Array:
    """The step of the first sample for which something is true; infinity if there is none."""
    steps = course.steps[reached.argmax(axis=0)].astype(np.float64)
    return np.where(reached.any(axis=0), steps, np.inf)


def falls_to(course: ValueCourse) -> Array:
    """The first step at which a value is at most the threshold; infinity if it never is."""
    assert course.threshold is not None
    return _first(course, course.values <= course.threshold)


def rises_to(course: ValueCourse) -> Array:
    """The first step at which a value is at least the threshold; infinity if it never is."""
    assert course.threshold is not None
    return _first(course, course.values >= course.threshold)


def change(course: ValueCourse) -> Array:
    """The relative change from the first sample to the last."""
    return np.asarray(course.values[-1] / course.values[0] - 1)


def roughness(course: ValueCourse) -> Array:
    """The mean size of the difference between one sample and the next."""
    return np.asarray(np.abs(np.diff(course.values, axis=0)).mean(axis=0))


def setback(course: ValueCourse) -> Array:
    """The farthest that a value rises above the lowest one before it: what was gained and lost again."""
    return np.asarray((course.values - np.minimum.accumulate(course.values, axis=0)).max(axis=0))


def order(course: ValueCourse) -> Array:
    """The slope of log value over log step: -0.5 for 1/sqrt(steps)."""
    after = course.steps > 0
    steps = np.log(course.steps[after].astype(np.float64))
    logs = np.log(course.values[after])
    centred = steps - steps.mean()
    return np.asarray((centred[:, None] * logs).sum(axis=0) / (centred**2).sum())


COURSES: Mapping[str, Callable[[ValueCourse], Array]] = {
    "last": lambda course: course.values[-1],
    "first": lambda course: course.values[0],
    "mean": lambda course: course.values.mean(axis=0),
    "median": lambda course: np.median(course.values, axis=0),
    "min": lambda course: course.values.min(axis=0),
    "max": lambda course: course.values.max(axis=0),
    "std": lambda course: course.values.std(axis=0),
    "gain": lambda course: course.values[-1] - course.values[0],
    "at": _at,
    "falls-to": falls_to,
    "rises-to": rises_to,
    "step-of-min": lambda course: course.steps[course.values.argmin(axis=0)].astype(np.float64),
    "step-of-max": lambda course: course.steps[course.values.argmax(axis=0)].astype(np.float64),
    "change": change,
    "roughness": roughness,
    "setback": setback,
    "order": order,
}
"""By the name in a claims file."""
MOVED = "moved"
"""Of all components together: how far they are from where they were at the start of the part, relative to that."""
OVERLAP = "overlap"
"""Of directions [directions, entries], of length 1 each: the mean squared cosine between their space and that at the
start of the part; 1 if it is the same."""
NEED_STEP, NEED_THRESHOLD = ("at",), ("falls-to", "rises-to")
