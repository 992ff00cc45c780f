"""Recordings that share a past, which is drawn only once, with the first of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.recording import Recording


def own_from(recordings: Sequence[Recording], lane: int | None = None) -> list[int]:
    """The first step of each recording that no other one draws: for a fork beside its parent, where it began.

    Args:
        recordings: What is shown.
        lane: The only lane that is shown of each; None for all.
    """
    return [_begins(recordings, place, lane) for place in range(len(recordings))]


def without_past(values: NDArray[Any], steps: NDArray[np.int64], begins: int) -> NDArray[Any]:
    """The values [samples, ...] with NaN before the last sample up to a step, from where a line goes on."""
    past = int(np.searchsorted(steps, begins, side="right")) - 1
    if past <= 0:
        return values
    masked = values.astype(np.float64)
    masked[:past] = np.nan
    return masked


def _begins(recordings: Sequence[Recording], place: int, lane: int | None) -> int:
    recording = recordings[place]
    origin = recording.metadata.origin
    if origin is None:
        return 0
    lanes = _origins(recording, lane)
    shared = [0]
    for other_place, other in enumerate(recordings):
        before = other.metadata.origin
        if other is not recording and other.folder.absolute() == Path(origin.folder):
            shared.append(origin.step if lanes <= set(_shown(other, lane)) else 0)
        elif other_place < place and before is not None and before.folder == origin.folder:
            shared.append(min(origin.step, before.step) if lanes <= _origins(other, lane) else 0)
    return max(shared)


def _shown(recording: Recording, lane: int | None) -> Sequence[int]:
    """The lanes of its file that are shown of a recording."""
    lanes = range(len(recording.seeds)) if recording.chosen is None else recording.chosen
    return lanes if lane is None else lanes[lane : lane + 1]


def _origins(recording: Recording, lane: int | None) -> set[int]:
    """The lanes of the parent that what is shown of a fork goes on with."""
    origin = recording.metadata.origin
    lanes = () if origin is None else origin.lanes
    return {lanes[shown] for shown in _shown(recording, lane) if shown < len(lanes)}
