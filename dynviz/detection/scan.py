"""Events in recordings: recorded ones, and those that detectors find in the samples so far."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz import plugins
from dynviz.detection import measured
from dynviz.detector import Detection, Detector, Samples, Subject
from dynviz.recording import Recording
from dynviz.recording.metadata import Origin

PORTION, NUMBERS = 1 << 16, 1 << 24
"""Samples that a detector is given at once, and numbers of a channel: the memory that windows over them take, and the
samples themselves, stays small."""


@dataclass(frozen=True, kw_only=True, order=True)
class Occurrence:
    """Something that happened.

    Attributes:
        step: The step by which it happened.
        recording: The index of the recording.
        lane: The lane concerned.
        kind: The name of the detector or of the recorded event: `spike`.
        since: The step after which it happened; one less than `step` if every step is known.
        value: A measure of the event, if it has one.
        words: Details.
        other: Another recording and lane that were involved.
    """

    step: int
    recording: int
    lane: int
    kind: str
    since: int
    value: float | None = field(default=None, compare=False)
    words: str = field(default="", compare=False)
    other: tuple[int, int] | None = None


class Scan:
    """Runs detectors on recordings that may still grow; each sample is examined once.

    Example:
        >>> Scan([], {}).advance()
        []
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        detectors: Mapping[str, Detector[Any]],
        *,
        failed: Callable[[str, Exception], None] | None = None,
    ) -> None:
        """Prepare the scan.

        Args:
            recordings: The recordings, of one scenario if detectors compare their lanes.
            detectors: The detectors by kind; see `load`.
            failed: Called with the kind of a detector that failed, which is then left out; None raises its error.
        """
        self._recordings, self._failed = recordings, failed
        self._seen = [0] * len(recordings)
        self._changed = [0] * len(recordings)
        self._forked = [False] * len(recordings)
        lanes = [(index, lane) for index, recording in enumerate(recordings) for lane in range(len(recording.seeds))]
        apart = [[place for place in lanes if place[0] == index] for index in range(len(recordings))]
        self._watches = [
            _Watch(kind, detector, recordings, places)
            for kind, detector in detectors.items()
            for places in ([lanes] if getattr(detector, "joins", False) and lanes else apart)
        ]

    def advance(self) -> list[Occurrence]:
        """The events found since the last call, by step.

        Raises:
            DynvizError: A channel's file is missing or damaged.
        """
        return sorted(
            [*self._recorded(), *(occurrence for watch in tuple(self._watches) for occurrence in self._found(watch))]
        )

    @property
    def blind(self) -> set[tuple[str, int]]:
        """The kinds and recordings that cannot be judged, because the channels of the detector are not recorded."""
        return {(watch.kind, index) for watch in self._watches if watch.blind for index in watch.indices}

    def _found(self, watch: "_Watch") -> list[Occurrence]:
        try:
            return list(watch.advance())
        except Exception as error:  # a detector may be the user's own
            if self._failed is None:
                raise
            self._failed(watch.kind, error)
            self._watches.remove(watch)
            return []

    def _recorded(self) -> Iterator[Occurrence]:
        for index, recording in enumerate(self._recordings):
            events = recording.events()
            for event in events[self._seen[index] :]:
                since = max(event.step - 1, 0)
                yield Occurrence(
                    step=event.step, recording=index, lane=event.lane, kind=event.kind, since=since, value=event.value
                )
            self._seen[index] = len(events)
            # Those of steps to come are no events yet, and others may still be asked for before them.
            changes = [change for change in recording.changes() if change.step <= recording.recorded]
            for change in changes[self._changed[index] :]:
                words = (
                    f"{change.name} {change.new:g}"
                    if change.old is None
                    else f"{change.name} {change.old:g} to {change.new:g}"
                )
                yield from self._of_lanes(index, change.lane, change.step, "changed", words)
            self._changed[index] = len(changes)
            origin = recording.metadata.origin
            if origin is not None and not self._forked[index]:
                self._forked[index] = True
                yield from self._of_lanes(index, None, origin.step, "forked", f"from {origin.folder}")
                yield from self._of_parent(recording, origin)

    def _of_parent(self, child: Recording, origin: Origin) -> Iterator[Occurrence]:
        """The fork as an event of its parent, where that is looked at too."""
        words = f"into {child.folder.absolute()}"
        for index, recording in enumerate(self._recordings):
            if str(recording.folder.absolute()) == origin.folder:
                shown = range(len(recording.seeds)) if recording.chosen is None else recording.chosen
                for place, lane in enumerate(shown):
                    if lane in origin.lanes:
                        yield from self._of_lanes(index, place, origin.step, "forked", words)

    def _of_lanes(self, index: int, lane: int | None, step: int, kind: str, words: str) -> Iterator[Occurrence]:
        for place in range(len(self._recordings[index].seeds)) if lane is None else (lane,):
            yield Occurrence(step=step, recording=index, lane=place, kind=kind, since=max(step - 1, 0), words=words)


