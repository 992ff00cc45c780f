"""One panel in pixels: its axes are drawn once, its marks as layers."""

from collections.abc import Sequence

import numpy as np
from matplotlib.path import Path

from dynviz.layout.arrange import Rect
from dynviz.layout.drawings import DrawingTable, PanelDrawings
from dynviz.layout.place import PanelPlace, ReadoutSpot
from dynviz.layout.plot_words import PlotWords
from dynviz.layout.words import PlacedWords, fit
from dynviz.pixels import still
from dynviz.pixels.arrows import arrow_swatch
from dynviz.pixels.coverage import Coverage, Image
from dynviz.pixels.easel import PixelEasel
from dynviz.pixels.growing import PixelBand, PixelLine
from dynviz.pixels.layers import Layer, LayerStack, Stain, Tile, blank
from dynviz.pixels.markers import markers
from dynviz.pixels.metrics import SWATCH, color_bar, swatch_width
from dynviz.scene.marks import (
    Band,
    Line,
    Panel,
    Readout,
)

MARKS: DrawingTable[Layer] = {
    Line: PixelLine,
    Band: PixelBand,
    **still.MARKS,
}
POSTER = 3
"""The last picture is seen at one part in so many of its strength on the first one."""
KEPT = 200
"""Words over a plot that are kept drawn: those that stand still do so for many frames."""


class PixelPanelPainter:
    """Draws one panel of a film.

    Attributes:
        place: Where it stands.
    """

    def __init__(self, place: PanelPlace, easel: PixelEasel) -> None:
        self.place, self._easel = place, easel
        self._stack = LayerStack(place.cell, self._axes())
        self._drawings = PanelDrawings(MARKS, easel)
        self._readouts = Readouts(place.spots, easel)
        self._plot_words = PlotWords(place, easel.metrics)
        self._written: dict[PlacedWords, list[Layer]] = {}

    def draw(self, image: Image, panel: Panel, *, named: bool = True) -> None:
        """Draw the panel into its part of the image; if it is not `named`, without the words in its plot."""
        marks = [layer for _, _, layer in self._drawings.layers(panel.marks)]
        placed = self._plot_words.at(panel)
        over = [layer for words in placed for layer in self._haloed(words)] if named else []
        self._stack.draw(image, [*marks, *over, *self._readouts.layers(self.place.readouts(panel))])

    @property
    def layers(self) -> Sequence[Layer]:
        """What was drawn last."""
        return self._stack.last

    def lay_over(self, image: Image, end: Image, other: Sequence[Layer]) -> None:
        """Let the plot of another picture shine through its last one, below the shapes of this one alone.

        Args:
            image: Has its last picture, and is changed.
            end: The other picture.
            other: The layers of the other picture.
        """
        plot = self.place.plot
        area = slice(plot.top, plot.bottom), slice(plot.left, plot.right)
        mixed, below = image.copy(), image[area].astype(np.int16)
        mixed[area] = below + (end[area] - below) // POSTER
        shared = set(map(id, other))
        for layer in self.layers:
            if isinstance(layer, Stain) and id(layer) not in shared:
                layer.put(mixed)
        image[area] = mixed[area]

    def _haloed(self, placed: PlacedWords) -> list[Layer]:
        """Words over shapes, with a border in the ground's colour."""
        if placed not in self._written:
            if len(self._written) >= KEPT:
                self._written.clear()
            item, easel = placed.words, self._easel
            halo, letters = (
                easel.pen.write(item.text, item.font, placed.left, placed.baseline, halo=side) for side in (True, False)
            )
            self._written[placed] = [easel.stain(halo, "ground"), easel.words(letters, item.color)]
        return self._written[placed]

    def _axes(self) -> Image:
        """Everything that stays the same from step to step: grid, axes, ticks, titles, labels and legends."""
        place, easel = self.place, self._easel
        width, height = easel.canvas
        image = blank(Rect(0, 0, width, height), easel.theme.color("ground"))
        plot, thin = place.plot, easel.sizes.thin
        grid, line = easel.theme.color("grid"), easel.theme.color("muted")
        length = round(0.3 * easel.sizes.ticks.size)
        for _, column in place.x:
            image[plot.top : plot.bottom, column : column + thin] = grid
            image[plot.bottom : plot.bottom + thin + length, column : column + thin] = line
        for _, row in place.y:
            image[row - thin + 1 : row + 1, plot.left : plot.right] = grid
            image[row - thin + 1 : row + 1, plot.left - thin - length : plot.left] = line
        if place.axes:
            image[plot.top : plot.bottom + thin, plot.left - thin : plot.left] = line
            image[plot.bottom : plot.bottom + thin, plot.left - thin : plot.right] = line
        for placed in place.words:
            for layer in words(placed, easel):
                layer.put(image)
        cell = place.cell
        return image[cell.top : cell.bottom, cell.left : cell.right].copy()


