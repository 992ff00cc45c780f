"""The events of the recordings that are shown, in words and in order."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.numbers import significant
from dynviz.detection.scan import Occurrence
from dynviz.player.words import grouped
from dynviz.recording import Recording

FREQUENT = 200
"""A kind with more events than this is drawn as a density, and no key stops at each of them."""


class EventMark(NamedTuple):
    """An event in words."""

    step: int
    text: str
    kind: str = ""


@dataclass(frozen=True)
class EventList:
    """What happened, and which kinds of it are shown.

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
        """How many events there are of each kind."""
        return dict(sorted(Counter(mark.kind for mark in self.marks).items()))

    @cached_property
    def shown(self) -> tuple[EventMark, ...]:
        """Those of all kinds that are shown."""
        return tuple(mark for mark in self.marks if mark.kind not in self.hidden)

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """The step of each event that is shown."""
        return _steps(self.shown)

    @cached_property
    def single(self) -> NDArray[np.int64]:
        """The steps of those that are marked one by one, and that can be jumped to."""
        return _steps(mark for mark in self.shown if self.counts[mark.kind] <= FREQUENT)

    @cached_property
    def dense(self) -> NDArray[np.int64]:
        """The steps of those that are too many for that."""
        return _steps(mark for mark in self.shown if self.counts[mark.kind] > FREQUENT)

    @property
    def nothing_more(self) -> str:
        """Why there is no further event, in words."""
        if len(self.single):
            return "no more events this way"
        return "none of the events is of a chosen kind (E)" if self.hidden else "no events in this run so far"

    def hiding(self, kinds: Iterable[str]) -> "EventList":
        """Without some kinds."""
        return replace(self, hidden=frozenset(kinds))

    def at(self, film_steps: NDArray[np.int64], step: int) -> str:
        """The events that are seen first at a step of a film, in words."""
        if not len(self.steps):
            return ""
        found = np.flatnonzero(seen_at(film_steps, self.steps) == step)
        more = f" and {grouped(len(found) - 1)} more" if len(found) > 1 else ""
        return f"{self.shown[found[0]].text}{more}" if len(found) else ""

    def beside(self, film_steps: NDArray[np.int64], step: int, *, after: bool) -> int | None:
        """The film's step at which the next event is seen, or the one before; None where there is none."""
        seen = seen_at(film_steps, self.single)
        seen = seen[seen > step] if after else seen[seen < step]
        return None if not len(seen) else int(seen[0] if after else seen[-1])


def seen_at(film_steps: NDArray[np.int64], steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first step of a film at which each event has happened; a film may show fewer steps than are recorded.

    >>> seen_at(np.array([0, 10, 20]), np.array([0, 3, 10, 99])).tolist()
    [0, 10, 10, 20]
    """
    if not len(film_steps):
        return steps
    return film_steps[np.minimum(np.searchsorted(film_steps, steps), len(film_steps) - 1)]


def _steps(marks: Iterable[EventMark]) -> NDArray[np.int64]:
    return np.array([mark.step for mark in marks], dtype=np.int64)


def event_marks(occurrences: Iterable[Occurrence], recordings: Sequence[Recording]) -> tuple[EventMark, ...]:
    """What happened in recordings, in words and by step; what happened alike to several lanes is one event."""
    names = caption.names(recordings) if recordings else ()
    alike: dict[tuple[object, ...], tuple[Occurrence, list[int]]] = {}
    for each in _own(occurrences, recordings):
        lane = None if each.other is None else each.lane
        key = (each.step, each.since, each.recording, each.kind, each.value, each.words, each.other, lane)
        alike.setdefault(key, (each, []))[1].append(each.lane)
    found = sorted(alike.values(), key=lambda pair: pair[0].step)
    return tuple(EventMark(each.step, _text(each, lanes, recordings, names), each.kind) for each, lanes in found)


def _own(occurrences: Iterable[Occurrence], recordings: Sequence[Recording]) -> Iterator[Occurrence]:
    """Without what a fork has in common with its parent, where that is shown too."""
    folders = {str(recording.folder.absolute()) for recording in recordings}
    origins = [recording.metadata.origin for recording in recordings]
    begun = [origin.step if origin is not None and origin.folder in folders else -1 for origin in origins]
    return (each for each in occurrences if each.kind == "forked" or each.step > begun[each.recording])


def _text(event: Occurrence, lanes: Sequence[int], recordings: Sequence[Recording], names: Sequence[str]) -> str:
    exact = event.step - event.since <= 1
    when = f"at step {grouped(event.step)}"
    if not exact:
        when = f"between steps {grouped(event.since)} and {grouped(event.step)}"
    where = _where(recordings[event.recording], lanes, names[event.recording])
    return f"{_what(event, recordings, names)} {when} ({where})"


def _what(event: Occurrence, recordings: Sequence[Recording], names: Sequence[str]) -> str:
    if event.kind == "forked" and (origin := recordings[event.recording].metadata.origin) is not None:
        parent = Path(origin.folder)
        return f"forked from {parent.parent.name}/{parent.name}"
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
    return f"{name}, seed {recording.seeds[lanes[0]]}" if 0 <= lanes[0] < count else name
