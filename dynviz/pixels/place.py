"""The place of a panel: its plot, ticks and words, in line with the panels beside and above it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from dynviz.layout.arrange import Rect
from dynviz.pixels.labels import Labels, end_words, labels
from dynviz.pixels.pen import Font, Pen
from dynviz.pixels.sizes import Sizes
from dynviz.pixels.words import ELLIPSIS, Flowed, Placed, Words, flow
from dynviz.scene.marks import Axis, Panel, Readout
from dynviz.scene.scales import fractions
from dynviz.scene.ticks import Tick, ticks

MOST = 7
"""Ticks on a vertical axis."""
LINES = 3
"""The title, readouts and legend of a panel take so many rows at most."""


@dataclass(frozen=True)
class Spot:
    """Where a readout is written, and whether its name is; its text comes with each scene."""

    left: float
    baseline: int
    room: float
    named: bool = True


@dataclass(frozen=True)
class Place:
    """Where a panel stands.

    Attributes:
        cell: All that belongs to it.
        plot: The area between its axes.
        x: Ticks, and the column of pixels of each.
        y: Ticks, and the row of each.
        words: What is written once: titles, labels, legend.
        spots: For the readouts there is room for.
        axes: Whether its axes are drawn.
    """

    cell: Rect
    plot: Rect
    x: tuple[tuple[Tick, int], ...]
    y: tuple[tuple[Tick, int], ...]
    words: tuple[Placed, ...]
    spots: tuple[Spot, ...]
    axes: bool = True


@dataclass(frozen=True)
class Draft:
    """A panel on the way to its place.

    Attributes:
        panel: What is shown.
        cell: All that belongs to it.
        labels: Where the names of its marks go.
        head: Its title, readouts and legend, in that order.
        before: How many of these stand before the readouts.
        named: Whether there is room for the names of readouts.
    """

    panel: Panel
    cell: Rect
    labels: Labels
    head: tuple[Flowed, ...]
    before: int
    named: bool

    @property
    def lines(self) -> int:
        """How many rows the head takes."""
        return max((flowed.line for flowed in self.head), default=0) + 1


def places(
    panels: Sequence[Panel], cells: Sequence[Rect], readouts: Sequence[Readout], pen: Pen, sizes: Sizes
) -> tuple[Place, ...]:
    """The place of each panel in its cell.

    Args:
        panels: In reading order.
        cells: A rectangle for each.
        readouts: Of the scene, which also say which colour is which.
        pen: Measures.
        sizes: Of letters and lines.
    """
    drafts = _drafts(panels, cells, readouts, pen, sizes)
    return tuple(_place(draft, drafts, pen, sizes) for draft in drafts)


def lines_over_maps(
    panels: Sequence[Panel], cells: Sequence[Rect], readouts: Sequence[Readout], pen: Pen, sizes: Sizes
) -> int:
    """How many rows the words above a map, or above a panel beside it, take in such cells."""
    drafts = _drafts(panels, cells, readouts, pen, sizes)
    tops = {draft.cell.top for draft in drafts if draft.panel.square}
    return max((draft.lines for draft in drafts if draft.cell.top in tops), default=1)


def _drafts(
    panels: Sequence[Panel], cells: Sequence[Rect], readouts: Sequence[Readout], pen: Pen, sizes: Sizes
) -> list[Draft]:
    known = {readout.color for readout in readouts}
    margins = [_margin(panel, cell, pen, sizes) for panel, cell in zip(panels, cells, strict=True)]
    drafts = []
    for panel, cell in zip(panels, cells, strict=True):
        before = max(wide for wide, other in zip(margins, cells, strict=True) if other.left == cell.left)
        found = labels(panel, readouts, cell.width, pen, sizes)
        full, short = _heads(panel, found, cell.width - before - 0.3 * sizes.em, pen, sizes)
        # Where the picture's title says already which colour is which, names are not worth a line.
        said = all(each.color in known for each in panel.readouts)
        named = not said or _cost(full) <= _cost(short) or (panel.square and not _cost(full)[0])
        before_readouts = len(_title(panel, sizes))
        drafts.append(Draft(panel, cell, found, tuple(full if named else short), before_readouts, named))
    return drafts


def _margin(panel: Panel, cell: Rect, pen: Pen, sizes: Sizes) -> float:
    """Room for ticks beside the plot: more of them than will be, as words above are in line with the plot."""
    widths = [pen.measure(tick.label, sizes.ticks) for tick in _upright(panel, cell.height, sizes)]
    return max(widths, default=0.0) + 1.1 * sizes.ticks.size


def room_of_words(sizes: Sizes, lines: int) -> tuple[float, float]:
    """Width and height that the words of a map take, with so many lines above it."""
    return 4.2 * sizes.em, 2.9 * sizes.em + lines * sizes.row


def _title(panel: Panel, sizes: Sizes) -> list[Words]:
    title = [Words(panel.title, sizes.panel)] if panel.title else []
    if panel.y.label and panel.y.label.lower() not in panel.title.lower():
        title.append(Words(panel.y.label, sizes.words, "muted"))
    return title


def _heads(panel: Panel, found: Labels, room: float, pen: Pen, sizes: Sizes) -> list[list[Flowed]]:
    """The title, readouts and legend of a panel, with the names of the readouts and without."""
    heads = []
    for named in (True, False):
        said = [one.said(one.widest or one.text, named=named) for one in panel.readouts]
        spoken = [Words(text, sizes.words, one.color) for text, one in zip(said, panel.readouts, strict=True)]
        heads.append(flow([_title(panel, sizes), spoken, found.legend], [room] * LINES, pen))
    return heads


def _cost(head: Sequence[Flowed]) -> tuple[bool, int]:
    """Whether something had to be cut, and how many lines it takes."""
    cut = any(one.words.text.endswith(ELLIPSIS) for one in head)
    return cut, max((one.line for one in head), default=0)


def _place(draft: Draft, drafts: Sequence[Draft], pen: Pen, sizes: Sizes) -> Place:
    plot = _room(draft, drafts, pen, sizes)
    if draft.panel.square:
        # Maps of one plane are of one size, wherever they stand.
        same = [other for other in drafts if other.panel.square and _plane(other) == _plane(draft)]
        rooms = [_room(other, drafts, pen, sizes) for other in same]
        plot = _squared(draft.panel, plot, min(room.width for room in rooms), min(room.height for room in rooms))
    return _written(draft, _named(draft, drafts, sizes), plot, pen, sizes)


def _room(draft: Draft, drafts: Sequence[Draft], pen: Pen, sizes: Sizes) -> Rect:
    """The plot's room; panels of one row begin and end at one height, those of one column begin at one side."""
    column = [other for other in drafts if other.cell.left == draft.cell.left]
    left = max(_beside(other, _span(other, drafts, sizes)[1], pen, sizes) for other in column)
    lined = [other for other in column if other.panel.square == draft.panel.square]
    right = max(_after(other, pen, sizes) for other in lined)
    top, height = _span(draft, drafts, sizes)
    return Rect(draft.cell.left + left, top, max(draft.cell.width - left - right, 1), height)


