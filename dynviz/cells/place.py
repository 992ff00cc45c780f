"""The place of a panel in cells: its plot, ticks and words, in line with the panels beside and above it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dynviz.cells.ticks import gap, level_ticks, tick_words, upright_ticks
from dynviz.cells.words import ELLIPSIS, Flowed, Placed, Words, flow, plain
from dynviz.layout.arrange import Rect
from dynviz.layout.naming import Names, names, spread
from dynviz.scene.marks import Axis, Panel, Readout
from dynviz.scene.ticks import Tick

ROWS_PER_LINE = 5
"""The title, readouts and legend of a panel take one row of so many, and three at most."""
SMALL_MAP, SMALL = (28, 14), (22, 6)
"""Columns and rows under which a map, or another panel, has no axes."""
FLOOR = 9
"""Plots of so many rows have a line below them."""
AIRY = 12
"""Cells of so many rows have an empty one at their end."""


@dataclass(frozen=True)
class Spot:
    """Where a readout is written, and whether its name is; its text comes with each scene."""

    left: int
    row: int
    room: int
    named: bool = True


@dataclass(frozen=True)
class Place:
    """Where a panel stands, in cells.

    Attributes:
        index: Of the panel in its scene.
        cell: All that belongs to it.
        plot: The area between its axes.
        x: Ticks, and the column of each.
        y: Ticks, and the row of each.
        bare: Whether it has no axes.
        floor: Whether there is a line below the plot.
        words: What is written once: titles, labels, legend.
        spots: For the readouts there is room for.
    """

    index: int
    cell: Rect
    plot: Rect
    x: tuple[tuple[Tick, int], ...]
    y: tuple[tuple[Tick, int], ...]
    bare: bool
    floor: bool
    words: tuple[Placed, ...]
    spots: tuple[Spot, ...]


@dataclass(frozen=True)
class Draft:
    """A panel on the way to its place.

    Attributes:
        panel: What is shown.
        cell: All that belongs to it.
        names: Where the names of its marks go.
        head: Its title, readouts and legend, in that order.
        before: How many of these stand before the readouts.
        named: Whether there is room for the names of readouts.
        last: Whether nothing stands below it.
    """

    panel: Panel
    cell: Rect
    names: Names
    head: tuple[Flowed, ...]
    before: int
    named: bool
    last: bool

    @property
    def lines(self) -> int:
        """How many rows the head takes."""
        return max((flowed.line for flowed in self.head), default=0) + 1

    @property
    def bare(self) -> bool:
        """Whether it is so small that its axes are left out, or has no ticks on them: lines alone say nothing."""
        least = SMALL_MAP if self.panel.square else SMALL
        if self.cell.width < least[0] or self.cell.height < least[1]:
            return True
        return not level_ticks(self.panel.x, self.cell.width) and not upright_ticks(self.panel, self.cell.height)

    @property
    def floor(self) -> bool:
        """Whether there is room for a line below the plot."""
        return not self.bare and self.cell.height >= FLOOR + 3

    @property
    def below(self) -> int:
        """Rows below the plot."""
        air = 0 if self.last or self.cell.height < AIRY else 1
        return air + (not self.bare) + self.floor


def places(panels: Sequence[Panel], cells: Sequence[Rect], readouts: Sequence[Readout]) -> tuple[Place, ...]:
    """The place of each panel in its cell.

    Args:
        panels: In reading order.
        cells: A rectangle for each.
        readouts: Of the scene, which also say which colour is which.
    """
    drafts = _drafts(panels, cells, readouts)
    return tuple(_place(index, draft, drafts) for index, draft in enumerate(drafts))


def _drafts(panels: Sequence[Panel], cells: Sequence[Rect], readouts: Sequence[Readout]) -> list[Draft]:
    known = {readout.color for readout in readouts}
    bottom = max((cell.bottom for cell in cells), default=0)
    margins = [_margin(upright_ticks(panel, cell.height - 2)) for panel, cell in zip(panels, cells, strict=True)]
    drafts = []
    for panel, cell in zip(panels, cells, strict=True):
        before = max(wide for wide, other in zip(margins, cells, strict=True) if other.left == cell.left)
        found = names(panel, readouts, cell.width, lambda text: len(plain(text)))
        full, short = _heads(panel, found, cell.width - before - 1, cell.height)
        # Where the picture's title says already which colour is which, names are not worth a line.
        said = all(each.color in known for each in panel.readouts)
        named = not said or _cost(full) <= _cost(short)
        head = tuple(full if named else short)
        drafts.append(Draft(panel, cell, found, head, len(_title(panel)), named, cell.bottom == bottom))
    return drafts


def _margin(ticks: Sequence[Tick]) -> int:
    """Room for ticks beside the plot, and its edge."""
    return max((len(plain(tick.label)) for tick in ticks), default=0) + 2


def _title(panel: Panel) -> list[Words]:
    title = [Words(panel.title, bold=True)] if panel.title else []
    if panel.y.label and panel.y.label.lower() not in panel.title.lower():
        title.append(Words(panel.y.label, "muted"))
    return title


def _heads(panel: Panel, found: Names, room: int, rows: int) -> list[list[Flowed]]:
    """The title, readouts and legend of a panel, with the names of the readouts and without."""
    legend = [Words(text, "muted", sample=sample) for text, sample in found.legend]
    lines = min(max(rows // ROWS_PER_LINE, 1), 3)
    heads = []
    for named in (True, False):
        said = [one.said(_widest(one), named=named) for one in panel.readouts]
        spoken = [Words(text, one.color) for text, one in zip(said, panel.readouts, strict=True)]
        heads.append(flow([_title(panel), spoken, legend], [max(room, 1)] * lines))
    return heads


def _widest(readout: Readout) -> str:
    return max(readout.widest, readout.text, key=lambda text: len(plain(text)))


def _cost(head: Sequence[Flowed]) -> tuple[bool, int, int]:
    """Whether something had to be cut, how much of it is there then, and how many lines it takes."""
    cut = any(one.words.text.endswith(ELLIPSIS) for one in head)
    return cut, -len(head) if cut else 0, max((one.line for one in head), default=0)


def _place(index: int, draft: Draft, drafts: Sequence[Draft]) -> Place:
    plot = _room(draft, drafts)
    if draft.panel.square:
        # Maps of one plane are of one size, wherever they stand.
        same = [other for other in drafts if other.panel.square and _plane(other) == _plane(draft)]
        rooms = [_room(other, drafts) for other in same]
        plot = _squared(draft.panel, plot, min(room.width for room in rooms), min(room.height for room in rooms))
    return _written(index, draft, plot, named=_named(draft, drafts))


def _plane(draft: Draft) -> tuple[Axis, Axis]:
    return draft.panel.x, draft.panel.y


def _room(draft: Draft, drafts: Sequence[Draft]) -> Rect:
    """The plot's room; panels of one row begin and end at one height, those of one column begin at one side."""
    column = [other for other in drafts if other.cell.left == draft.cell.left]
    left = max(_beside(other, _span(other, drafts)[1]) for other in column)
    right = max(_after(other) for other in column if other.panel.square == draft.panel.square)
    top, height = _span(draft, drafts)
    return Rect(draft.cell.left + left, top, max(draft.cell.width - left - right, 1), height)


