"""The film of a view, opened again while its recordings grow."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dynviz.animation.drawing import open_film
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.player.axes import HeldAxes
from dynviz.recording import Recording, Snapshot
from dynviz.scene.marks import Panel, Scene

Clock = Callable[[], float]
Version = tuple[tuple[int, int, int, str], ...]

SHARE = 5
"""Opening films takes at most one part in so many of the time."""
PAUSE = 0.1
"""Seconds between two openings at least."""


class LiveFilm:
    """Recordings in one view: the film of what they hold by now.

    Attributes:
        recordings: What is shown.
        view: A name with options, or a path.
        film: What can be shown; None before the first sample, and where the view does not suit.
        problem: Why there is no film, in words.
    """

    def __init__(self, recordings: Sequence[Recording], view: str, *, timer: Clock = time.perf_counter) -> None:
        """Open the film, if something is there to be shown.

        Args:
            recordings: What is shown.
            view: A name with options, or a path.
            timer: Says how long opening takes.
        """
        self.recordings, self.view = tuple(recordings), view
        self.film: Film | None = None
        self.problem = ""
        self._timer = timer
        self._axes = HeldAxes()
        self._seen: Version = ()
        self._again = -np.inf
        self._whole: tuple[int, Scene] | None = None
        self._shown: tuple[object, Scene] | None = None

    @property
    def looked(self) -> bool:
        """Whether it has looked at the recordings."""
        return bool(self._seen)

    @property
    def statuses(self) -> tuple[str, ...]:
        """How each recording stands, by what was seen last."""
        return tuple(status for *_, status in self._seen)

    @property
    def live(self) -> bool:
        """Whether one of the recordings still grows, by what was seen last."""
        return "running" in self.statuses

    @property
    def empty(self) -> bool:
        """Whether there was no sample at all, by what was seen last."""
        return self.looked and not any(samples for *_, samples, _ in self._seen)

    @property
    def recorded(self) -> int:
        """The newest step of the one that is furthest, by what was seen last."""
        return max((step for step, *_ in self._seen), default=0)

    @property
    def total(self) -> int:
        """The last step that there is meant to be."""
        return max((total for _, total, *_ in self._seen), default=0)

    @property
    def steps(self) -> NDArray[np.int64]:
        """The steps that can be shown."""
        return self.film.steps if self.film is not None else np.zeros(0, np.int64)

    def refresh(self, now: float) -> bool:
        """Look at the recordings, and open the film anew if they grew; whether anything changed.

        The film is opened so seldom that it takes at most a fifth of the time.
        """
        if now < self._again:
            return False
        seen = version(self.recordings)
        if seen == self._seen:
            return False
        # When nothing grows any more, axes are those of the whole run, as in every file that is drawn of it.
        over = self.live and not any(status == "running" for *_, status in seen)
        self._seen = seen
        if over:
            self._axes = HeldAxes()
        self._open(now)
        return True

    def _open(self, now: float) -> None:
        began = self._timer()
        try:
            self.film = open_film([Snapshot(recording) for recording in self.recordings], self.view)
            self.problem = ""
        except DynvizError as error:
            # One that was shown stays: it lost nothing.
            self.problem = "" if self.film is not None else str(error)
        except Exception as error:  # a view may be the user's own
            self.film, self.problem = None, f"view {self.view} failed: {type(error).__name__}: {error}"
        self._whole = self._shown = None
        self._again = now + max(PAUSE, (SHARE - 1) * (self._timer() - began))

    def scene(self, step: int, first: int = 0, *, alone: bool = False) -> Scene | None:
        """The picture at a step, or None where there is none.

        Args:
            step: One of `steps`, or between them.
            first: Which panel leads.
            alone: Whether it is the only one.
        """
        whole = self._at(step)
        if whole is None:
            return None
        key = step, first, alone
        if self._shown is None or self._shown[0] != key:
            self._shown = key, replace(whole, panels=chosen(whole.panels, first, alone=alone))
        return self._shown[1]

    def _at(self, step: int) -> Scene | None:
        """The picture with all panels; the same object for as long as nothing changes."""
        if self.film is None:
            return None
        if self._whole is None or self._whole[0] != step:
            try:
                scene = self.film.scene(step)
            except DynvizError as error:
                self.film, self.problem = None, str(error)
                return None
            except Exception as error:  # a view may be the user's own
                self.film, self.problem = None, f"view {self.view} failed: {type(error).__name__}: {error}"
                return None
            self._whole = step, replace(scene, panels=self._axes.hold(scene.panels)) if self.live else scene
            self._shown = None
        return self._whole[1]

    def pick(self, step: int, panel: int, x: float, y: float) -> tuple[str, ...]:
        """The sources of what lies at a place of a view whose places stand for lanes; nothing where they do not."""
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


def version(recordings: Sequence[Recording]) -> Version:
    """What tells whether something was written since: steps recorded and meant, samples, and status, of each."""
    found = []
    for recording in recordings:
        status = recording.status
        found.append((recording.recorded, recording.total, _samples(recording), status))
    return tuple(found)


def _samples(recording: Recording) -> int:
    """How many there are of the densest channel: the first one is at step 0, like none."""
    sampled = {name: info.every for name, info in recording.metadata.channels.items() if info.every}
    return len(recording[min(sampled, key=sampled.__getitem__)]) if sampled else 0


def chosen(panels: tuple[Panel, ...], first: int, *, alone: bool) -> tuple[Panel, ...]:
    """The panels from the first one on, or it alone.

    >>> chosen(tuple("abc"), 1, alone=False), chosen(tuple("abc"), 4, alone=True)
    (('b', 'c'), ('b',))
    """
    if not panels:
        return panels
    first %= len(panels)
    return panels[first : first + 1] if alone else panels[first:]
