"""Scenes drawn in threads, in cells and, where the terminal shows them, in pixels."""

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from dynviz.cells.canvas import CellCanvas, PanelAreas
from dynviz.cells.cells import Cells
from dynviz.frozen import frozen
from dynviz.player.terminal.delivery import Delivery
from dynviz.scene.marks import Scene

if TYPE_CHECKING:
    from dynviz.player.pixel_artist import PixelArtist, PixelPicture


@frozen
class DrawnPicture:
    """A scene in cells, and in pixels where the terminal shows those.

    Attributes:
        cells: The cells.
        areas: Where its panels stand.
        theme: The theme in which it is drawn.
        seconds: How long drawing took.
        pixels: The same scene in pixels.
    """

    cells: Cells
    areas: PanelAreas
    theme: str
    seconds: float
    pixels: "PixelPicture | None" = None


class PlotDrawer:
    """Draws scenes of one size and theme, one at a time."""

    def __init__(self, columns: int, rows: int, theme: str, delivery: Delivery) -> None:
        self._key, self._delivery = (columns, rows, theme), delivery
        self._cells = CellCanvas(columns, rows, theme, head=False)
        self._artist: PixelArtist | None = None
        self._lock = threading.Lock()
        self._ahead: tuple[Scene, DrawnPicture] | None = None
        self._warm = delivery.surface is None

    def draws(self, columns: int, rows: int, theme: str) -> bool:
        """Whether it draws pictures like these."""
        return self._key == (columns, rows, theme)

    @property
    def cold(self) -> bool:
        """Whether pixels are not drawn yet that could be."""
        return not self._warm

    def draw(self, scene: Scene) -> DrawnPicture:
        """Draw a scene, in pixels too once that is quick."""
        with self._lock:
            began = time.perf_counter()
            cells, pixels = self._cells.draw(scene), None
            if self._artist is not None and self._delivery.surface is not None:
                # What cannot be drawn in pixels, such as the marks of a user's view, is shown in cells.
                with contextlib.suppress(Exception):
                    pixels = self._artist.draw(scene)
                    self._delivery.surface.prepare(pixels.shown)
            return DrawnPicture(cells, self._cells.areas, self._key[2], time.perf_counter() - began, pixels)

    def draw_ahead(self, scene: Scene) -> None:
        """Draw a scene before it is shown; if it cannot be drawn, that is said when it is to be shown."""
        with contextlib.suppress(Exception):
            self._ahead = scene, self.draw(scene)

    def drawn_ahead(self, scene: Scene) -> DrawnPicture | None:
        """The picture of a scene that was drawn before it was shown; None if it was not, or is drawn in more now."""
        if self._ahead is None or self._ahead[0] is not scene:
            return None
        picture = self._ahead[1]
        return picture if self._artist is None or picture.pixels is not None else None

    def warmed(self, scene: Scene) -> DrawnPicture:
        """Draw a scene in pixels for the first time, which takes as long as a start: matplotlib is imported here."""
        from dynviz.player.pixel_artist import artist

        columns, rows, theme = self._key
        self._warm = True
        self._artist = artist((columns, rows), self._delivery.cell, theme)
        return self.draw(scene)