class Readouts:
    """Draws readouts: their places are fixed, their texts change."""

    def __init__(self, spots: Sequence[ReadoutSpot], easel: PixelEasel) -> None:
        self.spots = spots
        self._easel = easel
        self._last: dict[int, tuple[Readout, Layer]] = {}

    def layers(self, readouts: Sequence[Readout]) -> list[Layer]:
        """A layer for each readout that has a spot."""
        return [
            self._layer(index, readout, spot)
            for index, (readout, spot) in enumerate(zip(readouts, self.spots, strict=False))
        ]

    def _layer(self, index: int, readout: Readout, spot: ReadoutSpot) -> Layer:
        if index not in self._last or self._last[index][0] != readout:
            easel, font = self._easel, self._easel.sizes.words
            words = readout.in_words(readout.text, named=spot.named)
            text = fit(words, font, spot.room, easel.metrics)
            shape = easel.pen.write(text, font, spot.left, spot.baseline)
            self._last[index] = readout, easel.words(shape, readout.color)
        return self._last[index][1]


def words(placed: PlacedWords, easel: PixelEasel) -> list[Layer]:
    """Words, and the swatch before those of a legend."""
    item, pen = placed.words, easel.pen
    left = placed.left
    layers: list[Layer] = []
    if item.swatch:
        middle = placed.baseline - 0.36 * item.font.size
        right = left + SWATCH * item.font.size
        if item.swatch.kind == "ramp":
            bar = color_bar(placed)
            layers.append(Tile(bar, still.ramp_pixels(item.swatch.color, (bar.width, bar.height), easel.theme)))
        else:
            layers.append(easel.stain(_swatch(placed, left, right, middle, easel), item.swatch.color))
        left += swatch_width(item.swatch, item.font)
    layers.append(easel.words(pen.write(item.text, item.font, left, placed.baseline), item.color))
    return layers


def _swatch(placed: PlacedWords, left: float, right: float, middle: float, easel: PixelEasel) -> Coverage:
    swatch = placed.words.swatch
    paper = Rect(0, 0, *easel.canvas)
    if swatch is None or swatch.kind == "line":
        points = np.array([[left, middle], [right, middle]])
        return easel.pen.stroke(points, easel.sizes.line, paper, swatch.dash if swatch else "solid")
    at = np.array([[(left + right) / 2, middle]])
    if swatch.kind == "marker":
        return markers(at, swatch.marker, 0.3 * placed.words.font.size, easel.canvas)
    if swatch.kind == "arrow":
        return still.sketch(arrow_swatch(left, right, middle, easel.sizes), easel, paper)
    side = 0.3 * placed.words.font.size
    x, y = np.round((left + right) / 2), np.round(middle)
    corners = [[x - side, y - side], [x + side, y - side], [x + side, y + side], [x - side, y + side]]
    return easel.pen.fill(Path([*corners, corners[0]], closed=True), paper)
