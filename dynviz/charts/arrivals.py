"""When lanes reach a value of a channel."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dynviz.recording import Recording

PORTION = 1 << 22
"""So many samples are looked at together."""


def first_at(recording: Recording, channel: str, goal: float, *, higher: bool) -> NDArray[np.float64]:
    """The first step at which each lane is at a value; infinite where it never is [lanes].

    Args:
        recording: The recording.
        channel: A channel with one number per lane.
        goal: The value.
        higher: Whether it is reached from below.
    """
    samples, steps = recording[channel], recording.steps(channel)
    lanes = len(recording.seeds)
    first = np.full(lanes, np.inf)
    many = max(1, PORTION // lanes)
    for start in range(0, len(samples), many):
        part = np.asarray(samples[start : start + many])
        there = part >= goal if higher else part <= goal
        new = there.any(axis=0) & np.isinf(first)
        first[new] = steps[start + there.argmax(axis=0)[new]]
    return first


def usual_goal(optimizers: Sequence[Sequence[Recording]], channel: str, *, higher: bool) -> float:
    """The value at which half of the lanes of the best optimizer end, given the recordings of each."""
    worst = -np.inf if higher else np.inf
    medians = []
    for recordings in optimizers:
        last = np.concatenate([np.asarray(recording[channel][-1], np.float64) for recording in recordings])
        # The lower of two in the middle is a value that a lane has.
        ordered = np.sort(np.where(np.isfinite(last), last, worst))[:: -1 if higher else 1]
        medians.append(float(ordered[(len(ordered) - 1) // 2]))
    best = max(medians) if higher else min(medians)
    return best if np.isfinite(best) else 0.0
