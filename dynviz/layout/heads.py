"""The words above a plot: its title, readouts and legend, in as few lines as they fit into."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dynviz.layout.arrange import Rect
from dynviz.layout.axes import upright_ticks
from dynviz.layout.metrics import Metrics
from dynviz.layout.naming import Direct, Names, names
from dynviz.layout.words import ELLIPSIS, FlowedWords, Words, flow
from dynviz.scene.marks import Panel, Readout


@dataclass(frozen=True)
class PanelHead:
    """A panel with the words above its plot.

    Attributes:
        panel: What is shown.
        cell: All that belongs to it.
        names: Where the names of its marks go.
        words: Its title, readouts and legend, in that order.
        before: How many of these stand before the readouts.
        named: Whether there is room for the names of readouts.
    """

    panel: Panel
    cell: Rect
    names: Names
    words: tuple[FlowedWords, ...]
    before: int
    named: bool

    @property
    def lines(self) -> int:
        """How many lines the words take."""
        return max((flowed.line for flowed in self.words), default=0) + 1


def panel_heads(
    panels: Sequence[Panel], cells: Sequence[Rect], readouts: Sequence[Readout], metrics: Metrics
) -> list[PanelHead]:
    """The head of each panel.

    Args:
        panels: In reading order.
        cells: A rectangle for each.
        readouts: Of the scene, which also say which colour is which.
        metrics: Of the page.
    """
    margins = [_margin(panel, cell, metrics) for panel, cell in zip(panels, cells, strict=True)]
    known = {readout.color for readout in readouts}
    heads: list[PanelHead] = []
    for panel, cell in zip(panels, cells, strict=True):
        own = names(panel, readouts, cell.width, lambda text: metrics.measure(text, metrics.fonts.words))
        margin = max(wide for wide, other in zip(margins, cells, strict=True) if other.left == cell.left)
        room = metrics.usable(cell.width - margin - metrics.head.right)
        rooms = [room] * metrics.lines(cell.height)
        heads.append(_head(panel, cell, _without_bars(own, heads), rooms, metrics, known=known))
    return heads


def _without_bars(own: Names, heads: Sequence[PanelHead]) -> Names:
    """Without the bars of colours that stand above an earlier panel."""
    in_heads = {item for head in heads for item in head.names.legend if item[1].kind == "ramp"}
    return replace(own, legend=tuple(item for item in own.legend if item not in in_heads))


def _margin(panel: Panel, cell: Rect, metrics: Metrics) -> float:
    """Room for ticks beside the plot: more of them than will be, as words above are in line with the plot."""
    ticks = upright_ticks(panel, cell.height - metrics.axes.above, metrics)
    return max((metrics.measure(tick.label, metrics.fonts.ticks) for tick in ticks), default=0) + metrics.axes.left


def _head(
    panel: Panel, cell: Rect, panel_names: Names, rooms: Sequence[float], metrics: Metrics, *, known: set[str]
) -> PanelHead:
    """The words above a plot; where they would be cut, without the name of the upright axis, else with a line more."""
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
    heads = []
    for before, after, lines in drafts:
        full, short = (
            flow([before, _values(readouts, metrics, named=side), after], lines, metrics) for side in (True, False)
        )
        # Where the picture's title says already which colour is which, names are not worth a line.
        named = (
            must
            or _cost(full, metrics) <= _cost(short, metrics)
            or (metrics.head.favor_names and panel.square and not _is_cut(full))
        )
        words = full if named else short
        heads.append(PanelHead(panel, cell, panel_names, tuple(words), len(before), named))
        if not _is_cut(words):
            return heads[-1]
    return heads[-1 if bars else 0]


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
    return cut, -len(words) if cut and metrics.head.favor_more else 0, max((one.line for one in words), default=0)


def _is_cut(words: Sequence[FlowedWords]) -> bool:
    return any(one.words.text.endswith(ELLIPSIS) for one in words)
