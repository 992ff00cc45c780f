"""The words above a plot: its title, readouts and legend, in as few lines as they fit into."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from dynviz.frozen import frozen
from dynviz.layout.arrange import Rect
from dynviz.layout.axes import upright_ticks
from dynviz.layout.metrics import Metrics
from dynviz.layout.naming import Direct, Names, names
from dynviz.layout.words import ELLIPSIS, FlowedWords, Words, flow
from dynviz.scene.marks import Panel, Readout

UNNAMED = 3
"""So many values in colours alone say nothing: where their names have no room they are left out."""


@frozen
class PanelHead:
    """A panel with the words above its plot.

    Attributes:
        panel: What is shown.
        cell: All that belongs to it.
        names: Where the names of its marks go.
        words: Its title, readouts and legend, in that order.
        before: How many of these stand before the readouts.
        values: How many readouts, the first ones.
        named: Whether there is room for the names of readouts.
    """

    panel: Panel
    cell: Rect
    names: Names
    words: tuple[FlowedWords, ...]
    before: int
    values: int
    named: bool

    @property
    def lines(self) -> int:
        """How many lines the words take."""
        return _lines(self.words)


def panel_heads(
    panels: Sequence[Panel],
    cells: Sequence[Rect],
    readouts: Sequence[Readout],
    metrics: Metrics,
    beyond: Sequence[float] = (),
) -> list[PanelHead]:
    """The head of each panel.

    Args:
        panels: In reading order.
        cells: A rectangle for each.
        readouts: Of the scene, which also say which colour is which.
        metrics: Of the page.
        beyond: How far the words above each panel may reach beyond its rectangle, if any may.
    """
    beyond = beyond or [0.0] * len(panels)
    margins = [_margin(panel, cell, metrics) for panel, cell in zip(panels, cells, strict=True)]
    known = {readout.color for readout in readouts}
    heads: list[PanelHead] = []
    again: list[Callable[..., PanelHead]] = []
    for panel, cell, more in zip(panels, cells, beyond, strict=True):
        own = names(panel, readouts, cell.width, lambda text: metrics.measure(text, metrics.fonts.words))
        margin = max(wide for wide, other in zip(margins, cells, strict=True) if other.left == cell.left)
        room = metrics.usable(cell.width + more - margin - metrics.head.right)
        rooms = [room] * metrics.lines(cell.height)
        again.append(partial(_head, panel, cell, _without_bars(own, heads), rooms, metrics, known=known))
        heads.append(again[-1]())
    # Plots of a row begin at one height, so that names may take the lines that another panel of it needs.
    lines = {cell.top: max(head.lines for head in heads if head.cell.top == cell.top) for cell in cells}
    return [
        head if head.named or head.lines == lines[head.cell.top] == 1 else make(free=lines[head.cell.top])
        for head, make in zip(heads, again, strict=True)
    ]


def _without_bars(own: Names, heads: Sequence[PanelHead]) -> Names:
    """Without the bars of colours that stand above an earlier panel."""
    in_heads = {item for head in heads for item in head.names.legend if item[1].kind == "ramp"}
    return replace(own, legend=tuple(item for item in own.legend if item not in in_heads))


def _margin(panel: Panel, cell: Rect, metrics: Metrics) -> float:
    """Room for ticks beside the plot: more of them than will be, as words above are in line with the plot."""
    ticks = upright_ticks(panel, cell.height - metrics.axes.above, metrics)
    return max((metrics.measure(tick.label, metrics.fonts.ticks) for tick in ticks), default=0) + metrics.axes.left


def _head(
    panel: Panel,
    cell: Rect,
    panel_names: Names,
    rooms: Sequence[float],
    metrics: Metrics,
    *,
    known: set[str],
    free: int = 0,
) -> PanelHead:
    """The words above a plot; where they would be cut, without the name of the upright axis, else with a line more.

    Args:
        panel: What is shown.
        cell: All that belongs to it.
        panel_names: Where the names of its marks go.
        rooms: Of the lines that there may be.
        metrics: Of the page.
        known: Colours that readouts of the scene explain.
        free: The lines that names of readouts may take.
    """
    readouts, legend = written(panel.readouts, panel_names.direct), _legend(panel_names, metrics)
    if panel_names.direct == "name":
        known = known | {readout.color for readout in readouts if readout.labelled}
    must = any(readout.color not in known for readout in readouts)
    bars = [words for words in legend if words.swatch and words.swatch.kind == "ramp"]
    others = [words for words in legend if words not in bars]
    plain, longer = _title(panel, metrics, labelled=False), [*rooms, *(rooms[:1] if bars else ())]
    drafts = [
        (_title(panel, metrics, labelled=True), legend, rooms),
        (plain, legend, rooms),
        (plain, legend, longer),
        # What colours mean is not cut before a value is.
        ([*plain, *bars], others, longer),
    ]
    # Names are worth more than notes that belong to none.
    lanes = max((place for place, readout in enumerate(readouts, 1) if readout.name), default=0)
    spare = int(metrics.head.spare_label and panel.square)
    heads: list[PanelHead] = []
    for before, after, lines in drafts:
        full, bare, short = (
            flow([before, values[:lanes], values[lanes:], after], lines, metrics)
            for values in (
                _values(readouts, metrics, named=True),
                _values(readouts[:lanes], metrics, named=True),
                _values(readouts, metrics, named=False),
            )
        )
        words, named, count = short, False, len(readouts)
        # Where the picture's title says already which colour is which, names are worth a line to several values alone.
        apart = metrics.head.favor_names and lanes > 1 and not _is_cut(full)
        if must or apart or _cost(full, metrics) <= _cost(short, metrics) or _fits(full, free, panel, metrics):
            words, named = full, True
        elif lanes and (_cost(bare, metrics) <= _cost(short, metrics) or _fits(bare, free, panel, metrics)):
            words, named, count = bare, True, lanes
        if not named and metrics.head.favor_names and lanes >= UNNAMED:
            words, count = flow([before, after], lines, metrics), 0
        heads.append(PanelHead(panel, cell, panel_names, tuple(words), len(before), count, named))
        whole = [head for head in heads if not _is_cut(head.words)]
        if whole and len(heads) > spare:
            return min(whole, key=lambda head: head.lines)
    return heads[-1 if bars else 0]


def _fits(words: Sequence[FlowedWords], free: int, panel: Panel, metrics: Metrics) -> bool:
    """Whether nothing is cut and the lines are free, or a map's words may take as many as there are."""
    return not _is_cut(words) and (_lines(words) <= free or (metrics.head.favor_names and panel.square))


