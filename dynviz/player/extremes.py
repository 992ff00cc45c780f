"""Steps worth a jump: the best result, the minimum of the loss, its largest jump."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.numbers import significant
from dynviz.charts.trend import middle_of_all
from dynviz.errors import DynvizError
from dynviz.player.words import grouped
from dynviz.recording import Recording

Extreme: TypeAlias = Literal["best", "minimum", "jump"]


class Place(NamedTuple):
    """A step, and what is there in words."""

    step: int
    words: str


def find_extreme(recordings: Sequence[Recording], what: Extreme) -> Place:
    """The step of an extreme value, over the medians of the lanes of each recording.

    Args:
        recordings: Those that are shown.
        what: `best` of the result that says whether lower or higher is better; else of the loss its `minimum`, or the
            largest `jump`, as a ratio where all losses are positive.

    Raises:
        DynvizError: Nothing of the kind is recorded.
    """
    places = []
    for recording, name in zip(recordings, caption.names(recordings), strict=True):
        channel = _result(recording) if what == "best" else "loss"
        if channel not in recording.channels:
            continue
        values = middle_of_all(np.asarray(recording[channel][:], np.float64))[1]
        index, strength = _found(values, what, higher=recording.metadata.channels[channel].better == "higher")
        if index is not None:
            step = int(recording.steps(channel)[index])
            where = f" ({name})" if len(recordings) > 1 else ""
            words = f"{_WORDS[what]} {caption.words(channel, recording)} {significant(values[index])}"
            places.append((strength, Place(step, f"{words} at step {grouped(step)}{where}")))
    if not places:
        raise DynvizError(f"no {_WORDS[what]} is known: nothing is recorded that has one")
    return max(places, key=lambda place: place[0])[1]


_WORDS = {"best": "best", "minimum": "least", "jump": "largest jump of"}


def _result(recording: Recording) -> str:
    """The channel whose values are better or worse: one measured beside the training loss, if there is any."""
    channels = recording.metadata.channels
    judged = [name for name, info in channels.items() if info.better != "neither" and info.every and name in recording]
    return next((name for name in judged if name != "loss"), "loss")


def _found(values: NDArray[np.float64], what: Extreme, *, higher: bool) -> tuple[int | None, float]:
    """The index of an extreme value, and how it compares with those of other recordings; None without any."""
    if what == "jump":
        finite = values[np.isfinite(values)]
        heights = np.log(values) if len(finite) and (finite > 0).all() else values
        values = np.abs(np.diff(heights, prepend=heights[:1]))
        higher = True
    signed = np.where(np.isfinite(values), values if higher else -values, -np.inf)
    if not len(signed) or signed.max() == -np.inf:
        return None, -np.inf
    index = int(signed.argmax())
    return index, float(signed[index])
