"""The events of the shown recordings, described and sorted by step."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.numbers import significant
from dynviz.frozen import frozen
from dynviz.player.words import grouped
from dynviz.recording import Recording

if TYPE_CHECKING:
    from dynviz.detection.scan import Occurrence

FREQUENT = 200
"""A kind with more events than this is drawn as a density and skipped by the keys that jump to events."""


class EventMark(NamedTuple):
    """An event with its description."""

    step: int
    text: str
    kind: str = ""


@frozen
class EventList:
    """All events, and which kinds are shown.

    Attributes:
        marks: All events, by step.
        failures: The detectors that failed, each with the reason.
        hidden: The kinds that are not shown.
    """

    marks: tuple[EventMark, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()

    @cached_property
    def counts(self) -> dict[str, int]:
        """The number of events of each kind."""
        return dict(sorted(Counter(mark.kind for mark in self.marks).items()))

    @cached_property
    def shown(self) -> tuple[EventMark, ...]:
        """The events whose kinds are shown."""
        return tuple(mark for mark in self.marks if mark.kind not in self.hidden)

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """The step of each shown event."""
        return _steps(self.shown)

    @cached_property
    def single(self) -> NDArray[np.int64]:
        """The steps of shown events that are marked individually and can be jumped to."""
        return _steps(mark for mark in self.shown if self.counts[mark.kind] <= FREQUENT)

    @cached_property
    def dense(self) -> NDArray[np.int64]:
        """The steps of shown events that are too frequent for individual marks."""
        return _steps(mark for mark in self.shown if self.counts[mark.kind] > FREQUENT)

    @property
    def nothing_more(self) -> str:
        """Why there is no further event, in words."""
        if len(self.single):
            return "no more events in this direction"
        return "every event is of a hidden kind; E chooses the kinds" if self.hidden else "no events in this run so far"

    def hiding(self, kinds: Iterable[str]) -> "EventList":
        """A copy that hides these kinds."""
        return replace(self, hidden=frozenset(kinds))

    def at(self, film_steps: NDArray[np.int64], step: int) -> str:
        """A description of the events that first become visible at a step of a film."""
        if not len(self.steps):
            return ""
        indices = np.flatnonzero(seen_at(film_steps, self.steps) == step)
        more = f" and {grouped(len(indices) - 1)} more" if len(indices) > 1 else ""
        return f"{self.shown[indices[0]].text}{more}" if len(indices) else ""

    def beside(self, film_steps: NDArray[np.int64], step: int, *, after: bool) -> int | None:
        """The film's step at which the next or previous event becomes visible; None if there is none."""
        seen = seen_at(film_steps, self.single)
        seen = seen[seen > step] if after else seen[seen < step]
        return None if not len(seen) else int(seen[0] if after else seen[-1])


def seen_at(film_steps: NDArray[np.int64], steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first step of a film at or after each event; a film may have fewer steps than the recordings.

    >>> seen_at(np.array([0, 10, 20]), np.array([0, 3, 10, 99])).tolist()
    [0, 10, 10, 20]
    """
    if not len(film_steps):
        return steps
    return film_steps[np.minimum(np.searchsorted(film_steps, steps), len(film_steps) - 1)]


def _steps(marks: Iterable[EventMark]) -> NDArray[np.int64]:
    return np.array([mark.step for mark in marks], dtype=np.int64)


def event_marks(occurrences: "Iterable[Occurrence]", recordings: Sequence[Recording]) -> tuple[EventMark, ...]:
    """Describe events, sorted by step; identical events in several lanes are merged."""
    names = caption.names(recordings) if recordings else ()
    alike: dict[tuple[object, ...], tuple[Occurrence, list[int]]] = {}
    for occurrence in _own(occurrences, recordings):
        lane = None if occurrence.other is None else occurrence.lane
        key = (
            occurrence.step,
            occurrence.since,
            occurrence.recording,
            occurrence.kind,
            occurrence.value,
            occurrence.words,
            occurrence.other,
            lane,
        )
        alike.setdefault(key, (occurrence, []))[1].append(occurrence.lane)
    groups = sorted(alike.values(), key=lambda pair: pair[0].step)
    return tuple(
        EventMark(occurrence.step, _text(occurrence, lanes, recordings, names), occurrence.kind)
        for occurrence, lanes in groups
    )


def _own(occurrences: "Iterable[Occurrence]", recordings: Sequence[Recording]) -> "Iterator[Occurrence]":
    """Drop events that a fork shares with its parent, if the parent is shown too."""
    folders = {str(recording.folder.absolute()) for recording in recordings}
    origins = [recording.metadata.origin for recording in recordings]
    begun = [origin.step if origin is not None and origin.folder in folders else -1 for origin in origins]
    return (
        occurrence
        for occurrence in occurrences
        if occurrence.kind == "forked" or occurrence.step > begun[occurrence.recording]
    )


def _text(event: "Occurrence", lanes: Sequence[int], recordings: Sequence[Recording], names: Sequence[str]) -> str:
    exact = event.step - event.since <= 1
    when = f"at step {grouped(event.step)}"
    if not exact:
        when = f"between steps {grouped(event.since)} and {grouped(event.step)}"
    where = _where(recordings[event.recording], lanes, names[event.recording])
    return f"{_what(event, recordings, names)} {when} ({where})"


def _what(event: "Occurrence", recordings: Sequence[Recording], names: Sequence[str]) -> str:
    if event.kind == "forked":
        way, _, folder = event.words.partition(" ")
        return f"forked {way} {Path(folder).parent.name}/{Path(folder).name}"
    if event.kind == "changed":
        return f"changed {event.words}"
    value = "" if event.value is None else f" {significant(event.value)}"
    words = f", {event.words}" if event.words else ""
    if event.other is not None:
        index, lane = event.other
        words += f", ahead of {_where(recordings[index], [lane], names[index])}"
    return event.kind.replace("_", " ").replace("-", " ") + value + words


def _where(recording: Recording, lanes: Sequence[int], name: str) -> str:
    count = len(recording.seeds)
    if count == len(lanes):
        return name
    if len(lanes) > 1:
        return f"{name}, {caption.lanes(len(lanes), count)}"
    return f"{name}, {caption.lane(recording, lanes[0])}" if 0 <= lanes[0] < count else name
