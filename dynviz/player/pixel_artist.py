"""Scenes in pixels, for a part of the terminal."""

import math
from dataclasses import replace

import numpy as np

from dynviz.cells.canvas import LEAST, PanelAreas
from dynviz.frozen import frozen
from dynviz.layout.arrange import Rect
from dynviz.layout.place import PanelPlace
from dynviz.pixels import PixelCanvas
from dynviz.pixels.sizes import Lettering
from dynviz.player.terminal.surface import SurfacePicture
from dynviz.scene.marks import Scene

MOST_PIXELS = 2_000_000
"""Of a picture; a larger one is drawn smaller and shown larger, since drawing it takes long."""
CROSS = 0.7
"""How much of its colour the line at the mouse has."""


@frozen
class PixelPicture:
    """A scene in pixels: on a surface, and where its panels stand."""

    shown: SurfacePicture
    areas: PanelAreas

    def crossed(self, panel: int, column: int, color: tuple[int, int, int]) -> "PixelPicture":
        """The same with a line through the plot of a panel, in the middle of a column of cells."""
        plot, (wide, _) = self.areas.exact[panel][1], self.areas.unit
        left = min(max(int((column + 0.5) * wide), plot.left), plot.right - 1)
        pixels = self.shown.pixels.copy()
        line = pixels[plot.top : plot.bottom, left]
        line[...] = np.rint(line + CROSS * (np.array(color) - line)).astype(np.uint8)
        return replace(self, shown=replace(self.shown, pixels=pixels))


class PixelArtist:
    """Draws the scenes of a film."""

    def __init__(self, size: tuple[int, int], cell: tuple[int, int], theme: str) -> None:
        """Create a canvas.

        Args:
            size: Columns and rows.
            cell: Width and height of a cell in pixels.
            theme: The name of the theme.
        """
        self._size = size
        width, height = size[0] * cell[0], size[1] * cell[1]
        scale = min(1.0, math.sqrt(MOST_PIXELS / (width * height)))
        self._unit = cell[0] * scale, cell[1] * scale
        canvas = round(size[0] * self._unit[0]), round(size[1] * self._unit[1])
        self._canvas = PixelCanvas(*canvas, theme, Lettering(row=self._unit[1]), head=False)
        self._colors = self._canvas.theme.palette()

    def draw(self, scene: Scene) -> PixelPicture:
        """Draw a scene."""
        pixels = self._canvas.draw(scene)
        places = self._canvas.places
        areas = PanelAreas(
            tuple(self._in_cells(place) for place in places),
            tuple(None if panel.perspective else (panel.x, panel.y) for panel in scene.panels[: len(places)]),
            tuple((place.cell, place.plot) for place in places),
            self._unit,
        )
        return PixelPicture(SurfacePicture(pixels, *self._size, self._colors), areas)

    def _in_cells(self, place: PanelPlace) -> PanelPlace:
        return replace(place, cell=self._rect(place.cell), plot=self._rect(place.plot))

    def _rect(self, rect: Rect) -> Rect:
        (wide, tall), (columns, rows) = self._unit, self._size
        left, right = (min(max(round(at / wide), 0), columns) for at in (rect.left, rect.right))
        top, bottom = (min(max(round(at / tall), 0), rows) for at in (rect.top, rect.bottom))
        return Rect(left, top, right - left, bottom - top)


def artist(size: tuple[int, int], cell: tuple[int, int], theme: str) -> PixelArtist | None:
    """Draws scenes in so many columns and rows; none where they are too few."""
    return PixelArtist(size, cell, theme) if size[0] >= LEAST[0] and size[1] >= LEAST[1] else None
