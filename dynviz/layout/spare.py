"""Columns that maps leave free, since they keep their shape, go to the panels beside them."""

from collections.abc import Sequence
from dataclasses import replace

from dynviz.layout.arrange import Rect
from dynviz.layout.heads import panel_heads
from dynviz.layout.metrics import Metrics
from dynviz.layout.place import PanelPlace, places
from dynviz.scene.marks import Scene


def closer(scene: Scene, placed: Sequence[PanelPlace], metrics: Metrics, lead: int) -> tuple[PanelPlace, ...]:
    """Panels beside maps take the columns that those leave free, as far as no map becomes smaller by it.

    Args:
        scene: What is laid out.
        placed: Where its first panels stand.
        metrics: Of the page.
        lead: The height of the plots of the first map and those of its plane; 0: as high as there is room.
    """
    panels, cells = scene.panels[: len(placed)], [place.cell for place in placed]
    edges = [edge for edge in sorted({cell.right for cell in cells}) if _divides(edge, scene, cells)]
    for kept in range(metrics.width):
        moved = _moved(scene, placed, edges, kept, metrics)
        if moved == cells:
            break
        beyond = [_beyond(index, placed, edges, metrics) for index in range(len(cells))]
        tried = places(panel_heads(panels, moved, scene.readouts, metrics, beyond), metrics, lead)
        if all(_kept(*pair, square=panel.square) for panel, *pair in zip(panels, placed, tried, strict=True)):
            return tried
    return tuple(placed)


def _divides(edge: int, scene: Scene, cells: Sequence[Rect]) -> bool:
    """Whether maps, and nothing else, stand on one side of an edge between columns, and none on the other."""
    ends = {panel.square for panel, cell in zip(scene.panels, cells, strict=False) if cell.right == edge}
    begins = {panel.square for panel, cell in zip(scene.panels, cells, strict=False) if cell.left == edge}
    return (ends, begins) in (({True}, {False}), ({False}, {True}))


def _moved(scene: Scene, placed: Sequence[PanelPlace], edges: Sequence[int], kept: int, metrics: Metrics) -> list[Rect]:
    """The cells, those of maps as narrow as their plots allow and those beside them wider by as much."""
    cells = [place.cell for place in placed]
    for edge in edges:
        maps = [
            place
            for place, panel in zip(placed, scene.panels, strict=False)
            if panel.square and edge in (place.cell.left, place.cell.right)
        ]
        spare = max(min(_free(place, metrics) for place in maps) - kept, 0)
        move = -spare if maps[0].cell.right == edge else spare
        for index, place in enumerate(placed):
            cell = cells[index]
            if place.cell.right == edge:
                cells[index] = replace(cell, width=cell.width + move)
            elif place.cell.left == edge:
                cells[index] = replace(cell, left=cell.left + move, width=cell.width - move)
    return cells


def _free(place: PanelPlace, metrics: Metrics) -> int:
    """The columns right of a map."""
    return place.cell.right - place.plot.right - round(metrics.axes.map_right)


def _beyond(index: int, placed: Sequence[PanelPlace], edges: Sequence[int], metrics: Metrics) -> float:
    """How far words may reach over the ticks of the panel to the right, whose own begin beside its plot."""
    cell = placed[index].cell
    if cell.right not in edges:
        return 0.0
    right = [other for other in placed if other.cell.left == cell.right]
    return max(min(other.plot.left - other.cell.left for other in right) - metrics.head.gap, 0.0)


def _kept(before: PanelPlace, after: PanelPlace, *, square: bool) -> bool:
    """Whether a map has its size, and ticks of another panel take no less room."""
    if square:
        return (after.plot.width, after.plot.height) == (before.plot.width, before.plot.height)
    return after.plot.left - after.cell.left >= before.plot.left - before.cell.left
