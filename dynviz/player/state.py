"""The state of the player, independent of the terminal: recordings in a view at a step."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynviz.errors import DynvizError
from dynviz.player.command import Picture, panel_name
from dynviz.player.forks import Forks
from dynviz.player.live_film import Clock, LiveFilm
from dynviz.player.opening import Opened, Opening
from dynviz.player.previews import Preview
from dynviz.player.selection import Selection
from dynviz.player.session import Session
from dynviz.player.timeline import TimelineState
from dynviz.player.view_state import ViewState
from dynviz.scene.marks import Scene

if TYPE_CHECKING:
    from dynviz.process.background import BackgroundRun

LOOK = 0.05
"""Seconds between checks of growing recordings."""
IDLE = 1.0
"""Seconds between checks of recordings without a writer."""


class PlayerState(ViewState):
    """Recordings in a view at a step.

    Attributes:
        forks: The forks started in the player.
        preview: What a run begins with, until it does.
        read_only: Whether nothing may be written, and training is left alone.
        shows_all_keys: Whether help and footer also name keys that a read-only player refuses, for screenshots.
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
        super().__init__(Session(sources, trainer, now), view, now, timer)
        self.forks = Forks()
        self.preview = Preview(trainer)
        self.read_only = self.shows_all_keys = False
        self._wanted = step
        self._opening = Opening()
        self._begun = self._adding = False
        self._add_at = -1.0
        self.restart()

    def tick(self, now: float) -> None:
        """Check for new data and advance the position; call it before every frame."""
        self.now = now
        if self.session.trainer is not None:
            self.session.trainer.poll()
            self.preview.ask(self.view or None, self.work)
        if now >= self.look_at:
            self.look_at = now + (LOOK if self.live else IDLE)
            if now >= self._add_at and not self._adding:
                self._add_at = now + (IDLE if self._begun else LOOK)
                self._add()
            if self.live_film is not None:
                self._watch(self.live_film, now)
        if super().whole is not None:
            self.preview.drop(self.session.recordings, self.work)
        self.playback.advance(now)

    def _add(self) -> None:
        """Open recordings that were created since: those of a sweep, and until there is a picture the trainer's."""

        def take(added: Future[Any]) -> None:
            self._adding = False
            opened, joins, begun = added.result(), self.session.joins, self._begun
            if opened is None or (begun and not joins and not self.session.whole):
                return
            self.session.take(*opened, whole=True)
            if begun and not joins:
                self.widen()
            else:
                self._begun = False
                self.restart()

        if self.session.sweeps or self.session.joins or (self.session.waits and not self._begun):
            self._adding = True
            self.work("add", self.session.more, take)

    def _watch(self, live_film: LiveFilm, now: float) -> None:
        live_film.refresh(now, self.work, self._look_again)
        self.session.note(live_film, now)
        if live_film.film is None:
            instead = self.live_film if self.pass_on(live_film) else None
            if instead is not None:
                self._watch(instead, now)
            return
        self.playback.extend(live_film.steps, live_film.total, growing=self.session.growing(live_film))
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

    def search(self) -> None:
        """Search for events in what is new, unless a view is being opened, which would take longer then."""
        if self.live_film is not None and not self.waiting:
            self.session.search(self.live_film, self.now, self._work)

    def _work(self, group: str, function: Any, take: Any) -> None:
        def take_and_look(outcome: Future[Any]) -> None:
            take(outcome)
            self._look_again()

        self.work(group, function, take_and_look)

    def _look_again(self) -> None:
        self.look_at = -1.0

    @property
    def whole(self) -> Scene | None:
        whole = super().whole
        unsuited = self.live_film is not None and self.live_film.unsuited
        return whole if whole is not None or unsuited else self.preview.scene

    @property
    def previewing(self) -> str:
        """What is awaited, in words, while there is only a picture of what the run begins with."""
        return self.words() if self.preview.scene is not None else ""

    @property
    def live(self) -> bool:
        """Whether anything may still change."""
        return self.session.live or bool(self.doing) or self.waiting

    @property
    def training(self) -> bool:
        """Whether processes train that the player started."""
        return self.session.training or bool(self.forks.running) or bool(self.session.lengthening.running)

    @property
    def doing(self) -> str:
        """What is opened or forked meanwhile, in words."""
        return self._opening.words(self.now) or self.forks.doing

    @property
    def statuses(self) -> tuple[str, ...]:
        """The status of each recording at the last check."""
        seen = self.live_film.statuses if self.live_film is not None else ()
        return seen or tuple(recording.metadata.status for recording in self.session.recordings)

    def words(self) -> str:
        """The text in place of a picture."""
        if self.waiting and not self.session.trouble:
            return f"opening view {self.view}, {self.now - self.since:.1f} s"
        return self.session.words(self.live_film, self.now)

    def leave(self) -> bool:
        """Go back from what is being opened to what was shown before; returns whether anything is."""
        if self._opening.cancel():
            return True
        before = self.before
        if before is None or not self.waiting:
            return False
        if before.recordings is not self.session.recordings:
            self.session.take(before.recordings, before.selection)
            self.restart()
        self.films, self.before = before.films, None
        self.show(before.view)
        return True

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
        edge, marks = playback.front if playback.live else None, {"events": events.single, "dense": events.dense}
        return TimelineState(self.step, recorded, playback.total, edge, **marks, scale=playback.scale)

    def select(self, chosen: Selection, failed: Callable[[str], None]) -> None:
        """Show other recordings or lanes of the same runs; `failed` is told why they cannot be opened."""
        self._open(chosen.sources, chosen, failed)

    def overlay(self, folder: Path, step: int, failed: Callable[[str], None]) -> None:
        """Show a run beside the current ones, and play from a step; `failed` is told why it cannot be opened."""

        def play() -> None:
            self.playback.seek(step)
            self.playback.playing = True
            self.tick(self.now)

        self._open([*(recording.source for recording in self.session.recordings), str(folder)], None, failed, play)

    def _open(
        self,
        sources: Sequence[str],
        chosen: Selection | None,
        failed: Callable[[str], None],
        then: Callable[[], None] = lambda: None,
    ) -> None:
        def take(opened: Future[Opened]) -> None:
            error = opened.exception()
            if isinstance(error, DynvizError):
                failed(str(error))
                return
            self.remember()
            self.session.take(*opened.result())
            self.restart()
            then()

        self._opening.begin(sources, chosen, self.now, self.work, take)

    def picture(self, theme: str) -> Picture | None:
        """What is shown, in the terms of `dynviz export`; None if nothing is."""
        if self.live_film is None or self.live_film.film is None:
            return None
        panel = panel_name(self.titles, self.first) if self.zoomed else ""
        sources = tuple(recording.source for recording in self.session.recordings)
        return Picture(sources, self.view, panel, theme, self.step, self.live_film.recorded)
