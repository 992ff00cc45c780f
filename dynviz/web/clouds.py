"""Clouds of many points in few bytes: where they go from one frame to the next, not where they are."""

from bisect import bisect_left
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

BAND = 256
"""Number of earlier points, at about the same place in the order, among which a point is searched."""
REACH = 16
"""Codes that a point moves at most."""
FRESH = 255
"""Marks a point that the earlier frame does not have."""
ENOUGH = 0.5
"""Smallest share of points found in the earlier frame for which storing differences pays."""

Codes: TypeAlias = NDArray[np.uint16]


def followed(before: Codes, after: Codes) -> NDArray[np.uint8] | None:
    """For each point how many earlier ones are skipped before the one that it was; `FRESH` for new ones.

    A film keeps the order of its points, so that only those that come and go have to be told.

    >>> followed(np.array([[1, 5, 90], [1, 5, 90]], np.uint16), np.array([[2, 91], [1, 89]], np.uint16)).tolist()
    [0, 1]

    Args:
        before: The codes of x and y [2, points] of an earlier frame.
        after: Those of the later one.

    Returns:
        [points of the later frame], or None where too few were there before.
    """
    nearest = _nearest(before.astype(np.int32), after.astype(np.int32))
    skips, place = np.full(len(nearest), FRESH, np.uint8), -1
    for index in _ascending(nearest.tolist()):
        skipped = int(nearest[index]) - place - 1
        if skipped < FRESH:
            skips[index], place = skipped, int(nearest[index])
    return skips if (skips != FRESH).sum() >= ENOUGH * max(len(skips), 1) else None


def _nearest(before: NDArray[np.int32], after: NDArray[np.int32]) -> NDArray[np.intp]:
    """For each later point the nearest earlier one in its band; -1 where none is within reach."""
    count, old = after.shape[1], before.shape[1]
    wide = min(BAND, old)
    if not count or not old:
        return np.full(count, -1, np.intp)
    starts = (np.arange(count) * old // count - wide // 2).clip(0, old - wide)
    places = starts[:, None] + np.arange(wide)
    far = np.maximum(*(np.abs(later[:, None] - earlier[places]) for later, earlier in zip(after, before, strict=True)))
    best = far.argmin(axis=1)
    near = far[np.arange(count), best] <= REACH
    return np.where(near, starts + best, -1)


def _ascending(places: list[int]) -> list[int]:
    """The indices of a longest strictly ascending run of places, which need not be neighbours; -1 is passed over."""
    ends: list[int] = []
    tails: list[int] = []
    earlier = [-1] * len(places)
    for index, place in enumerate(places):
        if place < 0:
            continue
        at = bisect_left(ends, place)
        earlier[index] = tails[at - 1] if at else -1
        ends[at : at + 1], tails[at : at + 1] = [place], [index]
    run: list[int] = []
    index = tails[-1] if tails else -1
    while index >= 0:
        run.append(index)
        index = earlier[index]
    return run[::-1]


def differences(before: Codes, after: Codes, skips: NDArray[np.uint8]) -> tuple[Codes, Codes]:
    """How far the points went that were there before [2, points], and where the new ones are [2, points]."""
    known = skips != FRESH
    places = np.cumsum(np.where(known, skips.astype(np.int64) + 1, 0)) - 1
    return after[:, known] - before[:, places[known]], after[:, ~known]
