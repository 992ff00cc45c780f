"""One panel in cells: its marks as layers on paper, what did not change kept from the last step."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dynviz.cells import still
from dynviz.cells.cells import Cells
from dynviz.cells.easel import Easel
from dynviz.cells.growing import PAST, Aged, BandDrawing, LineDrawing
from dynviz.cells.inks import Inks
from dynviz.cells.paper import Paper
from dynviz.cells.place import Place
from dynviz.scene.identity import alike
from dynviz.scene.marks import (
    Arrows,
    Band,
    Bars,
    Contours,
    Field,
    Line,
    Mark,
    Panel,
    Points,
    Regions,
    Rule,
    Text,
)

STILL: dict[type, Callable[[Any, Easel], list[still.Draw]]] = {
    Field: still.field,
    Regions: still.regions,
    Contours: still.contours,
    Points: still.points,
    Bars: still.bars,
    Arrows: still.arrows,
    Text: still.text,
    Rule: still.rule,
}
LAST_LEVEL = 255


class StillDrawing:
    """The layers of a mark that has no now."""

    def __init__(self, mark: Mark, easel: Easel) -> None:
        self._layers: list[Aged] = [(PAST, draw) for draw in STILL[type(mark)](mark, easel)]

    def at(self, now: float | None) -> list[Aged]:  # noqa: ARG002
        """Its layers."""
        return self._layers


Drawing = LineDrawing | BandDrawing | StillDrawing


class PanelPainter:
    """Draws the plot of one panel of a film."""

    def __init__(self, place: Place, panel: Panel, inks: Inks) -> None:
        plot = place.plot
        self._easel = Easel(inks, plot.width, plot.height, panel.x, panel.y)
        self._paper = Paper(plot.width, plot.height)
        self._area = np.s_[plot.top : plot.bottom, plot.left : plot.right]
        self._drawn: list[tuple[Mark, Drawing]] = []

    def draw(self, cells: Cells, panel: Panel) -> None:
        """Bring the panel's plot to this state."""
        self._paper.clear()
        for level, draw in self._layers(panel.marks):
            draw(self._paper, min(level, LAST_LEVEL))
        self._paper.compose(cells.glyphs[self._area], cells.ink[self._area], cells.ground[self._area])

    def _layers(self, marks: Sequence[Mark]) -> list[Aged]:
        drawn: list[tuple[Mark, Drawing]] = []
        layers: list[Aged] = []
        group = 0
        for index, mark in enumerate(marks):
            drawing = self._drawing(index, mark)
            drawn.append((mark, drawing))
            # Lines and bands that stand together lie over one another by age: no future hides a past.
            ageing = isinstance(mark, Line | Band)
            if index and not (ageing and isinstance(marks[index - 1], Line | Band)):
                group += 1
            now = mark.now if isinstance(mark, Line | Band) else None
            layers += [(1 + 3 * group + age, draw) for age, draw in drawing.at(now)]
        self._drawn = drawn
        layers.sort(key=lambda layer: layer[0])
        return layers

    def _drawing(self, index: int, mark: Mark) -> Drawing:
        if index < len(self._drawn) and alike(self._drawn[index][0], mark):
            return self._drawn[index][1]
        if isinstance(mark, Line):
            return LineDrawing(mark, self._easel)
        if isinstance(mark, Band):
            return BandDrawing(mark, self._easel)
        return StillDrawing(mark, self._easel)
