"""The picture of a run at a step: which of its panels are shown, and what lies at a place of it."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

from dynviz.animation.drawing import open_film
from dynviz.animation.pace import by_motion
from dynviz.cells.canvas import Hit
from dynviz.player.crosshair import CurveTable, curves_at
from dynviz.player.fitting import AxisChoice, has_steps
from dynviz.player.live_film import LiveFilm
from dynviz.player.pictures import Pictures
from dynviz.player.playback import Playback
from dynviz.player.work import Work, at_once
from dynviz.recording import Recording
from dynviz.scene.marks import Scene
from dynviz.scene.step_scale import StepScale

TRAINS = "time can run with what moves once training is over"
STANDS = "nothing moves here but time itself"
FRAMES = 400
"""Steps between which time is spread by what moves."""


def scale_of(recordings: Sequence[Recording], view: str) -> StepScale | None:
    """How time runs with what moves in a view of recordings; None where nothing does."""
    film = open_film(recordings, view)
    frames = by_motion(film, min(FRAMES, 2 * len(film.steps) // 3), (None, None))
    return StepScale(tuple(frames)) if frames else None


class PictureState:
    """A film at a step.

    Attributes:
        playback: The playback position.
        zoomed: Whether only one panel is shown.
        first: The index of the first panel shown.
        axes: What the axes of curves show.
        work: Runs slow functions.
    """

    def __init__(self) -> None:
        self.playback = Playback()
        self.zoomed, self.first, self.axes = False, 0, AxisChoice()
        self.work: Work = at_once
        self.pictures = Pictures()

    @property
    def live_film(self) -> LiveFilm | None:
        """The film of the current view; None while there is no recording."""
        raise NotImplementedError

    def drop(self) -> None:
        """Forget the picture, and how its time runs."""
        self.pictures.drop()
        self.playback.scale = None

    def change_pace(self, say: Callable[[str], None]) -> None:
        """Let time run with what moves, or with the steps again."""
        film = self.live_film
        if self.playback.scale is not None:
            self.playback.scale = None
        elif film is None or film.live:
            say(TRAINS)
        else:
            # In a thread of its own, and so of a film of its own.
            self.work("pace", partial(scale_of, film.recordings, film.view), partial(self._take_pace, film, say))

    def _take_pace(self, film: LiveFilm, say: Callable[[str], None], scale: Future[StepScale | None]) -> None:
        if self.live_film is not film:
            return
        # A view may be the user's own.
        self.playback.scale = scale.result() if scale.exception() is None else None
        if self.playback.scale is None:
            say(STANDS)

    @property
    def step(self) -> int:
        """The shown step."""
        return self.playback.step

    def scene(self) -> Scene | None:
        """The newest picture, if there is one."""
        whole = self.whole
        return None if whole is None else self.pictures.shown(whole, self.first, alone=self.zoomed)

    @property
    def whole(self) -> Scene | None:
        """The newest picture with all panels; if it is not that of this step, that is being made."""
        live_film = self.live_film
        return None if live_film is None else self.pictures.whole(live_film, self.step, self.work, self.axes)

    def ask(self) -> bool:
        """Ask for the picture of this step; returns whether one is awaited that was not before."""
        waits = self.pictures.busy
        if self.live_film is not None:
            self.pictures.whole(self.live_film, self.step, self.work, self.axes)
        return self.pictures.busy and not waits

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles of all panels of the view."""
        whole = self.whole
        return () if whole is None else tuple(panel.title for panel in whole.panels)

    def zoom(self, panel: int | None) -> None:
        """Show only one panel, counted among the shown ones, or all of them for None."""
        if panel is None or self.zoomed:
            self.zoomed, self.first = False, 0
        elif len(self.titles) > 1:
            self.zoomed, self.first = True, (self.first + panel) % len(self.titles)

    def values(self, hit: Hit | None) -> CurveTable | None:
        """The values of all curves at the mouse; None if it points at no curves."""
        scene = self.scene()
        return None if scene is None else curves_at(scene.from_above().panels, scene.readouts, hit)

    def brush(self, panel: int, one: float, other: float) -> bool:
        """Show curves between two steps of a panel, counted among the shown ones; returns whether it has steps."""
        whole = self.whole
        if whole is None or not has_steps(whole.panels[(self.first + panel) % len(whole.panels)]):
            return False
        self.axes = replace(self.axes, between=(max(min(one, other), 0.0), max(one, other)))
        return True

    @property
    def picks(self) -> bool:
        """Whether places in the picture stand for lanes that can be played."""
        return self.live_film is not None and self.live_film.scenes is not None and self.live_film.scenes.picks

    def pick(self, hit: Hit | None, then: Callable[[tuple[str, ...]], None]) -> None:
        """Find the sources of the lanes at a place of the picture; none if places do not stand for lanes."""
        scenes = self.live_film.scenes if self.live_film is not None else None
        titles = self.titles
        if scenes is None or not scenes.picks or not titles or hit is None or hit.x is None or hit.y is None:
            then(())
            return

        def take(picked: Future[tuple[str, ...]]) -> None:
            # A view may be the user's own.
            then(picked.result() if picked.exception() is None else ())

        panel = (self.first + hit.panel) % len(titles)
        self.work("pick", partial(scenes.pick, self.step, panel, hit.x, hit.y), take)

    def page(self, by: int) -> None:
        """Show another panel first."""
        count = len(self.titles)
        if count:
            self.first = (self.first + by) % count if self.zoomed else min(max(self.first + by, 0), count - 1)
