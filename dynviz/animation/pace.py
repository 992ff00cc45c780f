"""Pace: which steps the frames of an animation show, and how its time runs with what moves."""

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.animation.motion import moves
from dynviz.errors import DynvizError
from dynviz.film import Film

Steps: TypeAlias = tuple[int | None, int | None]
Pace: TypeAlias = Literal["motion", "steps"]
Floats: TypeAlias = NDArray[np.float64]

MOTION = 0.8
"""The share of an animation that is given to steps by how much moves in them; the rest is given to all alike."""


def spread(film: Film, count: int, steps: Steps, end: int = 0) -> list[int]:
    """At most `count` of the film's steps, evenly spaced between two ends; for a single one, the last.

    Args:
        film: The film.
        count: The maximum number of steps.
        steps: The first and the last step; None for those of the film.
        end: The last step that exists, if the film ends before it.

    Raises:
        DynvizError: The film has no steps between these.
    """
    within, first = _within(film, steps, end)
    if not len(within):
        return [first]
    if count == 1:
        return [int(within[-1])]
    wanted = np.linspace(within[0], within[-1], count)
    after = np.searchsorted(within, wanted).clip(1, max(len(within) - 1, 1))
    if len(within) == 1:
        return [int(within[0])]
    nearer = after - (wanted - within[after - 1] <= within[after] - wanted)
    return [int(step) for step in np.unique(within[nearer])]


def by_motion(film: Film, count: int, steps: Steps, end: int = 0) -> list[int] | None:
    """As many of the film's steps, so that about as much moves from each to the next; None where nothing does.

    Args:
        film: The film.
        count: The maximum number of steps.
        steps: The first and the last step; None for those of the film.
        end: The last step that exists, if the film ends before it.

    Raises:
        DynvizError: The film has no steps between these.
    """
    within, _ = _within(film, steps, end)
    # Where every recorded step is shown there is no choice.
    moved = moves(film, within) if 2 < count < len(within) else None
    if moved is None:
        return None
    even = np.diff(within) / (within[-1] - within[0])
    shares = MOTION * _capped(moved / moved.sum(), count - 1) + (1 - MOTION) * _capped(even, count - 1)
    covered = np.concatenate([[0.0], np.cumsum(shares)])
    # No share is above 1, so that no two frames show one step.
    places = np.searchsorted(covered, np.arange(count) - 1e-6).clip(max=len(within) - 1)
    places[-1] = len(within) - 1
    return [int(step) for step in np.unique(within[places])]


def _within(film: Film, steps: Steps, end: int) -> tuple[NDArray[np.int64], int]:
    """The film's steps between two ends, and the step to show where there are none."""
    begin, end = int(film.steps[0]), max(int(film.steps[-1]), end)
    first = begin if steps[0] is None else steps[0]
    last = int(film.steps[-1]) if steps[1] is None else steps[1]
    if first > last or first > end or last < begin:
        raise DynvizError(f"steps {first}:{last} cannot be shown; the recording has steps {begin} to {end}")
    return film.steps[(film.steps >= first) & (film.steps <= last)], max(first, begin)


def _capped(weights: Floats, total: float) -> Floats:
    """Weights times a number so that they add up to a total although none may be above 1.

    >>> _capped(np.array([0.9, 0.05, 0.05]), 2.0).tolist()
    [1.0, 0.5, 0.5]
    """
    # A little for all, so that what is left over can be shared out.
    weights = weights + 1e-9 / len(weights)
    order = np.sort(weights)[::-1]
    # With the largest `above` at 1, the others share what is left.
    above = np.arange(len(order))
    rest = order[::-1].cumsum()[::-1]
    factors = (total - above) / rest
    fits = np.flatnonzero((factors * order <= 1 + 1e-12) & (factors >= 0))
    capped: Floats = np.minimum(weights * factors[fits[0]], 1.0)
    return capped