def _title(panel: Panel, metrics: Metrics, *, labelled: bool) -> list[Words]:
    """The title, and the name of the upright axis."""
    title = [Words(panel.title, metrics.fonts.panel)] if panel.title else []
    if labelled and panel.y.label and panel.y.label.lower() not in panel.title.lower():
        title.append(Words(panel.y.label, metrics.fonts.words, "muted"))
    return title


def written(readouts: Sequence[Readout], direct: Direct) -> list[Readout]:
    """The readouts without those that direct labels say."""
    return [readout for readout in readouts if not (direct == "full" and readout.labelled)]


def _values(readouts: Sequence[Readout], metrics: Metrics, *, named: bool) -> list[Words]:
    """Readouts as wide as they will ever be, with the names of what they belong to or without."""
    return [
        Words(readout.in_words(readout.widest or readout.text, named=named), metrics.fonts.words, readout.color)
        for readout in readouts
    ]


def _legend(panel_names: Names, metrics: Metrics) -> list[Words]:
    legend = []
    for text, swatch in panel_names.legend:
        colored = metrics.head.color_legend and swatch.kind != "ramp"
        legend.append(Words(text, metrics.fonts.words, swatch.color if colored else "muted", swatch))
    return legend


def _cost(words: Sequence[FlowedWords], metrics: Metrics) -> tuple[bool, int, int]:
    """Whether something had to be cut, how much of it is there then, and how many lines it takes."""
    cut = _is_cut(words)
    return cut, -len(words) if cut and metrics.head.favor_more else 0, _lines(words)


def _lines(words: Sequence[FlowedWords]) -> int:
    return max((one.line for one in words), default=0) + 1


def _is_cut(words: Sequence[FlowedWords]) -> bool:
    return any(one.item == -1 or one.words.text.endswith(ELLIPSIS) for one in words)
