"""All that the player knows, without a terminal: recordings, views, position, and what moves them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dynviz.cells.canvas import Hit
from dynviz.charts import caption
from dynviz.errors import DynvizError
from dynviz.player import status
from dynviz.player.command import Picture, panel_name
from dynviz.player.event_marks import EventMark, at, beside, event_marks
from dynviz.player.growth import Growth
from dynviz.player.live_film import LiveFilm
from dynviz.player.playback import Playback
from dynviz.player.selection import Selection, selection
from dynviz.player.status import TrainingStatus
from dynviz.player.timeline import Times
from dynviz.player.views import Views
from dynviz.recording import Recording, Snapshot, open_all
from dynviz.scene.marks import Scene

if TYPE_CHECKING:
    from dynviz.process.background import BackgroundRun

LOOK, IDLE = 0.05, 1.0
"""Seconds between two looks at recordings: that grow, and at which nobody writes."""


class Projector:
    """Recordings in a view at a step.

    Attributes:
        recordings: What is shown.
        trainer: Who trains for us; None in a replay.
        views: Which ones there are.
        view: The name of the one that is shown.
        playback: Where it stands.
        zoomed: Whether one panel stands alone.
        first: Which panel leads.
        selection: What is shown of what there is.
    """

    def __init__(
        self,
        sources: Sequence[str],
        *,
        view: str | None = None,
        step: int | None = None,
        trainer: "BackgroundRun | None" = None,
        now: float = 0.0,
    ) -> None:
        """Open the recordings, if they are there.

        Args:
            sources: Runs and recordings; those of the trainer's folder follow by themselves.
            view: What is shown first.
            step: Where to begin, paused.
            trainer: Who trains.
            now: The time on the clock that `tick` is told.

        Raises:
            DynvizError: A source cannot be opened.
        """
        self.trainer, self.began = trainer, now
        self.recordings: tuple[Recording, ...] = tuple(open_all(sources))
        self.views = Views(view)
        self.view = view or ""
        self.playback = Playback()
        self.zoomed, self.first = False, 0
        self.happened: tuple[EventMark, ...] = ()
        self._sources, self._wanted = tuple(sources), step
        self._films: dict[str, LiveFilm] = {}
        self._growth = Growth()
        self._look = -1.0
        self._training_status = TrainingStatus("")
        self._begun = False
        self._take(self.recordings)

    def _take(self, recordings: Sequence[Recording], chosen: Selection | None = None) -> None:
        # What there is to choose from is read while the recordings are there: later they may be gone.
        self.selection = chosen or selection(recordings)
        self.recordings = tuple(recordings)
        self._films.clear()
        self._look = -1.0
        if self.recordings:
            self.views.suggest(self.recordings)
            self.view = self.view or self.views.names[0]

    @property
    def live_film(self) -> LiveFilm | None:
        """The film of the view that is shown; None while there is no recording."""
        if not self.recordings:
            return None
        if self.view not in self._films:
            self._films[self.view] = LiveFilm(self.recordings, self.view)
        return self._films[self.view]

    def tick(self, now: float) -> None:
        """See what is new and move on: call it before every frame."""
        if self.trainer is not None:
            self.trainer.poll()
        if now >= self._look:
            self._look = now + (LOOK if self.live else IDLE)
            self._open_more()
            self._watch(now)
        self.playback.advance(now)

    def _open_more(self) -> None:
        """Open what the trainer has made since; until there is a film, recordings may still be added."""
        if self.trainer is None or self.trainer.folder is None or self._begun:
            return
        try:
            found = open_all([*self._sources, str(self.trainer.folder)])
            if len(found) != len(self.recordings):
                self._take(found)
        except DynvizError:
            # The folder is there before the recordings in it are.
            return

    def _watch(self, now: float) -> None:
        live_film = self.live_film
        if live_film is None:
            return
        try:
            changed = live_film.refresh(now)
        except DynvizError as error:
            live_film.problem = str(error)
            return
        if changed:
            self.happened = event_marks(self.recordings)
        self._growth.note(now, live_film.recorded)
        self._training_status = status.training_status(live_film.statuses, self._growth, live_film.total, self.trainer)
        self._extend(live_film, now)

    def _extend(self, live_film: LiveFilm, now: float) -> None:
        if live_film.film is None:
            return
        self.playback.extend(live_film.steps, live_film.total, live=live_film.live)
        if self._begun:
            return
        # The first picture: live ones are followed, others play; but who waited for training wants to see its outcome,
        # also where it was over before there was a picture.
        self._begun = True
        if self._wanted is not None:
            self.playback.seek(self._wanted)
        elif live_film.live or self.trainer is not None:
            self.playback.end()
        else:
            self.playback.toggle(now)
            self.playback.home()

    @property
    def live(self) -> bool:
        """Whether something will still come."""
        return (
            self.training
            or self._training_status.status == "running"
            or (self.live_film is not None and not self.live_film.looked)
        )

    @property
    def training(self) -> bool:
        """Whether our trainer is alive."""
        return self.trainer is not None and self.trainer.exit_code is None

    @property
    def training_status(self) -> TrainingStatus:
        """How training stands."""
        return self._training_status

    @property
    def statuses(self) -> tuple[str, ...]:
        """How each recording stands, by what was seen last."""
        seen = self.live_film.statuses if self.live_film is not None else ()
        return seen or tuple(recording.metadata.status for recording in self.recordings)

    @property
    def step(self) -> int:
        """The step that is shown."""
        return self.playback.step

    def scene(self) -> Scene | None:
        """The picture of now; None where there is none."""
        return None if self.live_film is None else self.live_film.scene(self.step, self.first, alone=self.zoomed)

    def words(self, now: float) -> str:
        """What stands in the place of a picture that is not there."""
        trouble = status.trouble(self.trainer, self.recordings)
        if trouble:
            return trouble
        live_film = self.live_film
        waiting = status.waiting(self.trainer, now - self.began, growing=live_film is not None and live_film.live)
        if live_film is None or (waiting and not live_film.recorded):
            return waiting or self._ended()
        if live_film.empty and not waiting:
            return "nothing was recorded: training ended before the first sample"
        return live_film.problem or waiting or "nothing is recorded"

    def _ended(self) -> str:
        if self.trainer is None:
            return "there is no recording"
        return self.trainer.message or "training ended before anything was recorded"

    @property
    def trouble(self) -> str:
        """Why training failed."""
        return status.trouble(self.trainer, self.recordings)

    def show(self, view: str) -> None:
        """Take another view; the step stays."""
        if view == self.view or view not in self.views.names:
            return
        self.view, self.zoomed, self.first = view, False, 0
        self._look = -1.0

    def turn(self, by: int) -> None:
        """Take the next view, or the one before."""
        names = self.views.names
        if names:
            self.show(names[(names.index(self.view) + by) % len(names)])

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles of all panels of the view."""
        return self.live_film.titles(self.step) if self.live_film is not None else ()

    def zoom(self, panel: int | None) -> None:
        """Show one panel alone, counted among those that are shown; None: all of them again."""
        if panel is None or self.zoomed:
            self.zoomed, self.first = False, 0
        elif len(self.titles) > 1:
            self.zoomed, self.first = True, (self.first + panel) % len(self.titles)

    @property
    def picks(self) -> bool:
        """Whether places of the picture stand for lanes that can be played."""
        return self.live_film is not None and self.live_film.film is not None and self.live_film.film.pick is not None

    def pick(self, hit: Hit | None) -> tuple[str, ...]:
        """The sources of the lanes at a place of the picture."""
        if self.live_film is None or hit is None or hit.x is None or hit.y is None:
            return ()
        return self.live_film.pick(self.step, (self.first + hit.panel) % len(self.titles), hit.x, hit.y)

    def page(self, by: int) -> None:
        """Let another panel lead."""
        count = len(self.titles)
        if count:
            self.first = (self.first + by) % count if self.zoomed else min(max(self.first + by, 0), count - 1)

    def jump(self, *, after: bool) -> str:
        """Go to the next event or to the one before, and say what happened; nothing where there is none."""
        step = beside(self.happened, self.step, after=after)
        if step is None:
            return ""
        self.playback.seek(step)
        self.playback.playing = False
        return at(self.happened, step)

    @property
    def times(self) -> Times:
        """What the timeline shows."""
        # In a view that cannot be read any more nothing was seen, but was in others.
        recorded = max(self.live_film.recorded if self.live_film is not None else 0, int(self.playback.edge))
        events = [each.step for each in self.happened]
        return Times(self.step, recorded, self.playback.total, live=self.playback.live, events=events)

    @property
    def title(self) -> str:
        """What is shown, before there is a picture that says it."""
        return caption.title(self.recordings) if self.recordings else "dynviz"

    @property
    def trying(self) -> bool:
        """Whether there are views left to try, and something to try them on."""
        return self.views.untried and self.live_film is not None and self.live_film.film is not None

    def try_view(self) -> None:
        """Try one more view, which gets a tab if it opens."""
        if self.trying:
            self.views.try_next([Snapshot(recording) for recording in self.recordings])

    @property
    def choosable(self) -> bool:
        """Whether there are recordings or lanes to choose from."""
        return bool(self.recordings) and not self.selection.single

    def select(self, chosen: Selection) -> None:
        """Show other recordings or lanes of the same.

        Raises:
            DynvizError: They cannot be opened.
        """
        self._take(open_all(chosen.sources), chosen)

    @property
    def picture(self) -> Picture | None:
        """What is shown, as `dynviz export` is told; None before there is something."""
        if self.live_film is None or self.live_film.film is None:
            return None
        panel = panel_name(self.titles, self.first) if self.zoomed else ""
        sources = tuple(recording.source for recording in self.recordings)
        return Picture(sources, self.view, panel, "", self.step, self.live_film.recorded)
