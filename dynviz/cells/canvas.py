"""The canvas: scenes in, cells out."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dynviz.cells.cells import Cells
from dynviz.cells.inks import Inks
from dynviz.cells.page import Page, lay_out
from dynviz.cells.panel import PanelPainter
from dynviz.cells.place import Place, Spot
from dynviz.cells.words import Placed, codes, fit, swatch
from dynviz.layout.counter import step_words
from dynviz.scene import theme as themes
from dynviz.scene.identity import key
from dynviz.scene.marks import Axis, Readout, Scene
from dynviz.scene.scales import values

LEAST = (40, 12)
"""Columns and rows of the smallest terminal that scenes are drawn in."""


@dataclass(frozen=True)
class Hit:
    """What is at a cell: a panel of the scene, and, over its plot, the data coordinates of the cell's middle."""

    panel: int
    x: float | None
    y: float | None


class Canvas:
    """Draws the scenes of a film, one after the other in any order.

    What stayed the same since the last scene is not found again. The cells depend on the scene alone: a canvas that
    drew others before gives the same as a new one.
    """

    def __init__(self, columns: int, rows: int, theme: themes.Theme | str = "dark", *, head: bool = True) -> None:
        """Take cells.

        Args:
            columns: How many.
            rows: How many.
            theme: Its colours, or their name.
            head: Whether the scene's title, readouts and step stand in the first row.

        Raises:
            DynvizError: There is no such theme.
        """
        self.theme = themes.theme(theme) if isinstance(theme, str) else theme
        self.columns, self.rows = max(columns, 1), max(rows, 1)
        self.places: tuple[Place, ...] = ()
        self._head = head
        self._inks = Inks(self.theme)
        self._scene: Scene | None = None
        self._key: tuple[Any, ...] = ()
        self._layout: tuple[Any, ...] = ()
        self._axes: tuple[tuple[Axis, Axis], ...] = ()
        self._painters: list[PanelPainter] = []

    def draw(self, scene: Scene) -> Cells:
        """The cells of a scene, new arrays each time."""
        if self.columns < LEAST[0] or self.rows < LEAST[1]:
            return self._too_small()
        scene = scene.planned()
        # Whatever numbers a recording holds are drawn as far as they can be.
        with np.errstate(all="ignore"):
            found = key(scene)
            if self._scene is None or found != self._key:
                # The key holds arrays by their memory: the scene keeps them alive.
                self._key, self._scene = found, scene
                self._lay_out(scene)
            cells = self._copy()
            for painter, place in zip(self._painters, self.places, strict=True):
                painter.draw(cells, scene.panels[place.index])
        self._write_readouts(cells, scene)
        return cells

    def hit(self, column: int, row: int) -> Hit | None:
        """What the last scene has at a cell; none where there is no panel."""
        for place, (x, y) in zip(self.places, self._axes, strict=True):
            cell, plot = place.cell, place.plot
            if not (cell.left <= column < cell.right and cell.top <= row < cell.bottom):
                continue
            if not (plot.left <= column < plot.right and plot.top <= row < plot.bottom):
                return Hit(place.index, None, None)
            with np.errstate(all="ignore"):
                across = float(values(x, (column - plot.left + 0.5) / plot.width))
                upward = float(values(y, (plot.bottom - row - 0.5) / plot.height))
            return Hit(place.index, across, upward)
        return None

    def _too_small(self) -> Cells:
        """Words alone, as many as fit."""
        self.places = self._axes = ()
        self._scene = None
        cells = Cells.blank(self.columns, self.rows, self._inks.palette)
        size, least = f"{self.columns} x {self.rows}", f"{LEAST[0]} x {LEAST[1]}"
        words = f"too small: {size}, needs {least}".split()
        lines = [""]
        for word in words:
            longer = f"{lines[-1]} {word}".strip()
            if len(longer) > self.columns and lines[-1]:
                lines.append(word)
            else:
                lines[-1] = longer
        top = max((self.rows - len(lines)) // 2, 0)
        for row, line in enumerate(lines[: self.rows]):
            text = fit(line, self.columns)
            _write(cells, text, (self.columns - len(text)) // 2, top + row, self._inks.words("text"))
        return cells

    def _lay_out(self, scene: Scene) -> None:
        """Find the page, and take new paper where it is not the last one."""
        page = lay_out(scene, self.columns, self.rows, head=self._head)
        axes = tuple((scene.panels[place.index].x, scene.panels[place.index].y) for place in page.places)
        if (page, axes) == self._layout:
            return
        self._layout, self._page, self._axes = (page, axes), page, axes
        self.places = page.places
        self._base = self._still(page)
        self._painters = [PanelPainter(place, scene.panels[place.index], self._inks) for place in page.places]

    def _copy(self) -> Cells:
        base = self._base
        return Cells(base.glyphs.copy(), base.ink.copy(), base.ground.copy(), base.bold.copy(), base.palette)

    def _still(self, page: Page) -> Cells:
        """Axes and all words that stay."""
        cells = Cells.blank(self.columns, self.rows, self._inks.palette)
        for placed in page.title:
            self._write_placed(cells, placed)
        for place in page.places:
            self._draw_axes(cells, place)
            for placed in place.words:
                self._write_placed(cells, placed)
        return cells

    def _draw_axes(self, cells: Cells, place: Place) -> None:
        if place.bare:
            return
        plot, ink = place.plot, self._inks.color("muted")
        left = plot.left - 1
        cells.glyphs[plot.top : plot.bottom, left] = ord("│")
        cells.ink[plot.top : plot.bottom + place.floor, left] = ink
        cells.glyphs[[row for _, row in place.y], left] = ord("┤")
        if place.floor:
            cells.glyphs[plot.bottom, left] = ord("└")
            cells.glyphs[plot.bottom, plot.left : plot.right] = ord("─")
            cells.glyphs[plot.bottom, [column for _, column in place.x]] = ord("┬")
            cells.ink[plot.bottom, plot.left : plot.right] = ink

    def _write_placed(self, cells: Cells, placed: Placed) -> None:
        words, left = placed.words, placed.left
        if words.sample:
            _write(cells, swatch(words.sample), left, placed.row, self._inks.color(words.sample.color))
            left += words.before
        _write(cells, words.text, left, placed.row, self._inks.words(words.color), bold=words.bold)

    def _write_readouts(self, cells: Cells, scene: Scene) -> None:
        """The words that change, at their spots."""
        for readout, spot in zip(scene.readouts, self._page.spots, strict=False):
            self._write_readout(cells, readout, spot)
        for place in self.places:
            for readout, spot in zip(scene.panels[place.index].readouts, place.spots, strict=False):
                self._write_readout(cells, readout, spot)
        counter = self._page.counter
        if counter:
            text = fit(step_words(scene), counter.left)
            _write(cells, text, counter.left - len(text), counter.row, self._inks.words("muted"))

    def _write_readout(self, cells: Cells, readout: Readout, spot: Spot) -> None:
        said = readout.said(readout.text, named=spot.named)
        _write(cells, fit(said, spot.room), spot.left, spot.row, self._inks.words(readout.color))


def _write(cells: Cells, text: str, left: int, row: int, ink: int, *, bold: bool = False) -> None:
    """Characters, cut at the edges."""
    start, stop = max(left, 0), min(left + len(codes(text)), cells.columns)
    if 0 <= row < cells.rows and start < stop:
        cells.glyphs[row, start:stop] = codes(text)[start - left : stop - left]
        cells.ink[row, start:stop] = ink
        cells.bold[row, start:stop] = bold