def _span(draft: Draft, drafts: Sequence[Draft]) -> tuple[int, int]:
    """Top and height of the plot's room, between the words of its row of panels."""
    row = [other for other in drafts if other.cell.top == draft.cell.top]
    top = draft.cell.top + max(other.lines for other in row)
    ends = [other for other in drafts if other.cell.bottom == draft.cell.bottom]
    return top, max(draft.cell.bottom - max(other.below for other in ends) - top, 1)


def _beside(draft: Draft, height: int) -> int:
    return 1 if draft.bare else _margin(upright_ticks(draft.panel, height))


def _after(draft: Draft) -> int:
    if draft.names.ends:
        return int(draft.names.width) + 3
    # Half of the last tick's words stands beyond the axis.
    last = () if draft.bare or draft.panel.square else level_ticks(draft.panel.x, draft.cell.width)[-1:]
    return max([2, *(len(plain(tick.label)) // 2 + 1 for tick in last)])


def _squared(panel: Panel, room: Rect, width: int, height: int) -> Rect:
    """The largest area, at most so wide and high, in which a unit of x is as long as one of y."""
    wide = abs(panel.x.limits[1] - panel.x.limits[0]) or 1.0
    tall = abs(panel.y.limits[1] - panel.y.limits[0]) or 1.0
    # A cell is twice as high as wide.
    unit = min(width / wide, 2 * height / tall)
    if not np.isfinite([unit * wide, unit * tall]).all():
        return Rect(room.left, room.top, width, height)
    # Rows are the coarser of both, so that columns are found for them.
    rows = min(max(int(unit * tall / 2 + 0.01), 1), height)
    columns = min(max(round(min(2 * rows * (wide / tall), unit * wide + 2)), 1), width)
    return Rect(room.left, room.top, columns, rows)


def _named(draft: Draft, drafts: Sequence[Draft]) -> bool:
    """Whether the horizontal axis is named here, and not under a panel below with the same axis."""
    cell, axis = draft.cell, draft.panel.x
    below = (other for other in drafts if other.cell.top >= cell.bottom and other.cell.left < cell.right)
    under = [other.panel for other in below if cell.left < other.cell.right]
    return not draft.panel.square and not any(panel.x == axis and not panel.square for panel in under)


def _written(index: int, draft: Draft, plot: Rect, *, named: bool) -> Place:
    panel, cell = draft.panel, draft.cell
    x = () if draft.bare else tick_words(panel.x, plot, level_ticks(panel.x, plot.width))
    y = () if draft.bare else tick_words(panel.y, plot, upright_ticks(panel, plot.height), upright=True)
    head = [(one, plot.left + one.left, cell.top + one.line) for one in draft.head]
    spoken = range(draft.before, draft.before + len(panel.readouts))
    spots = tuple(Spot(left, row, one.room, draft.named) for one, left, row in head if one.item in spoken)
    written = [Placed(one.words, left, row) for one, left, row in head if one.item not in spoken]
    written += _end_words(draft.names, plot)
    if not draft.bare:
        written += _axis_words(draft, plot, x, y, named=named)
    return Place(index, cell, plot, x, y, draft.bare, draft.floor, tuple(written), spots)


def _end_words(found: Names, plot: Rect) -> list[Placed]:
    """The names at the ends of lines, right of the plot and none over another."""
    wanted = [plot.bottom - 0.5 - label.height * plot.height for label in found.ends]
    rows = spread(wanted, 1.0, plot.top, plot.bottom - 1)
    return [
        Placed(Words(label.text, label.color), plot.right + 1, row)
        for label, row in zip(found.ends, _apart(rows, plot), strict=True)
        if plot.top <= row < plot.bottom
    ]


def _apart(rows: Sequence[float], plot: Rect) -> list[int]:
    """Whole rows, no two alike."""
    found = [0] * len(rows)
    free = plot.top
    for index in sorted(range(len(rows)), key=lambda one: rows[one]):
        found[index] = max(round(rows[index]), free)
        free = found[index] + 1
    return found


Ticks = tuple[tuple[Tick, int], ...]


def _axis_words(draft: Draft, plot: Rect, x: Ticks, y: Ticks, *, named: bool) -> list[Placed]:
    """The words of ticks, and the name of the horizontal axis where there is room for it between them."""
    cell, row = draft.cell, plot.bottom + draft.floor
    found = []
    for tick, at in y:
        found.append(Placed(Words(tick.label, "muted"), plot.left - 1 - len(plain(tick.label)), at))
    taken = []
    for tick, at in x:
        wide = len(plain(tick.label))
        left = min(max(at - (wide - 1) // 2, cell.left), cell.right - wide)
        found.append(Placed(Words(tick.label, "muted"), left, row))
        taken.append((left, left + wide))
    name = plain(draft.panel.x.label)
    if name and named and taken:
        there = gap(len(name), taken, cell.right)
        if there is not None:
            found.append(Placed(Words(name, "muted"), there, row))
    return found
