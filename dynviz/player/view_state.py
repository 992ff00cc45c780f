"""Recordings in one of several views, at a step."""

from dynviz.frozen import frozen
from dynviz.player.live_film import Clock, LiveFilm
from dynviz.player.picture_state import PictureState
from dynviz.player.selection import Selection
from dynviz.player.session import Session
from dynviz.player.views import Views
from dynviz.recording import Recording

SETTLE = 0.25
"""Seconds for which the previous picture stays while a view opens; most open sooner."""


@frozen
class Before:
    """What was shown before another view or other recordings were chosen."""

    recordings: tuple[Recording, ...]
    selection: Selection
    view: str
    films: dict[str, LiveFilm]


class ViewState(PictureState):
    """Recordings in a view.

    Attributes:
        session: The recordings and the state of their training.
        views: The available views.
        view: The name of the current view.
        told: Why views did not open, until somebody has said so.
        films: The films of these recordings by their views.
        before: What was shown before; None if there is nothing to go back to.
        now: The present time.
        look_at: When the recordings are checked again.
        since: When the view was chosen.
    """

    def __init__(self, session: Session, view: str | None, now: float, timer: Clock) -> None:
        super().__init__()
        self.session = session
        self.views = Views(view)
        self.view = view or ""
        self.told: list[str] = []
        self._timer = timer
        self.films: dict[str, LiveFilm] = {}
        self.before: Before | None = None
        self.look_at = -1.0
        self.now = self.since = now

    def restart(self) -> None:
        """Start showing the recordings of the session."""
        self.films = {}
        self.drop()
        self.look_at, self.since = -1.0, self.now
        if self.session.recordings:
            self.views.suggest(self.session.recordings)
            self.view = self.view or self.views.names[0]

    def widen(self) -> None:
        """Show the recordings of the session, to which some were added; the picture stays until there is another."""
        film = self.films.get(self.view)
        self.films, self.before = {}, None
        if film is not None:
            film.recordings = self.session.recordings
            self.films[self.view] = film
        self.views.suggest(self.session.recordings)

    @property
    def live_film(self) -> LiveFilm | None:
        """The film of the current view; None while there is no recording."""
        if not self.session.recordings:
            return None
        if self.view not in self.films:
            self.films[self.view] = LiveFilm(self.session.recordings, self.view, timer=self._timer)
        return self.films[self.view]

    @property
    def waiting(self) -> bool:
        """Whether a view is being opened, or its first picture is being made."""
        live_film = self.live_film
        if live_film is None or live_film.problem:
            return False
        return not live_film.looked or (live_film.film is not None and self.whole is None)

    @property
    def settling(self) -> bool:
        """Whether there may be a picture in a moment."""
        return self.waiting and self.now - self.since < SETTLE

    def show(self, view: str) -> None:
        """Switch to another view at the same step."""
        if view == self.view or view not in self.views.names:
            return
        self.remember()
        self._turn_to(view)

    def _turn_to(self, view: str) -> None:
        self.drop()
        self.view, self.zoomed, self.first = view, False, 0
        self.look_at, self.since = -1.0, self.now

    def remember(self) -> None:
        """Keep what is shown, for as long as there is no other picture."""
        if self.whole is not None:
            self.before = Before(self.session.recordings, self.session.selection, self.view, self.films)

    def pass_on(self, live_film: LiveFilm) -> bool:
        """If a view does not suit the recordings, say why and show another one; returns whether there is another."""
        if not live_film.unsuited:
            return False
        before = self.before
        wanted, back = live_film.view, before is not None and before.recordings is self.session.recordings
        instead = self.views.instead_of(wanted, before.view if before is not None and back else "")
        if not instead:
            return False
        self.told.append(live_film.problem)
        self.films.pop(wanted, None)
        self._turn_to(instead)
        return True

    def take_told(self) -> list[str]:
        """Why views did not open, each reason once."""
        told, self.told = self.told, []
        return told

    def turn(self, by: int) -> None:
        """Switch to the next or previous view."""
        names = self.views.names
        if names:
            self.show(names[(names.index(self.view) + by) % len(names)])

    @property
    def trying(self) -> bool:
        """Whether there are untried views, and data to try them on."""
        return self.views.untested and self.live_film is not None and self.live_film.film is not None

    def try_view(self) -> None:
        """Try one view that no scenario suggested; if it opens, it gets a tab."""
        if self.trying:
            self.views.try_one(self.session.recordings, self.work)
