"""The events of the recordings that are shown, in order."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dynviz.charts import caption
from dynviz.charts.numbers import significant
from dynviz.errors import DynvizError
from dynviz.player.words import grouped
from dynviz.recording import Event, Recording


class EventMark(NamedTuple):
    """An event in words."""

    step: int
    text: str


def event_marks(recordings: Sequence[Recording]) -> tuple[EventMark, ...]:
    """The events of all recordings by step."""
    names = caption.names(recordings) if recordings else ()
    marks = []
    for recording, name in zip(recordings, names, strict=True):
        lanes = len(recording.seeds)
        try:
            events, changes = recording.events(), recording.changes()
        except DynvizError:
            # Damaged events are no reason to show nothing.
            continue
        if origin := recording.metadata.origin:
            marks.append(
                EventMark(
                    origin.step, f"forked from {Path(origin.folder).name} at step {grouped(origin.step)} ({name})"
                )
            )
        for change in changes:
            lane = f", seed {recording.seeds[change.lane]}" if change.lane is not None and lanes > 1 else ""
            value = significant(change.new)
            words = f"{change.name} set to {value} at step {grouped(change.step)} ({name}{lane})"
            marks.append(EventMark(change.step, words))
        for event in events:
            seed = f", seed {recording.seeds[event.lane]}" if lanes > 1 and 0 <= event.lane < lanes else ""
            marks.append(EventMark(event.step, f"{_words(event)} at step {grouped(event.step)} ({name}{seed})"))
    return tuple(sorted(marks, key=lambda mark: mark.step))


def _words(event: Event) -> str:
    value = "" if event.value is None else f" {significant(event.value)}"
    return event.kind.replace("_", " ").replace("-", " ") + value


def text_at(events: Sequence[EventMark], step: int) -> str:
    """The events at a step, in words."""
    texts = [event.text for event in events if event.step == step]
    more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
    return f"{texts[0]}{more}" if texts else ""


def step_beside(events: Sequence[EventMark], step: int, *, after: bool) -> int | None:
    """The step of the next event, or of the one before; None where there is none."""
    steps = [event.step for event in events]
    index = bisect_right(steps, step) if after else bisect_left(steps, step) - 1
    return steps[index] if 0 <= index < len(steps) else None