class _Watch:
    """One detector on the lanes of one recording, or of several."""

    def __init__(
        self,
        kind: str,
        detector: Detector[Any],
        recordings: Sequence[Recording],
        places: Sequence[tuple[int, int]],
    ) -> None:
        self.kind, self._detector, self._places = kind, detector, places
        self.indices = tuple(dict.fromkeys(index for index, _ in places))
        self._recordings = [recordings[index] for index in self.indices]
        self._state: Any = None
        self._names: tuple[str, ...] = ()
        self._last = -1

    def advance(self) -> Iterator[Occurrence]:
        """What it finds in the samples that came since the last time."""
        if not self._names and not self._begin():
            return
        columns = [measured.column(self._recordings, name) for name in self._names]
        if any(column is None for column in columns):
            return
        steps = measured.common([column.steps for column in columns if column is not None])
        steps = steps[steps > self._last]
        largest = max(column.size for column in columns if column is not None)
        many = max(1, min(PORTION, NUMBERS // max(1, largest)))
        for start in range(0, len(steps), many):
            portion = steps[start : start + many]
            samples = [column.at(portion) for column in columns if column is not None]
            yield from self._look(portion, samples)

    @property
    def blind(self) -> bool:
        """Whether the recordings lack what it looks at, as far as it has looked."""
        return not self._names

    def _begin(self) -> bool:
        channels = [measured.names(recording) for recording in self._recordings]
        subject = Subject(
            lanes=len(self._places),
            facts=self._recordings[0].facts,
            channels=frozenset.intersection(*channels),
            parameters=tuple(self._recordings[0].metadata.parameters),
        )
        self._names = self._detector.reads(subject)
        self._state = self._detector.init(subject)
        return bool(self._names)

    def _look(self, steps: NDArray[np.int64], samples: Sequence[Samples]) -> Iterator[Occurrence]:
        self._state, detections = self._detector.update(self._state, steps, *samples)
        self._last = int(steps[-1])
        yield from map(self._occurrence, detections)

    def _occurrence(self, detection: Detection) -> Occurrence:
        recording, lane = self._places[detection.lane]
        return Occurrence(
            step=detection.step,
            recording=recording,
            lane=lane,
            kind=self.kind,
            since=detection.since,
            value=detection.value,
            words=detection.words,
            other=None if detection.other is None else self._places[detection.other],
        )


def load(names: Sequence[str] | None = None) -> dict[str, Detector[Any]]:
    """The detectors by kind: the given ones, such as `spike:high=8`, or all bundled ones.

    Raises:
        DynvizError: A detector or an option does not exist.
    """
    wanted = plugins.files("detectors") if names is None else names
    loaded = [plugins.load("detectors", name) for name in wanted]
    return {plugin.stem: plugin.make() for plugin in loaded}
