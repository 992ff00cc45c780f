"""The canvas: scenes in, cells out."""

from typing import Any

import numpy as np

from dynviz.cells.cells import Cells
from dynviz.cells.characters import codes, columns, swatch_characters
from dynviz.cells.inks import Inks
from dynviz.cells.metrics import LETTERS, CellMetrics, cell_metrics
from dynviz.cells.panel import CellPanelPainter
from dynviz.frozen import frozen
from dynviz.layout.arrange import Rect
from dynviz.layout.counter import step_words
from dynviz.layout.naming import Swatch
from dynviz.layout.page import Page, lay_out
from dynviz.layout.place import PanelPlace, ReadoutSpot
from dynviz.layout.plot_words import PlotWords
from dynviz.layout.step_scale import StepScalePlace, spans
from dynviz.layout.words import PlacedWords, fit
from dynviz.scene import theme as themes
from dynviz.scene.identity import key
from dynviz.scene.marks import Axis, Readout, Scene
from dynviz.scene.scales import values

LEAST = (40, 12)
"""Columns and rows of the smallest terminal that scenes are drawn in."""


@frozen
class Hit:
    """What is at a cell: a panel of the scene, and, over its plot, the data coordinates of the cell's middle."""

    panel: int
    x: float | None
    y: float | None


@frozen
class PanelAreas:
    """Where the panels of a picture stand.

    Attributes:
        places: Of each panel, in cells.
        axes: The x and y axis of each; None for one in perspective.
        exact: For a picture of pixels, the panel and its plot in those; empty where cells are exact.
        unit: The width and height of a cell in what `exact` counts.
    """

    places: tuple[PanelPlace, ...] = ()
    axes: tuple[tuple[Axis, Axis] | None, ...] = ()
    exact: tuple[tuple[Rect, Rect], ...] = ()
    unit: tuple[float, float] = (1.0, 1.0)

    def hit(self, column: int, row: int) -> Hit | None:
        """What is at a cell, or in the middle of it; none where there is no panel."""
        across, down = (column + 0.5) * self.unit[0], (row + 0.5) * self.unit[1]
        rects = self.exact or tuple((place.cell, place.plot) for place in self.places)
        for index, ((cell, plot), axes) in enumerate(zip(rects, self.axes, strict=True)):
            if not _inside(cell, across, down):
                continue
            if axes is None or not _inside(plot, across, down):
                return Hit(index, None, None)
            with np.errstate(all="ignore"):
                x = float(values(axes[0], (across - plot.left) / plot.width))
                y = float(values(axes[1], (plot.bottom - down) / plot.height))
            return Hit(index, x, y)
        return None


def _inside(rect: Rect, across: float, down: float) -> bool:
    return rect.left <= across < rect.right and rect.top <= down < rect.bottom


