"""The film of a view, reopened as its recordings grow."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dynviz.animation.drawing import open_film
from dynviz.errors import DynvizError, TooEarlyError, in_words
from dynviz.film import Film
from dynviz.player.axes import HeldAxes
from dynviz.player.fitting import AS_IT_IS, AxisChoice, fitted
from dynviz.player.work import Work, at_once
from dynviz.recording import Recording, Snapshot
from dynviz.scene.marks import Scene

Clock = Callable[[], float]
Version = tuple[tuple[int, int, int, str], ...]

SHARE = 5
"""Opening films takes at most 1/SHARE of the time."""
PAUSE = 0.1
"""Minimum seconds between openings."""


class LiveFilm:
    """The up-to-date film of growing recordings in one view.

    Attributes:
        recordings: The recordings; more may be added.
        view: A name with options, or a path.
        film: The current film; None before the first sample, or if the view is unsuitable.
        scenes: Its pictures.
        problem: Why there is no film.
        opening_since: When the current check of the recordings began; None if there is none.
    """

    def __init__(self, recordings: Sequence[Recording], view: str, *, timer: Clock = time.perf_counter) -> None:
        """Prepare to open the film.

        Args:
            recordings: The recordings.
            view: A name with options, or a path.
            timer: Measures how long opening takes.
        """
        self.recordings, self.view = tuple(recordings), view
        self.film: Film | None = None
        self.scenes: Scenes | None = None
        self.problem = ""
        self.opening_since: float | None = None
        self.version: Version = ()
        self._timer = timer
        self._axes = HeldAxes()
        self._again = -np.inf
        self._early = False

    @property
    def looked(self) -> bool:
        """Whether the recordings have been checked at all."""
        return bool(self.version)

    @property
    def statuses(self) -> tuple[str, ...]:
        """The status of each recording at the last check."""
        return tuple(status for *_, status in self.version)

    @property
    def live(self) -> bool:
        """Whether any recording was still growing at the last check."""
        return "running" in self.statuses

    @property
    def empty(self) -> bool:
        """Whether there were no samples at the last check."""
        return self.looked and not any(samples for *_, samples, _ in self.version)

    @property
    def unsuited(self) -> bool:
        """Whether the view cannot show what is recorded, and will not once more is."""
        return self.film is None and bool(self.problem) and self.looked and not self.empty and not self._early

    @property
    def recorded(self) -> int:
        """The newest step of all recordings at the last check."""
        return max((step for step, *_ in self.version), default=0)

    @property
    def total(self) -> int:
        """The last planned step."""
        return max((total for _, total, *_ in self.version), default=0)

    @property
    def growing(self) -> tuple[int, int] | None:
        """The newest step of the recordings that grow, and the last one planned for them; None if none grows."""
        ends = [(step, total) for step, total, _, status in self.version if status == "running"]
        return max(ends) if ends else None

    @property
    def steps(self) -> NDArray[np.int64]:
        """The steps that can be shown."""
        return self.film.steps if self.film is not None else np.zeros(0, np.int64)

    def refresh(self, now: float, work: Work = at_once, changed: Callable[[], None] = lambda: None) -> None:
        """Check the recordings and reopen the film if they grew, and then call `changed`.

        Openings are spaced so that they take at most a fifth of the time.
        """
        if self.opening_since is not None or now < self._again:
            return
        self.opening_since, began = now, self._timer()

        def take(look: Future[tuple[Version, Film | Exception] | None]) -> None:
            self.opening_since = None
            error = look.exception()
            if isinstance(error, DynvizError):
                self.problem = str(error)
                return
            looked = look.result()
            if looked is not None:
                self._again = now + max(PAUSE, SHARE * (self._timer() - began))
                self._take(*looked)
                changed()

        work(f"view {self.view}", self._look, take)

    def _look(self) -> tuple[Version, Film | Exception] | None:
        """The present version and its film, or why there is none; None if nothing has changed."""
        # Others may be added meanwhile.
        recordings = self.recordings
        version = version_of(recordings)
        if version == self.version:
            return None
        try:
            return version, open_film([Snapshot(recording) for recording in recordings], self.view)
        except Exception as error:  # a view may be the user's own
            return version, error

    def _take(self, version: Version, opened: Film | Exception) -> None:
        was_live, self.version = self.live, version
        self._early = self.live and isinstance(opened, TooEarlyError)
        if was_live and not self.live:
            # Once nothing grows any more, use the axes of the whole run, as exports do.
            self._axes = HeldAxes()
        if isinstance(opened, Film):
            self.film, self.problem = opened, ""
            self.scenes = Scenes(opened, self._axes if self.live else None)
        elif isinstance(opened, DynvizError):
            # Keep a film that has been shown: its data is still valid.
            self.problem = "" if self.film is not None else str(opened)
        else:
            self.fail(opened)

    def fail(self, error: BaseException) -> None:
        """Give up on the film."""
        self.film = self.scenes = None
        words = f"view {self.view} failed: {in_words(error)}"
        self.problem = str(error) if isinstance(error, DynvizError) else words


class Scenes:
    """The pictures of a film, made one at a time in any thread: a view may be the user's own."""

    def __init__(self, film: Film, axes: HeldAxes | None) -> None:
        self._film, self._axes = film, axes
        self._lock = threading.Lock()

    @property
    def picks(self) -> bool:
        """Whether places in the pictures stand for lanes."""
        return self._film.pick is not None

    def at(self, step: int, axes: AxisChoice = AS_IT_IS, steps: tuple[float, float] | None = None) -> Scene:
        """The picture at a step, with all panels; curves with these axes, between two steps if any are given."""
        with self._lock:
            scene = self._film.scene(step)
            panels = scene.panels if self._axes is None else self._axes.hold(scene.panels)
            return replace(scene, panels=fitted(panels, axes, steps))

    def pick(self, step: int, panel: int, x: float, y: float) -> tuple[str, ...]:
        """The sources of the lanes at a place of the picture."""
        with self._lock:
            return () if self._film.pick is None else self._film.pick(step, panel, x, y)


def version_of(recordings: Sequence[Recording]) -> Version:
    """A value that changes with every write: recorded and planned steps, samples and status of each recording."""
    # Read the status first: it refreshes the number of planned steps.
    statuses = [recording.status for recording in recordings]
    return tuple(
        (recording.recorded, recording.total, _samples(recording), status)
        for recording, status in zip(recordings, statuses, strict=True)
    )


def _samples(recording: Recording) -> int:
    """The number of samples of the densest channel, which tells one sample, at step 0, from none."""
    sampled = {name: info.every for name, info in recording.metadata.channels.items() if info.every}
    return len(recording[min(sampled, key=sampled.__getitem__)]) if sampled else 0