def _span(draft: Draft, drafts: Sequence[Draft], sizes: Sizes) -> tuple[int, int]:
    """Top and height of the plot's room, between the words of its row of panels."""
    row = [other for other in drafts if other.cell.top == draft.cell.top]
    top = draft.cell.top + round(0.65 * sizes.em) + sizes.row * max(other.lines for other in row)
    below = max(_below(other, drafts, sizes) for other in row)
    return top, max(draft.cell.bottom - below - top, 1)


def _bare(draft: Draft, sizes: Sizes) -> bool:
    """Whether there are no ticks: a map is small, or has no axes."""
    if not draft.panel.axes:
        return True
    return draft.panel.square and min(draft.cell.width, draft.cell.height) < 15 * sizes.ticks.size


def _named(draft: Draft, drafts: Sequence[Draft], sizes: Sizes) -> bool:
    """Whether the horizontal axis is named here, and not under a panel below with the same axis."""
    cell, axis = draft.cell, draft.panel.x
    if not axis.label or _bare(draft, sizes) or cell.height < 12 * sizes.ticks.size:
        return False
    below = [other for other in drafts if other.cell.top >= cell.bottom and _overlap(other.cell, cell)]
    return not any(other.panel.x == axis and not other.panel.square for other in below)


def _overlap(one: Rect, other: Rect) -> bool:
    return one.left < other.right and other.left < one.right


def _below(draft: Draft, drafts: Sequence[Draft], sizes: Sizes) -> int:
    if _bare(draft, sizes):
        return round(0.5 * sizes.em)
    return round((3.1 if _named(draft, drafts, sizes) else 2.0) * sizes.ticks.size)


def _beside(draft: Draft, height: int, pen: Pen, sizes: Sizes) -> int:
    if _bare(draft, sizes):
        return round(0.5 * sizes.em)
    widths = [pen.measure(tick.label, sizes.ticks) for tick in _upright(draft.panel, height, sizes)]
    return round(max(widths, default=0) + 1.1 * sizes.ticks.size)