class CellCanvas:
    """Draws the scenes of a film, one after the other in any order.

    What stayed the same since the last scene is not computed again. The cells depend on the scene alone: a canvas that
    drew others before gives the same as a new one.

    Attributes:
        areas: Where the panels of the last scene stand.
    """

    def __init__(self, columns: int, rows: int, theme: themes.Theme | str = "dark", *, head: bool = True) -> None:
        """Create a canvas.

        Args:
            columns: Width of the terminal.
            rows: Height of the terminal.
            theme: Its colours, or their name.
            head: Whether the scene's title, readouts and step stand in the first row.

        Raises:
            DynvizError: There is no such theme.
        """
        self.theme = themes.theme(theme) if isinstance(theme, str) else theme
        self.columns, self.rows = max(columns, 1), max(rows, 1)
        self.areas = PanelAreas()
        self._metrics = cell_metrics(self.columns, self.rows)
        self._head = head
        self._inks = Inks(self.theme)
        self._scene: Scene | None = None
        self._key: tuple[Any, ...] = ()
        self._layout: tuple[Any, ...] = ()
        self._painters: list[CellPanelPainter] = []
        self._words: list[PlotWords] = []

    def draw(self, scene: Scene) -> Cells:
        """The cells of a scene, new arrays each time."""
        if self.columns < LEAST[0] or self.rows < LEAST[1]:
            return self._too_small()
        scene = scene.from_above()
        # Whatever numbers a recording holds are drawn as far as they can be.
        with np.errstate(all="ignore"):
            scene_key = key(scene)
            if self._scene is None or scene_key != self._key:
                # The key holds arrays by their memory: the scene keeps them alive.
                self._key, self._scene = scene_key, scene
                self._lay_out(scene)
            cells = self._copy()
            for painter, words, panel in zip(self._painters, self._words, scene.panels, strict=False):
                painter.draw(cells, panel)
                for placed in words.at(panel):
                    self._write_over(cells, placed)
        self._write_readouts(cells, scene)
        if self._page.scale is not None:
            self._write_scale(cells, self._page.scale, scene.step)
        return cells

    def _too_small(self) -> Cells:
        """A message in place of the picture."""
        self.areas = PanelAreas()
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
            text = fit(line, LETTERS, self.columns, self._metrics)
            _write(cells, text, (self.columns - len(text)) // 2, top + row, self._inks.words("text"))
        return cells

    def _lay_out(self, scene: Scene) -> None:
        """Lay out the scene; new painters are needed only where its page differs from the last one."""
        page = lay_out(scene, lambda _: self._metrics, title=self._head)
        areas = PanelAreas(page.places, tuple((panel.x, panel.y) for panel in scene.panels[: len(page.places)]))
        if (page, areas) == self._layout:
            return
        self._layout, self._page, self.areas = (page, areas), page, areas
        self._base = self._still(page)
        self._words = [PlotWords(place, page.metrics) for place in page.places]
        self._painters = [
            CellPanelPainter(place, panel, self._inks) for place, panel in zip(page.places, scene.panels, strict=False)
        ]

    def _copy(self) -> Cells:
        base = self._base
        return Cells(base.glyphs.copy(), base.ink.copy(), base.ground.copy(), base.bold.copy(), base.palette)

    def _still(self, page: Page[CellMetrics]) -> Cells:
        """Everything that stays the same from step to step: axes, titles, labels and legends."""
        cells = Cells.blank(self.columns, self.rows, self._inks.palette)
        for placed in page.title.words:
            self._write_placed(cells, placed)
        for place in page.places:
            self._draw_axes(cells, place)
            for placed in place.words:
                self._write_placed(cells, placed)
        return cells

    def _draw_axes(self, cells: Cells, place: PanelPlace) -> None:
        if not place.axes:
            return
        plot, ink = place.plot, self._inks.color("muted")
        left, floor = plot.left - 1, self._metrics.tick_row(place.cell)
        cells.glyphs[plot.top : plot.bottom, left] = ord("│")
        cells.ink[plot.top : plot.bottom + floor, left] = ink
        cells.glyphs[[row for _, row in place.y], left] = ord("┤")
        if floor:
            cells.glyphs[plot.bottom, left] = ord("└")
            cells.glyphs[plot.bottom, plot.left : plot.right] = ord("─")
            cells.glyphs[plot.bottom, [column for _, column in place.x]] = ord("┬")
            cells.ink[plot.bottom, plot.left : plot.right] = ink

    def _write_scale(self, cells: Cells, place: StepScalePlace, step: int) -> None:
        """Draw the scale of steps: a line with ticks, broken by their labels, and a dot at the step."""
        at, row = place.column(step), place.row
        for first, last in spans(place):
            _write(cells, "─" * (last + 1 - first), first, row, self._inks.color("muted"))
            for column in place.ticks:
                if first <= column <= last:
                    _write(cells, "┴", column, row, self._inks.color("muted"))
        for placed in place.words:
            self._write_placed(cells, placed)
        _write(cells, "●", at, row, self._inks.color("text"))

    def _write_placed(self, cells: Cells, placed: PlacedWords) -> None:
        words, left = placed.words, int(placed.left)
        if words.swatch:
            self._write_swatch(cells, words.swatch, left, placed.baseline)
            left += self._metrics.swatch_width(words.swatch, words.font)
        _write(cells, words.text, left, placed.baseline, self._inks.words(words.color), bold=words.font.bold)

    def _write_over(self, cells: Cells, placed: PlacedWords) -> None:
        """Words in a plot, with an empty column on both sides."""
        for beside in (-1, columns(placed.words.text)):
            _write(cells, " ", int(placed.left) + beside, placed.baseline, 0)
        self._write_placed(cells, placed)

    def _write_swatch(self, cells: Cells, swatch: Swatch, left: int, row: int) -> None:
        characters = swatch_characters(swatch)
        if swatch.kind != "ramp":
            _write(cells, characters, left, row, self._inks.color(swatch.color))
            return
        ramp = self._inks.ramp(swatch.color)
        for column, character in enumerate(characters):
            level = column * (len(ramp) - 1) // (len(characters) - 1)
            _write(cells, character, left + column, row, int(ramp[level]))

    def _write_readouts(self, cells: Cells, scene: Scene) -> None:
        """Write the readouts and the counter, which change from step to step."""
        for readout, spot in zip(scene.readouts, self._page.title.spots, strict=False):
            self._write_readout(cells, readout, spot)
        for place, panel in zip(self.areas.places, scene.panels, strict=False):
            for readout, spot in zip(place.readouts(panel), place.spots, strict=False):
                self._write_readout(cells, readout, spot)
        counter = self._page.title.counter
        if counter:
            text = fit(step_words(scene), LETTERS, counter.left, self._metrics)
            _write(cells, text, int(counter.left) - len(text), counter.baseline, self._inks.words("muted"))

    def _write_readout(self, cells: Cells, readout: Readout, spot: ReadoutSpot) -> None:
        words = readout.in_words(readout.text, named=spot.named)
        text = fit(words, LETTERS, spot.room, self._metrics)
        _write(cells, text, int(spot.left), spot.baseline, self._inks.words(readout.color))


def _write(cells: Cells, text: str, left: int, row: int, ink: int, *, bold: bool = False) -> None:
    """Write a text on the theme's ground, clipped at the edges."""
    start, stop = max(left, 0), min(left + len(codes(text)), cells.columns)
    if 0 <= row < cells.rows and start < stop:
        cells.glyphs[row, start:stop] = codes(text)[start - left : stop - left]
        cells.ink[row, start:stop] = ink
        cells.ground[row, start:stop] = 0
        cells.bold[row, start:stop] = bold
