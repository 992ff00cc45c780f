"""From steps to pixels: what is drawn, on what, and by how many processes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.frame import Background, Pixels
from dynviz.recording import Recording
from dynviz.scene.marks import Scene

Painter: TypeAlias = Callable[[Scene], Pixels]


@dataclass(frozen=True)
class Drawing:
    """All that a process needs to know to draw the same pictures as another.

    Attributes:
        folders: Of the recordings.
        view: A name with options, or a path.
        size: Width and height in pixels.
        theme: `light` or `dark`.
        background: What stands behind the panels.
    """

    folders: tuple[str, ...]
    view: str
    size: tuple[int, int]
    theme: str
    background: Background = "theme"

    def film(self) -> Film:
        """Open the view."""
        return open_film([Recording(Path(folder)) for folder in self.folders], self.view)

    def painter(self) -> Painter:
        """What makes pixels of a scene.

        Raises:
            DynvizError: The size is none that can be drawn, or there is no such theme.
        """
        from dynviz.pixels import Canvas

        if self.background == "theme":
            return Canvas(*self.size, self.theme).draw
        from dynviz.cutout import Cutout

        return Cutout(*self.size, self.theme).draw

    def to_json(self) -> dict[str, Any]:
        """As a tree that `Drawing(**tree)` reads."""
        return {**vars(self)}

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> "Drawing":
        """What `to_json` gave."""
        width, height = tree["size"]
        return cls(tuple(tree["folders"]), tree["view"], (width, height), tree["theme"], tree["background"])


def open_film(recordings: Sequence[Recording], view: str) -> Film:
    """Open a view of recordings.

    Raises:
        DynvizError: There is no such view, or it does not suit, or there is nothing to show yet.
    """
    film: Film = plugins.load("views", view).make(recordings=tuple(recordings))
    if not len(film.steps):
        raise DynvizError(f"view {view} has nothing to show: nothing that it draws is recorded yet")
    return film
