"""Recordings that share a past: it is drawn once, with the first of them that is shown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.recording import Recording


def own_from(recordings: Sequence[Recording]) -> list[int]:
    """Of each recording the first step that no other one draws: of a fork beside its parent that at which it began."""
    return [_begins(recordings, place) for place in range(len(recordings))]


def without_past(values: NDArray[Any], steps: NDArray[np.int64], begins: int) -> NDArray[Any]:
    """The values [samples, ...] with NaN before a step; the same array where there are none."""
    past = int(np.searchsorted(steps, begins))
    if not past:
        return values
    masked = values.astype(np.float64)
    masked[:past] = np.nan
    return masked


def _begins(recordings: Sequence[Recording], place: int) -> int:
    recording = recordings[place]
    origin = recording.metadata.origin
    if origin is None:
        return 0
    lanes = _lanes(recording)
    shared = [0]
    for other_place, other in enumerate(recordings):
        before = other.metadata.origin
        if other is not recording and other.folder.absolute() == Path(origin.folder):
            shown = range(len(other.seeds)) if other.chosen is None else other.chosen
            shared.append(origin.step if lanes <= set(shown) else 0)
        elif other_place < place and before is not None and before.folder == origin.folder and lanes <= _lanes(other):
            shared.append(min(origin.step, before.step))
    return max(shared)


def _lanes(recording: Recording) -> set[int]:
    """The lanes of the parent that a fork goes on with."""
    origin = recording.metadata.origin
    lanes = () if origin is None else origin.lanes
    return set(lanes if recording.chosen is None else (lanes[lane] for lane in recording.chosen if lane < len(lanes)))
