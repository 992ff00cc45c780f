"""The state of the player, independent of the terminal: recordings in a view at a step."""

import time
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynviz.animation.drawing import open_film
from dynviz.cells.canvas import Hit
from dynviz.player.command import Picture, panel_name
from dynviz.player.forks import Forks
from dynviz.player.live_film import Clock, LiveFilm
from dynviz.player.playback import Playback
from dynviz.player.selection import Selection
from dynviz.player.session import Session
from dynviz.player.timeline import TimelineState
from dynviz.player.views import Views
from dynviz.player.work import Work, at_once
from dynviz.recording import Snapshot, open_all
from dynviz.scene.marks import Scene

if TYPE_CHECKING:
    from dynviz.process.background import BackgroundRun

LOOK = 0.05
"""Seconds between checks of growing recordings."""
IDLE = 1.0
"""Seconds between checks of recordings without a writer."""
SETTLE = 0.25
"""Seconds for which the previous picture stays while a view opens; most open sooner."""


class PlayerState:
    """Recordings in a view at a step.

    Attributes:
        session: The recordings and the state of their training.
        views: The available views.
        view: The name of the current view.
        playback: The playback position.
        zoomed: Whether only one panel is shown.
        first: The index of the first panel shown.
        work: Runs slow functions.
        forks: The forks started in the player.
    """

    def __init__(
        self,
        sources: Sequence[str],
        *,
        view: str | None = None,
        step: int | None = None,
        trainer: "BackgroundRun | None" = None,
        now: float = 0.0,
        timer: Clock = time.perf_counter,
    ) -> None:
        """Open the existing recordings; see `dynviz.player.play` for the parameters that it shares.

        `now` is on the same clock as in `tick`, and `timer` measures how long opening a view takes.

        Raises:
            DynvizError: A source cannot be opened.
        """
        self.session = Session(sources, trainer, now)
        self.views = Views(view)
        self.view = view or ""
        self.playback = Playback()
        self.zoomed, self.first = False, 0
        self.work: Work = at_once
        self.forks = Forks()
        self._wanted, self._timer = step, timer
        self._films: dict[str, LiveFilm] = {}
        self._look = -1.0
        self._begun = self._trying = False
        self._now = now
        self._restart()

    def _restart(self) -> None:
        """Start showing the recordings of the session."""
        self._films.clear()
        self._look, self._trying = -1.0, False
        if self.session.recordings:
            self.views.suggest(self.session.recordings)
            self.view = self.view or self.views.names[0]

    @property
    def live_film(self) -> LiveFilm | None:
        """The film of the current view; None while there is no recording."""
        if not self.session.recordings:
            return None
        if self.view not in self._films:
            self._films[self.view] = LiveFilm(self.session.recordings, self.view, timer=self._timer)
        return self._films[self.view]

    def tick(self, now: float) -> None:
        """Check for new data and advance the position; call it before every frame."""
        self._now = now
        if self.session.trainer is not None:
            self.session.trainer.poll()
        if now >= self._look:
            self._look = now + (LOOK if self.live else IDLE)
            # Until there is a picture, recordings may still be added.
            if not self._begun and self.session.open_more():
                self._restart()
            if self.live_film is not None:
                self._watch(self.live_film, now)
        self.playback.advance(now)

    def _watch(self, live_film: LiveFilm, now: float) -> None:
        live_film.refresh(now, self._work)
        self.session.note(live_film, now, self._work)
        if live_film.film is None:
            return
        self.playback.extend(live_film.steps, live_film.total, live=live_film.live)
        if self._begun:
            return
        # The first picture: follow live training, play anything else. But a user who waited for training wants to see
        # its outcome, even if it ended before there was a picture.
        self._begun = True
        if self._wanted is not None:
            self.playback.seek(self._wanted)
        elif live_film.live or self.session.trainer is not None:
            self.playback.end()
        else:
            self.playback.toggle(now)
            self.playback.seek(self.playback.start)

    def _work(self, group: str, function: Any, take: Any) -> None:
        def take_and_look(outcome: Future[Any]) -> None:
            take(outcome)
            self._look = -1.0

        self.work(group, function, take_and_look)

    @property
    def live(self) -> bool:
        """Whether anything may still change."""
        return self.session.live or bool(self.forks.doing) or (self.live_film is not None and not self.live_film.looked)

    @property
    def settling(self) -> bool:
        """Whether a view is being opened that may be ready in a moment."""
        live_film = self.live_film
        return (
            live_film is not None
            and live_film.film is None
            and live_film.opening_since is not None
            and self._now - live_film.opening_since < SETTLE
        )

    @property
    def statuses(self) -> tuple[str, ...]:
        """The status of each recording at the last check."""
        seen = self.live_film.statuses if self.live_film is not None else ()
        return seen or tuple(recording.metadata.status for recording in self.session.recordings)

    @property
    def step(self) -> int:
        """The shown step."""
        return self.playback.step

    def scene(self) -> Scene | None:
        """The current picture, if there is one."""
        return None if self.live_film is None else self.live_film.scene(self.step, self.first, alone=self.zoomed)

    def words(self) -> str:
        """The text in place of a picture."""
        return self.session.words(self.live_film, self._now)

    def show(self, view: str) -> None:
        """Switch to another view at the same step."""
        if view == self.view or view not in self.views.names:
            return
        if self.live_film is not None and self.live_film.opening_since is not None:
            # An opening in progress is superseded, and restarted if the view is selected again.
            del self._films[self.view]
        self.view, self.zoomed, self.first = view, False, 0
        self._look = -1.0

    def turn(self, by: int) -> None:
        """Switch to the next or previous view."""
        names = self.views.names
        if names:
            self.show(names[(names.index(self.view) + by) % len(names)])

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles of all panels of the view."""
        return self.live_film.titles(self.step) if self.live_film is not None else ()

    def zoom(self, panel: int | None) -> None:
        """Show only one panel, counted among the shown ones, or all of them for None."""
        if panel is None or self.zoomed:
            self.zoomed, self.first = False, 0
        elif len(self.titles) > 1:
            self.zoomed, self.first = True, (self.first + panel) % len(self.titles)

    @property
    def picks(self) -> bool:
        """Whether places in the picture stand for lanes that can be played."""
        return self.live_film is not None and self.live_film.film is not None and self.live_film.film.pick is not None

    def pick(self, hit: Hit | None) -> tuple[str, ...]:
        """The sources of the lanes at a place of the picture."""
        if self.live_film is None or hit is None or hit.x is None or hit.y is None:
            return ()
        return self.live_film.pick(self.step, (self.first + hit.panel) % len(self.titles), hit.x, hit.y)

    def page(self, by: int) -> None:
        """Show another panel first."""
        count = len(self.titles)
        if count:
            self.first = (self.first + by) % count if self.zoomed else min(max(self.first + by, 0), count - 1)

    def jump(self, *, after: bool) -> bool:
        """Go to the next or previous event; returns whether there is one."""
        step = self.session.events.beside(self.playback.steps, self.step, after=after)
        if step is not None:
            self.playback.seek(step)
            self.playback.playing = False
        return step is not None

    @property
    def timeline(self) -> TimelineState:
        """What the timeline shows."""
        # A view that can no longer be read knows no steps, but other views may.
        recorded = max(self.live_film.recorded if self.live_film is not None else 0, int(self.playback.edge))
        events, playback = self.session.events, self.playback
        return TimelineState(
            self.step, recorded, playback.total, live=playback.live, events=events.single, dense=events.dense
        )

    @property
    def trying(self) -> bool:
        """Whether there are untried views, and data to try them on."""
        film = self.live_film.film if self.live_film is not None else None
        return bool(self.views.untried) and not self._trying and film is not None

    def try_view(self) -> None:
        """Try one view that no scenario suggested; if it opens, it gets a tab."""
        if not self.trying:
            return
        self._trying, name, recordings = True, self.views.untried.pop(0), self.session.recordings

        def take(opened: Future[Any]) -> None:
            if self.session.recordings is recordings:
                self._trying = False
                if opened.exception() is None:
                    self.views.add(name)

        self.work("try", partial(open_film, [Snapshot(recording) for recording in recordings], name), take)

    def select(self, chosen: Selection) -> None:
        """Show other recordings or lanes of the same runs.

        Raises:
            DynvizError: They cannot be opened.
        """
        self.session.take(open_all(chosen.sources), chosen)
        self._restart()

    def overlay(self, folder: Path, step: int) -> None:
        """Show a run beside the current ones, and play from a step.

        Raises:
            DynvizError: It cannot be opened.
        """
        self.session.take(open_all([*(recording.source for recording in self.session.recordings), str(folder)]))
        self._restart()
        self.playback.seek(step)
        self.playback.playing = True
        self.tick(self._now)

    def picture(self, theme: str) -> Picture | None:
        """What is shown, in the terms of `dynviz export`; None if nothing is."""
        if self.live_film is None or self.live_film.film is None:
            return None
        panel = panel_name(self.titles, self.first) if self.zoomed else ""
        sources = tuple(recording.source for recording in self.session.recordings)
        return Picture(sources, self.view, panel, theme, self.step, self.live_film.recorded)
