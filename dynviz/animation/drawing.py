"""From steps to pixels: what is drawn, on what, and by how many processes."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from dynviz import plugins
from dynviz.errors import DynvizError, in_words, unknown
from dynviz.film import Film
from dynviz.frame import Background, Pixels
from dynviz.plugins import trust
from dynviz.recording import Recording, Snapshot, open_all
from dynviz.scene.marks import Scene

Painter: TypeAlias = Callable[[Scene], Pixels]
UNFIT = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, MemoryError, RecursionError)
"""What computing with numbers of another kind or shape than was expected raises."""
ANYWHERE = "curves"
"""The view of recordings whose scenario suggests none: each has a loss."""


@dataclass(frozen=True)
class Drawing:
    """All that a process needs to know to draw the same pictures as another.

    Attributes:
        sources: Of the recordings, as `dynviz.open` takes them.
        view: A name with options, or a path.
        size: Width and height in pixels.
        theme: `light` or `dark`.
        background: What stands behind the panels.
        panel: The panel that is shown alone, by its title or its number from 1; None for all.
        until: The step at which axes and what is drawn end; None for the last.
    """

    sources: tuple[str, ...]
    view: str
    size: tuple[int, int]
    theme: str
    background: Background = "theme"
    panel: str | None = None
    until: int | None = None

    def film(self) -> Film:
        """Open the view."""
        return open_film(open_all(self.sources), self.view, self.panel, self.until)

    def painter(self) -> Painter:
        """What makes pixels of a scene.

        Raises:
            DynvizError: The size is none that can be drawn, or there is no such theme.
        """
        from dynviz.pixels import PixelCanvas

        if self.background == "theme":
            return PixelCanvas(*self.size, self.theme).draw
        from dynviz.pixels.cutout import Cutout

        return Cutout(*self.size, self.theme).draw

    def to_json(self) -> dict[str, Any]:
        """As a tree that `Drawing(**tree)` reads."""
        return {**vars(self)}

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> "Drawing":
        """What `to_json` gave."""
        width, height = tree["size"]
        return cls(**{**tree, "sources": tuple(tree["sources"]), "size": (width, height)})


def suggested(recordings: Sequence[Recording]) -> list[str]:
    """The views that the scenario of one of the recordings suggests, the most telling first.

    Only bundled ones: a recording may come from anybody, and a path in it would be a program that is run.
    """
    views = (view for recording in recordings for view in recording.metadata.views)
    return list(dict.fromkeys(filter(trust.bundled_view, views))) or [ANYWHERE]


def open_film(recordings: Sequence[Recording], view: str, panel: str | None = None, until: int | None = None) -> Film:
    """Open a view of recordings.

    Args:
        recordings: What is shown.
        view: A name with options, or a path.
        panel: The panel that is shown alone, by its title or its number from 1; None for all.
        until: The step at which axes and what is drawn end, from 1; None for the last.

    Raises:
        DynvizError: There is no such view or panel, or it does not suit, or there is nothing to show yet.
    """
    # One that grows may grow between two questions of a view.
    still = tuple(one if isinstance(one, Snapshot) else Snapshot(one, until) for one in recordings)
    film = _fitting(plugins.load("views", view), still)
    if not len(film.steps):
        raise DynvizError(f"view {view} has nothing to show: nothing that it draws is recorded yet")
    return film if panel is None else _narrowed(film, view, panel)


def _fitting(view: plugins.Plugin, recordings: Sequence[Recording]) -> Film:
    """Open a view. Of a bundled one what goes wrong is said in one line: its recordings may come from anywhere.

    What is recorded may be whole and yet no picture: a matrix of the wrong shape, a fact of the wrong kind. The cause
    is kept, and a view of the user's own keeps its traceback.
    """
    own = contextlib.nullcontext() if view.file else None
    with own or _unfit(view.name, recordings):
        film: Film = view.make(recordings=recordings)

    def scene(step: int) -> Scene:
        for recording in recordings:
            recording.check()
        with own or _unfit(view.name, recordings):
            return film.scene(step)

    return replace(film, scene=scene) if isinstance(film, Film) else film


@contextlib.contextmanager
def _unfit(view: str, recordings: Sequence[Recording]) -> Iterator[None]:
    try:
        yield
    except UNFIT as error:
        names = ", ".join(str(recording.folder) for recording in recordings)
        raise DynvizError(f"view {view} cannot draw what is recorded in {names}: {in_words(error)}") from error


def _narrowed(film: Film, view: str, panel: str) -> Film:
    """The film with one of its panels alone."""
    titles = [shown.title for shown in film.scene(int(film.steps[-1])).panels]
    if panel not in titles and not (panel.isdecimal() and 1 <= int(panel) <= len(titles)):
        raise unknown(f"panel of view {view}", panel, [*titles, f"1 to {len(titles)}"])
    index = titles.index(panel) if panel in titles else int(panel) - 1

    def scene(step: int) -> Scene:
        whole = film.scene(step)
        return replace(whole, panels=(whole.panels[index],))

    return Film(film.steps, scene)