def _after(draft: Draft, pen: Pen, sizes: Sizes) -> int:
    if draft.labels.ends:
        return round(draft.labels.width + 1.2 * sizes.em)
    # Half of the last tick's words stands beyond the axis.
    last = [] if draft.panel.square else ticks(draft.panel.x, 4)[-1:]
    return round(max([0.9 * sizes.em, *(0.55 * pen.measure(tick.label, sizes.ticks) for tick in last)]))


def _plane(draft: Draft) -> tuple[Axis, Axis]:
    return draft.panel.x, draft.panel.y


def _squared(panel: Panel, room: Rect, width: int, height: int) -> Rect:
    """The largest area, at most so wide and high, in which a unit of x is as long as one of y."""
    wide = abs(panel.x.limits[1] - panel.x.limits[0]) or 1.0
    tall = abs(panel.y.limits[1] - panel.y.limits[0]) or 1.0
    unit = min(width / wide, height / tall)
    return Rect(room.left, room.top, max(round(unit * wide), 1), max(round(unit * tall), 1))


def _upright(panel: Panel, height: int, sizes: Sizes) -> tuple[Tick, ...]:
    # Of a map, both axes have about the same ticks.
    apart = (3.6 if panel.square else 2.2) * sizes.ticks.size
    return ticks(panel.y, min(max(int(height / apart), 2), MOST))


def _level(axis: Axis, plot: Rect, pen: Pen, sizes: Sizes) -> tuple[Tick, ...]:
    """As many ticks as stand beside each other without touching."""
    for most in range(max(2, round(plot.width / (4 * sizes.ticks.size))), 1, -1):
        found = ticks(axis, most)
        middles = fractions(axis, [tick.value for tick in found]) * plot.width
        halves = [pen.measure(tick.label, sizes.ticks) / 2 for tick in found]
        order = sorted(zip(middles, halves, strict=True))
        spaces = [b - hb - a - ha for (a, ha), (b, hb) in pairwise(order)]
        if min(spaces, default=sizes.ticks.size) >= 0.9 * sizes.ticks.size:
            return found
    return ticks(axis, 1)


def _written(draft: Draft, named: bool, plot: Rect, pen: Pen, sizes: Sizes) -> Place:  # noqa: FBT001
    panel, bare = draft.panel, _bare(draft, sizes)
    x = () if bare else _level(panel.x, plot, pen, sizes)
    y = () if bare else _upright(panel, plot.height, sizes)
    columns = plot.left + (fractions(panel.x, [tick.value for tick in x]) * plot.width).astype(int)
    rows = plot.bottom - 1 - (fractions(panel.y, [tick.value for tick in y]) * plot.height).astype(int)
    across = tuple(zip(x, columns.clip(plot.left, plot.right - 1).tolist(), strict=True))
    upright = tuple(zip(y, rows.clip(plot.top, plot.bottom - 1).tolist(), strict=True))

    first = draft.cell.top + round(1.15 * sizes.em)
    head = [(one, plot.left + one.left, first + one.line * sizes.row) for one in draft.head]
    spoken = slice(draft.before, draft.before + len(panel.readouts))
    spots = [Spot(left, row, one.room, draft.named) for one, left, row in head[spoken]]
    written = [Placed(one.words, left, row) for one, left, row in head[: spoken.start] + head[spoken.stop :]]
    written += end_words(draft.labels, plot, sizes)
    if named:
        middle = plot.left + (plot.width - pen.measure(panel.x.label, sizes.ticks)) / 2
        words = Words(panel.x.label, sizes.ticks, "muted")
        written.append(Placed(words, middle, plot.bottom + round(2.75 * sizes.ticks.size)))
    place = Place(draft.cell, plot, across, upright, tuple(written), tuple(spots), panel.axes)
    return replace(place, words=(*place.words, *_tick_words(place, pen, sizes.ticks)))


def _tick_words(place: Place, pen: Pen, font: Font) -> list[Placed]:
    found, plot, cell = [], place.plot, place.cell
    for tick, column in place.x:
        wide = pen.measure(tick.label, font)
        left = min(max(column + 0.5 - wide / 2, cell.left), cell.right - wide)
        found.append(Placed(Words(tick.label, font, "muted"), left, plot.bottom + round(1.5 * font.size)))
    for tick, row in place.y:
        left = plot.left - 0.6 * font.size - pen.measure(tick.label, font)
        found.append(Placed(Words(tick.label, font, "muted"), left, row + round(0.37 * font.size)))
    return found
