"""The plots of a page: as large as the words around them allow, in line with those beside and above them."""

import math
from collections.abc import Sequence
from dataclasses import replace

from dynviz.frozen import frozen
from dynviz.layout.arrange import Rect
from dynviz.layout.axes import level_ticks, ticks, upright_ticks
from dynviz.layout.heads import PanelHead
from dynviz.layout.metrics import Metrics
from dynviz.scene.marks import Panel

UNALIGNED = 1 / 6
"""In a terminal, plots of a column end at one side unless one would lose more than this share of its panel."""


@frozen
class Draft:
    """A panel on the way to its place.

    Attributes:
        head: The words above its plot.
        bare: Whether it has no ticks: it is small, or is a picture with axes of its own, or there are none.
        named: Whether its horizontal axis is named here, and not under a panel below with the same axis.
        below: How much stands below its plot.
    """

    head: PanelHead
    bare: bool
    named: bool
    below: int

    @property
    def panel(self) -> Panel:
        """What is shown."""
        return self.head.panel

    @property
    def cell(self) -> Rect:
        """All that belongs to it."""
        return self.head.cell


def drafts(heads: Sequence[PanelHead], metrics: Metrics) -> list[Draft]:
    """What is known of panels before their plots are."""
    bottom = max((head.cell.bottom for head in heads), default=0)
    panels = []
    for head in heads:
        bare = _bare(head, metrics)
        named = not bare and _named(head, heads, metrics)
        below = metrics.below(head.cell, bare=bare, named=named, last=head.cell.bottom == bottom)
        panels.append(Draft(head, bare, named, below))
    return panels


def plots(panels: Sequence[Draft], metrics: Metrics, lead: int = 0) -> list[Rect]:
    """The plot of each panel. Maps of one plane are of one size, wherever they stand.

    Args:
        panels: Of the page.
        metrics: Of the page.
        lead: The height of the plots of the first map and those of its plane; 0: as high as there is room.
    """
    spans = [_span(draft, panels, metrics) for draft in panels]
    lefts = [_left(draft, height, metrics) for draft, (_, height) in zip(panels, spans, strict=True)]
    rights = [_right(draft, metrics) for draft in panels]
    rooms = [_room(draft, span, panels, (lefts, rights), metrics) for draft, span in zip(panels, spans, strict=True)]
    if lead and panels:
        for index in _same_plane(panels[0], panels):
            rooms[index] = replace(rooms[index], height=min(rooms[index].height, lead))
    return [
        _map_plot(draft.panel, room, [rooms[index] for index in _same_plane(draft, panels)], metrics)
        if draft.panel.square
        else room
        for draft, room in zip(panels, rooms, strict=True)
    ]


def _bare(head: PanelHead, metrics: Metrics) -> bool:
    panel, cell = head.panel, head.cell
    if panel.perspective or metrics.small(panel, cell):
        return True
    return not level_ticks(panel.x, cell.width, metrics) and not upright_ticks(panel, cell.height, metrics)


def _named(head: PanelHead, heads: Sequence[PanelHead], metrics: Metrics) -> bool:
    cell, panel = head.cell, head.panel
    if not panel.x.label or (panel.square and not metrics.axes.name_map) or cell.height < metrics.axes.name_height:
        return False
    under = (other for other in heads if other.cell.top >= cell.bottom and _overlap(other.cell, cell))
    return not any(other.panel.x == panel.x and not other.panel.square for other in under)


def _overlap(one: Rect, other: Rect) -> bool:
    return one.left < other.right and other.left < one.right


def _span(draft: Draft, panels: Sequence[Draft], metrics: Metrics) -> tuple[int, int]:
    """Top and height of the plot's room, between the words of its row of panels."""
    row = [other for other in panels if other.cell.top == draft.cell.top]
    top = draft.cell.top + metrics.head.top + metrics.head.row * max(other.head.lines for other in row)
    if metrics.axes.align_bottoms:
        row = [other for other in panels if other.cell.bottom == draft.cell.bottom]
    return top, max(draft.cell.bottom - max(other.below for other in row) - top, 1)


def _left(draft: Draft, height: int, metrics: Metrics) -> int:
    if draft.bare:
        return metrics.axes.left_bare
    upright = upright_ticks(draft.panel, height, metrics)
    wide = max((metrics.measure(tick.label, metrics.fonts.ticks) for tick in upright), default=0)
    return round(wide + metrics.axes.left)


def _right(draft: Draft, metrics: Metrics) -> int:
    axes, panel = metrics.axes, draft.panel
    if draft.head.names.width:
        return round(draft.head.names.width + axes.ends_right)
    if panel.square:
        return round(axes.map_right)
    if draft.bare:
        return round(axes.least_right)
    # Half of the last tick's words stands beyond the axis.
    level = ticks(panel.x, axes.level_before) if axes.level_before else level_ticks(panel.x, draft.cell.width, metrics)
    beyond = [metrics.overhang(metrics.measure(tick.label, metrics.fonts.ticks)) for tick in level[-1:]]
    return round(max([axes.least_right, *beyond]))


def _room(
    draft: Draft,
    span: tuple[int, int],
    panels: Sequence[Draft],
    margins: tuple[Sequence[int], Sequence[int]],
    metrics: Metrics,
) -> Rect:
    """The plot's room; panels of one row begin and end at one height, those of one column begin at one side."""
    column = [index for index, other in enumerate(panels) if other.cell.left == draft.cell.left]
    left = max(margins[0][index] for index in column)
    # In a terminal, only those of one axis.
    column = [index for index in column if not metrics.coarse or panels[index].panel.x == draft.panel.x]
    column = [index for index in column if panels[index].panel.square == draft.panel.square]
    # Names at the ends of a wider panel below, which are right of the next column, take no room here.
    rights = [margins[1][index] for index in column if not _is_wider_below(panels[index].cell, draft.cell)]
    right, own = max(rights), _right(draft, metrics)
    if metrics.coarse and right - own > UNALIGNED * draft.cell.width:
        right = own
    return Rect(draft.cell.left + left, span[0], max(draft.cell.width - left - right, 1), span[1])


def _is_wider_below(one: Rect, other: Rect) -> bool:
    return one.top > other.top and one.right > other.right


def _same_plane(draft: Draft, panels: Sequence[Draft]) -> list[int]:
    """Which panels are maps of the same plane."""
    x, y = draft.panel.x, draft.panel.y
    return [
        index for index, other in enumerate(panels) if other.panel.square and (other.panel.x, other.panel.y) == (x, y)
    ]


def _map_plot(panel: Panel, room: Rect, rooms: Sequence[Rect], metrics: Metrics) -> Rect:
    """The largest area that all of the rooms have in which a unit of x is as long as one of y."""
    width, height = min(other.width for other in rooms), min(other.height for other in rooms)
    wide = abs(panel.x.limits[1] - panel.x.limits[0]) or 1.0
    tall = abs(panel.y.limits[1] - panel.y.limits[0]) or 1.0
    unit = min(width / wide, height / metrics.aspect / tall)
    columns, rows = unit * wide, unit * tall * metrics.aspect
    if not (math.isfinite(columns) and math.isfinite(rows)):
        return Rect(room.left, room.top, width, height)
    if metrics.coarse:
        # Rows are the coarser of both, so that columns are found for them.
        rows = min(max(int(rows + 0.01), 1), height)
        columns = min(rows / metrics.aspect * (wide / tall), columns + 2, width)
    return Rect(room.left, room.top, max(round(columns), 1), max(round(rows), 1))
