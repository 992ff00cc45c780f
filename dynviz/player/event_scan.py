"""Searching for events in growing recordings, in the background."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from dynviz import plugins
from dynviz.player.event_marks import EventMark, event_marks
from dynviz.player.live_film import Version
from dynviz.player.work import Work, at_once
from dynviz.recording import Recording

if TYPE_CHECKING:
    from dynviz.detection.scan import Occurrence, Scan
    from dynviz.detector import Detector

SHARE = 5
"""The search takes about 1/SHARE of the time."""
PAUSE, LONGEST_PAUSE = 0.25, 2.0
"""Minimum and maximum seconds between searches: the first examines all that there is, and says little of the next."""


class EventScan:
    """All events in some recordings so far.

    Attributes:
        marks: The events, described and sorted by step.
        failures: Why detectors failed, by kind; under the empty kind, why the whole search failed.
    """

    def __init__(self, recordings: Sequence[Recording], *, timer: Callable[[], float] = time.perf_counter) -> None:
        self.marks: tuple[EventMark, ...] = ()
        self.failures: dict[str, str] = {}
        self._recordings, self._timer = recordings, timer
        self._scan: Scan | None = None
        self._found: list[Occurrence] = []
        self._version: Version = ()
        self._scanning, self._again = False, -1.0

    def refresh(self, version: Version, now: float, work: Work = at_once) -> None:
        """Search what is new in this version of the recordings, unless the last search is too recent."""
        if self._scanning or now < self._again or version == self._version:
            return
        self._scanning, began = True, self._timer()

        def take(future: Future[tuple[EventMark, ...]]) -> None:
            self._scanning, self._version = False, version
            self._again = now + min(max(PAUSE, SHARE * (self._timer() - began)), LONGEST_PAUSE)
            error = future.exception()
            if error is None:
                self.marks = future.result()
                self.failures.pop("", None)
            else:
                # Damaged events must not keep the player from showing the rest.
                self.failures[""] = str(error)

        work("events", self._advance, take)

    def _advance(self) -> tuple[EventMark, ...]:
        if self._scan is None:
            from dynviz.detection.scan import Scan

            # Separate recordings, because another thread reads the shown ones.
            own = [Recording(recording.folder, recording.chosen) for recording in self._recordings]
            self._scan = Scan(own, self._detectors(own), failed=self._fail)
        self._found += self._scan.advance()
        return event_marks(self._found, self._recordings)

    def _detectors(self, recordings: Sequence[Recording]) -> "dict[str, Detector[Any]]":
        """The detectors that load; those that compare lanes are left out if there are several scenarios."""
        from dynviz.detection.scan import load

        detectors: dict[str, Detector[Any]] = {}
        for name in plugins.files("detectors"):
            try:
                detectors |= load([name])
            except Exception as error:  # a detector may be the user's own
                self._fail(name, error)
        scenarios = {repr(recording.metadata.scenario) for recording in recordings}
        joining = len(scenarios) == 1
        return {
            kind: detector for kind, detector in detectors.items() if joining or not getattr(detector, "joins", False)
        }

    def _fail(self, kind: str, error: Exception) -> None:
        self.failures[kind] = f"{type(error).__name__}: {error}"
