"""The place of a panel: its plot, ticks and words."""

from collections.abc import Sequence

from dynviz.frozen import frozen
from dynviz.layout.annotations import axis_name, end_words, level_words, upright_words
from dynviz.layout.arrange import Rect
from dynviz.layout.axes import PlacedTicks, level_places, level_ticks, upright_places, upright_ticks
from dynviz.layout.heads import PanelHead, written
from dynviz.layout.metrics import Metrics
from dynviz.layout.naming import Direct
from dynviz.layout.plots import Draft, drafts, plots
from dynviz.layout.words import PlacedWords
from dynviz.scene.marks import Panel, Readout


@frozen
class ReadoutSpot:
    """Where a readout is written, and whether its name is; its text comes with each scene."""

    left: float
    baseline: int
    room: float
    named: bool = True


@frozen
class PanelPlace:
    """Where a panel stands.

    Attributes:
        cell: All that belongs to it.
        plot: The area between its axes.
        x: Ticks, and the column of each.
        y: Ticks, and the row of each.
        axes: Whether the lines of its axes are drawn.
        words: What is written once: titles, labels, legend.
        ends: Those of them at the ends of lines.
        spots: For the readouts there is room for.
        direct: How much of direct labels there is room for.
    """

    cell: Rect
    plot: Rect
    x: PlacedTicks
    y: PlacedTicks
    axes: bool
    words: tuple[PlacedWords, ...]
    ends: tuple[PlacedWords, ...]
    spots: tuple[ReadoutSpot, ...]
    direct: Direct

    def readouts(self, panel: Panel) -> list[Readout]:
        """Those of the panel's readouts that have a spot here, in order, if there is room for it."""
        return written(panel.readouts, self.direct)


def places(heads: Sequence[PanelHead], metrics: Metrics, lead: int = 0) -> tuple[PanelPlace, ...]:
    """The place of each panel of a page.

    Args:
        heads: Of the panels.
        metrics: Of the page.
        lead: The height of the plots of the first map and those of its plane; 0: as high as there is room.
    """
    panels = drafts(heads, metrics)
    return tuple(_place(draft, plot, metrics) for draft, plot in zip(panels, plots(panels, metrics, lead), strict=True))


def _place(draft: Draft, plot: Rect, metrics: Metrics) -> PanelPlace:
    panel, cell, head = draft.panel, draft.cell, draft.head
    first = cell.top + metrics.head.baseline
    above = [(one, plot.left + one.left, first + one.line * metrics.head.row) for one in head.words]
    values = range(head.before, head.before + head.values)
    spots = tuple(ReadoutSpot(left, row, one.room, head.named) for one, left, row in above if one.item in values)
    words = [PlacedWords(one.words, left, row) for one, left, row in above if one.item not in values]
    ends = end_words(head.names.ends, plot, metrics)
    x: PlacedTicks = ()
    y: PlacedTicks = ()
    if not draft.bare:
        x = level_places(panel.x, plot, level_ticks(panel.x, plot.width, metrics))
        y = upright_places(panel.y, plot, upright_ticks(panel, plot.height, metrics))
        level = level_words(x, cell, plot.bottom + metrics.tick_row(cell), metrics)
        words += [*upright_words(y, plot, metrics), *level]
        words += axis_name(panel.x.label, plot, cell, level, metrics) if draft.named else []
    axes = not panel.perspective and (metrics.axes.lines_alone or not draft.bare)
    return PanelPlace(cell, plot, x, y, axes, (*words, *ends), tuple(ends), spots, head.names.direct)
