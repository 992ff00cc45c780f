"""The pictures of a run's films, made while keys are read."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from dynviz.player.fitting import AxisChoice
from dynviz.player.live_film import LiveFilm, Scenes
from dynviz.player.work import Newest, Work
from dynviz.scene.marks import Panel, Scene


class Pictures:
    """The newest picture that is ready; it is exchanged when the wanted one is.

    Attributes:
        draw: If given, called with each picture as it will be shown, in the thread that made it.
    """

    def __init__(self) -> None:
        self.draw: Callable[[Scene], object] | None = None
        self._newest = Newest("picture")
        self._asked: tuple[object, ...] = ()
        self._made: tuple[LiveFilm, Scene] | None = None
        self._part: tuple[int, bool] = 0, False
        self._shown: tuple[tuple[Scene, int, bool], Scene] | None = None

    @property
    def busy(self) -> bool:
        """Whether a picture is being made."""
        return self._newest.busy

    def drop(self) -> None:
        """Wait no longer for the picture that is being made."""
        self._asked = ()
        self._newest.drop()

    def whole(self, live_film: LiveFilm, step: int, work: Work, axes: AxisChoice) -> Scene | None:
        """The picture of a film at a step, with all panels, else the last one of this film that was made.

        Args:
            live_film: The film.
            step: The step.
            work: Runs slow functions.
            axes: What the axes of curves show.
        """
        scenes = live_film.scenes
        if scenes is None:
            return None
        asked = scenes, step, axes, live_film.version
        if asked != self._asked:
            self._asked = asked
            self._ask(live_film, scenes, step, work, axes)
        made = self._made
        return made[1] if made is not None and made[0] is live_film and live_film.film is not None else None

    def _ask(self, live_film: LiveFilm, scenes: Scenes, step: int, work: Work, axes: AxisChoice) -> None:
        first, alone = self._part

        def make() -> tuple[Scene, Scene]:
            whole = scenes.at(step, axes, steps)
            shown = part(whole, first, alone=alone)
            if self.draw is not None:
                self.draw(shown)
            return whole, shown

        def take(outcome: Future[tuple[Scene, Scene]]) -> None:
            error = outcome.exception()
            if error is None:
                whole, shown = outcome.result()
                self._made, self._shown = (live_film, whole), ((whole, first, alone), shown)
            elif live_film.scenes is scenes:
                live_film.fail(error)

        steps = axes.steps(step, live_film.recorded, live_film.total, live=live_film.live)
        self._newest.ask(work, (scenes, step, axes, steps), make, take)

    def shown(self, whole: Scene, first: int, *, alone: bool) -> Scene:
        """The picture from its panel `first` on, or only that one; the same object until something changes."""
        self._part = first, alone
        kept = self._shown
        if kept is None or kept[0][0] is not whole or kept[0][1:] != (first, alone):
            kept = self._shown = (whole, first, alone), part(whole, first, alone=alone)
        return kept[1]


def part(whole: Scene, first: int, *, alone: bool) -> Scene:
    """A picture from its panel `first` on, or only that one."""
    return replace(whole, panels=from_panel(whole.panels, first, alone=alone))


def from_panel(panels: tuple[Panel, ...], first: int, *, alone: bool) -> tuple[Panel, ...]:
    """The panels from `first` on, or only that one.

    >>> from_panel(tuple("abc"), 1, alone=False), from_panel(tuple("abc"), 4, alone=True)
    (('b', 'c'), ('b',))
    """
    if not panels:
        return panels
    first %= len(panels)
    return panels[first : first + 1] if alone else panels[first:]
