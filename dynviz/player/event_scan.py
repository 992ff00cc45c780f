"""Looks for events in recordings while they grow, beside the picture."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from dynviz import plugins
from dynviz.detection.scan import Occurrence, Scan, load
from dynviz.detector import Detector
from dynviz.player.event_marks import EventMark, event_marks
from dynviz.player.live_film import Version
from dynviz.player.work import Work, at_once
from dynviz.recording import Recording

SHARE = 5
"""The search takes at most one part in this many of the time."""
PAUSE = 0.25
"""Seconds from one search to the next at least."""


class EventScan:
    """All that happened in some recordings so far.

    Attributes:
        marks: It in words, by step.
        failures: Why a kind is not looked for, or nothing is.
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
        """Look at what is new in a version of the recordings, unless that was done a moment ago."""
        if self._scanning or now < self._again or version == self._version:
            return
        self._scanning, began = True, self._timer()

        def take(found: Future[tuple[EventMark, ...]]) -> None:
            self._scanning, self._version = False, version
            self._again = now + max(PAUSE, SHARE * (self._timer() - began))
            error = found.exception()
            if error is None:
                self.marks = found.result()
                self.failures.pop("", None)
            else:
                # Damaged events are no reason to show nothing else.
                self.failures[""] = str(error)

        work("events", self._advance, take)

    def _advance(self) -> tuple[EventMark, ...]:
        if self._scan is None:
            # Recordings of its own: those that are shown are read by another thread.
            own = [Recording(recording.folder, recording.chosen) for recording in self._recordings]
            self._scan = Scan(own, self._detectors(own), failed=self._fail)
        self._found += self._scan.advance()
        return event_marks(self._found, self._recordings)

    def _detectors(self, recordings: Sequence[Recording]) -> dict[str, Detector[Any]]:
        """Those that load; of several scenarios the lanes are not compared."""
        detectors: dict[str, Detector[Any]] = {}
        for name in plugins.files("detectors"):
            try:
                detectors |= load([name])
            except Exception as error:  # a detector may be the user's own
                self._fail(name, error)
        scenarios = {repr(recording.metadata.scenario) for recording in recordings}
        joining = len(scenarios) == 1
        return {kind: each for kind, each in detectors.items() if joining or not getattr(each, "joins", False)}

    def _fail(self, kind: str, error: Exception) -> None:
        self.failures[kind] = f"{type(error).__name__}: {error}"
