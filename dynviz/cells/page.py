"""The page: where everything of a scene stands, in cells, that does not move with its step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from dynviz.cells.place import Place, Spot, places
from dynviz.cells.words import Placed, Words, flow, plain
from dynviz.layout.arrange import Rect, arrange
from dynviz.layout.counter import step_words
from dynviz.scene.marks import Panel, Scene

ASPECT = 0.5
"""A cell's width over its height."""
LEAST_MAP, LEAST_CURVE = (20, 9), (30, 8)
"""Columns and rows of the smallest map, and of the smallest other panel."""
ROOMY = 30
"""Pages of so many rows have an empty one below their title."""


@dataclass(frozen=True)
class Page:
    """Where a scene stands.

    Attributes:
        title: Written once.
        spots: For the scene's readouts.
        counter: Where the words for the step end, and how much room they have; none without a title line.
        places: Of the panels that there is room for, the first ones.
    """

    title: tuple[Placed, ...]
    spots: tuple[Spot, ...]
    counter: Spot | None
    places: tuple[Place, ...]


def lay_out(scene: Scene, columns: int, rows: int, *, head: bool = True) -> Page:
    """Find a place for everything; in a small terminal, for the first panels, and say how many."""
    for count in range(_most(scene.panels, columns * rows), 1, -1):
        page = _page(scene, count, (columns, rows), head=head, readable=True)
        if page is not None:
            return page
    page = _page(scene, min(len(scene.panels), 1), (columns, rows), head=head)
    assert page is not None
    return page


def _most(panels: Sequence[Panel], room: int) -> int:
    """How many panels have room at most: to look for a place for more takes long, and is in vain."""
    taken = accumulate(wide * tall for wide, tall in map(_least, panels))
    return sum(each <= room for each in taken)


def _least(panel: Panel) -> tuple[int, int]:
    """The size in which a panel shows more than its words."""
    return LEAST_MAP if panel.square else LEAST_CURVE


def _readable(panel: Panel, cell: Rect) -> bool:
    wide, tall = _least(panel)
    return cell.width >= wide and cell.height >= tall


def _page(scene: Scene, count: int, size: tuple[int, int], *, head: bool, readable: bool = False) -> Page | None:
    """The page of so many of the scene's panels; none where one of them must be readable and is not."""
    columns, rows = size
    panels = scene.panels[:count]
    title: tuple[Placed, ...] = ()
    spots: tuple[Spot, ...] = ()
    counter, top = None, 0
    if head:
        title, spots, counter, top = _head(scene, count, columns, rows)
        top += rows >= ROOMY
    area = max(columns - 2, 1), max(rows - top, 1)
    found = arrange(panels, *area, aspect=ASPECT, words=_room_of_words(panels, area))
    if readable and not all(map(_readable, panels, found)):
        return None
    cells = tuple(replace(cell, left=cell.left + 1, top=cell.top + top) for cell in found)
    return Page(title, spots, counter, places(panels, cells, scene.readouts))


def _room_of_words(panels: Sequence[Panel], area: tuple[int, int]) -> tuple[float, float]:
    """Columns and rows that the words of a map take."""
    small = area[1] < 16 * len(panels) ** 0.5
    return (3.0, 2.0) if small else (7.0, 4.0)


def _head(scene: Scene, count: int, columns: int, rows: int) -> tuple[tuple[Placed, ...], tuple[Spot, ...], Spot, int]:
    """The title, the spots of readouts, that of the counter, and how many rows they take."""
    inner = columns - 2
    room = len(plain(step_words(replace(scene, step=scene.steps))))
    title = [Words(scene.title, bold=True)] if scene.title else []
    total = len(scene.panels)
    left_out = [Words(f"{count} of {total} panels", "muted")] if count < total else []
    said = [Words(max(one.widest, one.text, key=len), one.color) for one in scene.readouts]
    lines = [max(inner - room - 2, 1)] + [max(inner, 1)] * (rows >= 24)
    flowed = flow([title, left_out, said], lines)
    still = len(title) + len(left_out)
    written = tuple(Placed(one.words, 1 + one.left, one.line) for one in flowed if one.item < still)
    spots = tuple(Spot(1 + one.left, one.line, one.room) for one in flowed if one.item >= still)
    return written, spots, Spot(columns - 1, 0, room), max((one.line for one in flowed), default=0) + 1
