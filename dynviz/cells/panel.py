"""One panel in cells: draws its marks layer by layer; what did not change is kept from the last step."""

import numpy as np

from dynviz.cells import still
from dynviz.cells.cells import Cells
from dynviz.cells.easel import CellEasel
from dynviz.cells.growing import CellBand, CellLine
from dynviz.cells.inks import Inks
from dynviz.cells.paper import Paper
from dynviz.layout.drawings import DOT, DrawingTable, PanelDrawings
from dynviz.layout.place import PanelPlace
from dynviz.scene.marks import Band, Line, Panel, Points

MARKS: DrawingTable[still.Draw] = {
    Line: CellLine,
    Band: CellBand,
    **still.MARKS,
}
LAST_LEVEL = 255


class CellPanelPainter:
    """Draws the plot of one panel of a film."""

    def __init__(self, place: PanelPlace, panel: Panel, inks: Inks) -> None:
        plot = place.plot
        crowd = max((len(mark.x) for mark in panel.marks if isinstance(mark, Points)), default=0)
        self._easel = CellEasel(inks, plot.width, plot.height, panel.x, panel.y, crowd)
        self._paper = Paper(plot.width, plot.height)
        self._area = np.s_[plot.top : plot.bottom, plot.left : plot.right]
        self._drawings = PanelDrawings(MARKS, self._easel)

    def draw(self, cells: Cells, panel: Panel) -> None:
        """Draw the panel's plot into its part of the cells."""
        self._paper.clear()
        for group, age, draw in self._drawings.layers(panel.marks):
            # Dots of one level may share a cell: those of lines and bands that stand together and are of one age.
            draw(self._paper, min(1 + DOT * group + age, LAST_LEVEL))
        self._paper.compose(cells.glyphs[self._area], cells.ink[self._area], cells.ground[self._area])
