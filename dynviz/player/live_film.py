"""The film of a view, reopened as its recordings grow."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dynviz.animation.drawing import open_film
from dynviz.errors import DynvizError, in_words
from dynviz.film import Film
from dynviz.player.axes import HeldAxes
from dynviz.player.work import Work, at_once
from dynviz.recording import Recording, Snapshot
from dynviz.scene.marks import Panel, Scene

Clock = Callable[[], float]
Version = tuple[tuple[int, int, int, str], ...]

SHARE = 5
"""Opening films takes at most 1/SHARE of the time."""
PAUSE = 0.1
"""Minimum seconds between openings."""


class LiveFilm:
    """The up-to-date film of growing recordings in one view.

    Attributes:
        recordings: The recordings.
        view: A name with options, or a path.
        film: The current film; None before the first sample, or if the view is unsuitable.
        problem: Why there is no film.
        opening_since: When the current opening began; None if there is none.
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
        self.problem = ""
        self.opening_since: float | None = None
        self.version: Version = ()
        self._timer = timer
        self._axes = HeldAxes()
        self._again = -np.inf
        self._whole: tuple[int, Scene] | None = None
        self._shown: tuple[object, Scene] | None = None

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
    def recorded(self) -> int:
        """The newest step of all recordings at the last check."""
        return max((step for step, *_ in self.version), default=0)

    @property
    def total(self) -> int:
        """The last planned step."""
        return max((total for _, total, *_ in self.version), default=0)

    @property
    def steps(self) -> NDArray[np.int64]:
        """The steps that can be shown."""
        return self.film.steps if self.film is not None else np.zeros(0, np.int64)

    def refresh(self, now: float, work: Work = at_once) -> bool:
        """Check the recordings and reopen the film if they grew; returns whether it is being opened.

        Openings are spaced so that they take at most a fifth of the time.
        """
        if self.opening_since is not None or now < self._again:
            return False
        try:
            version = version_of(self.recordings)
        except DynvizError as error:
            self.problem = str(error)
            return False
        if version == self.version:
            return False
        self.opening_since, began = now, self._timer()
        snapshots = [Snapshot(recording) for recording in self.recordings]

        def take(opened: Future[Film]) -> None:
            self._again = now + max(PAUSE, SHARE * (self._timer() - began))
            self._take(opened, version)

        work("view", partial(open_film, snapshots, self.view), take)
        return True

    def _take(self, opened: Future[Film], version: Version) -> None:
        was_live, self.version, self.opening_since = self.live, version, None
        if was_live and not self.live:
            # Once nothing grows any more, use the axes of the whole run, as exports do.
            self._axes = HeldAxes()
        self._whole = self._shown = None
        try:
            self.film, self.problem = opened.result(), ""
        except DynvizError as error:
            # Keep a film that has been shown: its data is still valid.
            self.problem = "" if self.film is not None else str(error)
        except Exception as error:  # a view may be the user's own
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.film = None
        words = f"view {self.view} failed: {in_words(error)}"
        self.problem = str(error) if isinstance(error, DynvizError) else words

    def scene(self, step: int, first: int = 0, *, alone: bool = False) -> Scene | None:
        """The picture at a step, or None where there is none.

        Args:
            step: One of `steps`, or between them.
            first: The index of the first panel.
            alone: Whether it is the only one shown.
        """
        whole = self._at(step)
        if whole is None:
            return None
        key = step, first, alone
        if self._shown is None or self._shown[0] != key:
            self._shown = key, replace(whole, panels=from_panel(whole.panels, first, alone=alone))
        return self._shown[1]

    def _at(self, step: int) -> Scene | None:
        """The picture with all panels; the same object until something changes."""
        if self.film is None:
            return None
        if self._whole is None or self._whole[0] != step:
            try:
                scene = self.film.scene(step)
            except Exception as error:  # a view may be the user's own
                self._fail(error)
                return None
            self._whole = step, replace(scene, panels=self._axes.hold(scene.panels)) if self.live else scene
            self._shown = None
        return self._whole[1]

    def pick(self, step: int, panel: int, x: float, y: float) -> tuple[str, ...]:
        """The sources of the lanes at a place of the picture; empty if places do not stand for lanes."""
        if self.film is None or self.film.pick is None:
            return ()
        try:
            return self.film.pick(step, panel, x, y)
        except Exception:  # a view may be the user's own
            return ()

    def titles(self, step: int) -> tuple[str, ...]:
        """The titles of all panels."""
        whole = self._at(step)
        return tuple(panel.title for panel in whole.panels) if whole is not None else ()


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


def from_panel(panels: tuple[Panel, ...], first: int, *, alone: bool) -> tuple[Panel, ...]:
    """The panels from `first` on, or only that one.

    >>> from_panel(tuple("abc"), 1, alone=False), from_panel(tuple("abc"), 4, alone=True)
    (('b', 'c'), ('b',))
    """
    if not panels:
        return panels
    first %= len(panels)
    return panels[first : first + 1] if alone else panels[first:]
