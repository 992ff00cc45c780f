"""From steps to pixels: what is drawn, on what, and by how many processes."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeAlias

from dynviz import plugins
from dynviz.animation.noting import noted
from dynviz.animation.story import alone, tile, told
from dynviz.animation.wording import PLAIN, Wording
from dynviz.errors import DynvizError, TooEarlyError, in_words, unknown
from dynviz.film import Film
from dynviz.frame import Background, Header, Pixels
from dynviz.frozen import frozen
from dynviz.plugins import trust
from dynviz.recording import Recording, Snapshot, open_all
from dynviz.scene.marks import Readout, Scene
from dynviz.scene.step_scale import StepScale

Painter: TypeAlias = Callable[[int], Pixels]
"""Draws the picture of a step."""
UNFIT = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, MemoryError, RecursionError)
"""What computing with numbers of another kind or shape than was expected raises."""
HEADER_PAGE = 520
"""Height in pixels of the page that a header is drawn on, which gives the size of its letters."""
ANYWHERE = "curves"
"""The view of recordings whose scenario suggests none: each has a loss."""


@frozen
class Drawing:
    """Everything that a process needs to know to draw the same pictures as another.

    Attributes:
        sources: The sources of the recordings, as `dynviz.open` takes them.
        view: A name with options, or a path.
        size: Width and height in pixels.
        theme: `light` or `dark`.
        background: The background of the panels.
        panel: The only panel to show, by its title or its number from 1; None for all.
        until: The step at which axes and what is drawn end; None for the last.
        frames: The steps of an animation's frames; empty for pictures that stand alone.
        scaled: Whether a scale shows how its time runs.
        wording: The user's words.
        story: Whether one panel leads and at most two support it.
        printed: Whether it is a figure of a document, whose caption says what is shown.
        tiled: Whether the pictures stand in a contact sheet: what leads alone, with the step and no title.
        notes: Whether notes at steps are shown.
    """

    sources: tuple[str, ...]
    view: str
    size: tuple[int, int]
    theme: str
    background: Background = "theme"
    panel: str | None = None
    until: int | None = None
    frames: tuple[int, ...] = ()
    scaled: bool = False
    wording: Wording = PLAIN
    story: bool = False
    tiled: bool = False
    printed: bool = False
    notes: bool = False

    def film(self) -> Film:
        """The opened view."""
        return self.opened(self.wording.relabelled(open_all(self.sources)))

    def opened(self, recordings: Sequence[Recording]) -> Film:
        """The view of these recordings."""
        film = open_film(recordings, self.view, self.panel, self.until)
        film = noted(film, recordings) if self.notes else film
        if not any(recording.live for recording in recordings):
            film = _uncounted(film)
        if self.tiled:
            return alone(film)
        return told(film) if self.story else film

    def painter(self, film: Film) -> Painter:
        """The painter that turns steps of a film into pixels; the first frame of an animation is a poster.

        Raises:
            DynvizError: The size cannot be drawn, or the theme does not exist.
        """
        from dynviz.pixels import PixelCanvas
        from dynviz.pixels.cutout import Cutout

        canvas = (PixelCanvas if self.background == "theme" else Cutout)(*self.size, self.theme)
        scale = StepScale(self.frames) if self.scaled else None

        worded = self.wording.applied(film)

        def scene(step: int) -> Scene:
            drawn = worded.scene(step)
            if self.until == 1 and step == 0 and not self.frames:
                # Of the start alone there is no step to come.
                drawn = replace(drawn, steps=0)
            if self.tiled:
                return tile(drawn)
            return drawn if scale is None else replace(drawn, scale=scale)

        def draw(step: int) -> Pixels:
            if len(self.frames) > 1 and step == self.frames[0]:
                return canvas.poster(scene(step), scene(self.frames[-1]))
            return canvas.draw(scene(step))

        return draw

    def header(self, film: Film) -> Header:
        """What draws the title and what does not change with the step, above all pictures of a film."""
        from dynviz.pixels import PixelCanvas
        from dynviz.pixels.cutout import Cutout

        first, last = (film.scene(int(film.steps[index])) for index in (0, -1))
        still = tuple(own for own, other in zip(first.readouts, last.readouts, strict=True) if own.text == other.text)
        shown = tuple(Readout(title, "muted") for title in dict.fromkeys(panel.title for panel in last.panels))
        scene = replace(last, panels=(), readouts=(*shown, *still), steps=-1, lead=0)

        def draw(width: int) -> Pixels:
            kind = PixelCanvas if self.background == "theme" else Cutout
            whole = kind(width, HEADER_PAGE, self.theme)
            return whole.draw(scene)[: whole.head_height(scene), :width]

        return draw

    def to_json(self) -> dict[str, Any]:
        """A tree that `Drawing(**tree)` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> "Drawing":
        """Restore from the result of `to_json`."""
        width, height = tree["size"]
        lists = {name: tuple(tree[name]) for name in ("sources", "frames")}
        wording = Wording.from_json(tree["wording"])
        return cls(**{**tree, **lists, "size": (width, height), "wording": wording})


def _uncounted(film: Film) -> Film:
    """Without a counter where there is nothing but the start: what stands still has no steps to count."""
    if film.steps.tolist() != [0]:
        return film
    return replace(film, scene=lambda step: replace(film.scene(step), steps=-1))


def suggested(recordings: Sequence[Recording]) -> list[str]:
    """The views suggested by the scenario of one of the recordings, the most informative first.

    Only bundled ones: a recording may come from anybody, and a path in it would be a program that is run.
    """
    views = (view for recording in recordings for view in recording.metadata.views)
    return list(dict.fromkeys(filter(trust.bundled_view, views))) or [ANYWHERE]


def told_by(recordings: Sequence[Recording]) -> str:
    """The view that the scenario of one of the recordings tells its story with; empty where none does."""
    views = (recording.metadata.story for recording in recordings)
    return next(filter(trust.bundled_view, filter(None, views)), "")


def open_film(recordings: Sequence[Recording], view: str, panel: str | None = None, until: int | None = None) -> Film:
    """Open a view of recordings.

    Args:
        recordings: The recordings to show.
        view: A name with options, or a path.
        panel: The only panel to show, by its title or its number from 1; None for all.
        until: The step at which axes and what is drawn end, from 1; None for the last.

    Raises:
        DynvizError: The view or panel does not exist or does not suit, or nothing is recorded yet.
    """
    # One that grows may grow between two questions of a view.
    still = tuple(one if isinstance(one, Snapshot) else Snapshot(one, until) for one in recordings)
    film = _fitting(plugins.load("views", view), still)
    if not len(film.steps):
        raise TooEarlyError(f"view {view} has nothing to show: nothing that it draws is recorded yet")
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

    return Film(film.steps, scene, outcomes=film.outcomes)
