"""The page: where everything of a scene stands that does not move with its step."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from dynviz.layout.arrange import Rect, Size, arrange, arrange_rows, map_shape
from dynviz.layout.counter import step_words
from dynviz.layout.heads import PanelHead, panel_heads
from dynviz.layout.metrics import Metrics
from dynviz.layout.place import PanelPlace, ReadoutSpot, places
from dynviz.layout.step_scale import StepScalePlace, step_scale
from dynviz.layout.story import arrange_story
from dynviz.layout.words import PlacedWords, Words, flow
from dynviz.scene.marks import Panel, Scene

NOTHING = Rect(0, 0, 0, 0)
AnyMetrics = TypeVar("AnyMetrics", bound=Metrics)


@dataclass(frozen=True)
class TitleStrip:
    """The strip above the panels.

    Attributes:
        area: From the top of the page to the panels.
        words: What is written once.
        spots: For the scene's readouts.
        counter: Where the words for the step end, and how much room they have; none where there is no title.
    """

    area: Rect = NOTHING
    words: tuple[PlacedWords, ...] = ()
    spots: tuple[ReadoutSpot, ...] = ()
    counter: ReadoutSpot | None = None


@dataclass(frozen=True)
class Page(Generic[AnyMetrics]):
    """Where a scene stands.

    Attributes:
        metrics: Of this page.
        title: The strip above the panels.
        places: Of the panels that there is room for, the first ones.
        scale: Where the scale of steps stands, if there is one.
    """

    metrics: AnyMetrics
    title: TitleStrip
    places: tuple[PanelPlace, ...]
    scale: StepScalePlace | None = None


def lay_out(scene: Scene, measures: Callable[[int], AnyMetrics], *, title: bool = True) -> Page[AnyMetrics]:
    """Find a place for everything; on a small page, for the first panels, and say how many.

    Args:
        scene: Any of a film: at all steps its page is the same.
        measures: The metrics of a page with so many panels.
        title: Whether the scene's title, its readouts and the step stand above the panels.
    """
    belonging = _leading(scene.panels)
    lead = 0.0, 0.0
    # Below a title of its own stands a page that nobody turns: it shows as many panels as it can.
    if not title and not scene.columns and 0 < belonging < len(scene.panels):
        lead = _lead(scene, belonging, measures(belonging))
    for count in range(len(scene.panels), 1, -1):
        metrics = measures(count)
        if not _hopeless(scene.panels[:count], metrics):
            strip, cells, heads = _arranged(scene, count, metrics, title=title, lead=lead[1])
            if all(_readable(panel, cell, metrics) for panel, cell in zip(scene.panels, cells, strict=False)):
                placed = places(heads, metrics)
                plot = placed[0].plot
                if count <= belonging or (plot.width >= lead[0] and plot.height >= lead[1]):
                    return Page(metrics, strip, placed, step_scale(scene, metrics))
    metrics = measures(min(len(scene.panels), 1))
    strip, _, heads = _arranged(scene, min(len(scene.panels), 1), metrics, title=title)
    return Page(metrics, strip, places(heads, metrics), step_scale(scene, metrics))


def _hopeless(panels: Sequence[Panel], metrics: Metrics) -> bool:
    """Whether there is no room for so many panels however they are arranged, which takes long to find out."""
    return sum(wide * tall for wide, tall in map(metrics.least, panels)) > metrics.width * metrics.height


def _readable(panel: Panel, cell: Rect, metrics: Metrics) -> bool:
    """Whether a panel in this cell shows more than its words."""
    wide, tall = metrics.least(panel)
    return cell.width >= wide and cell.height >= tall


def _lead(scene: Scene, belonging: int, metrics: Metrics) -> Size:
    """The columns and rows that the plot of the first panel has at least, beside others; none where that is free.

    They follow from those that it has with those panels alone that belong to it. Else a larger page, which has room
    for more panels, would show the first one smaller.
    """
    page = metrics.page
    if not page.lead_share or scene.lead:
        return 0.0, 0.0
    plot = places(_arranged(scene, belonging, metrics, title=False)[2], metrics)[0].plot
    wide, tall = (
        max(whole * page.lead_share, min(whole, enough))
        for whole, enough in zip((plot.width, plot.height), page.lead_enough, strict=True)
    )
    return wide, tall


def _leading(panels: Sequence[Panel]) -> int:
    """How many panels lead: the first ones, where they are maps of one plane; none where curves do."""
    first = panels[0] if panels else None
    alike = (one.square and (one.x, one.y) == (first.x, first.y) for one in panels if first)
    return len(list(itertools.takewhile(bool, alike)))


def _arranged(
    scene: Scene, count: int, metrics: Metrics, *, title: bool, lead: float = 0.0
) -> tuple[TitleStrip, tuple[Rect, ...], list[PanelHead]]:
    """The strip above the first panels, and their cells and heads."""
    page, panels = metrics.page, scene.panels[:count]
    strip = _title_strip(scene, count, metrics) if title else TitleStrip()
    below = page.scale if scene.scale is not None else page.bottom
    area = max(metrics.width - 2 * page.edge, 1), max(metrics.height - strip.area.height - below, 1)
    cells: tuple[Rect, ...] = ()
    heads: list[PanelHead] = []
    for lines in range(1, page.attempts + 1):
        # How high words are is known once cells are, so those that wrap are given room the second time.
        words, least = (metrics.words_of_map(count, area[1], tall) for tall in (lines, 1))
        if scene.lead:
            lead = min(scene.lead, count)
            shape = map_shape(panels[0]) if panels[0].square else 0.0
            rects = arrange_story(lead, count - lead, area, metrics.aspect, shape)
        elif scene.columns:
            rects = arrange_rows(count, scene.columns, *area)
        else:
            rects = arrange(panels, *area, aspect=metrics.aspect, words=least, above=words[1] - least[1], lead=lead)
        cells = tuple(replace(cell, left=cell.left + page.edge, top=cell.top + strip.area.height) for cell in rects)
        heads = panel_heads(panels, cells, scene.readouts, metrics)
        if _lines_over_maps(heads) <= lines:
            break
    return strip, cells, heads


def _lines_over_maps(heads: Sequence[PanelHead]) -> int:
    """How many rows the words above a map, or above a panel beside it, take."""
    tops = {head.cell.top for head in heads if head.panel.square}
    return max((head.lines for head in heads if head.cell.top in tops), default=1)


def _title_strip(scene: Scene, count: int, metrics: Metrics) -> TitleStrip:
    page, font, total = metrics.page, metrics.fonts.words, len(scene.panels)
    room = metrics.measure(step_words(replace(scene, step=scene.steps)), font)
    inner = metrics.width - 2 * page.margin
    title = [Words(scene.title, metrics.fonts.title)] if scene.title else []
    left_out = [Words(f"{count} of {total} panels", font, "muted")] if count < total else []
    values = [Words(readout.widest or readout.text, font, readout.color) for readout in scene.readouts]
    rooms = [metrics.usable(inner - room - page.counter_gap)] + [metrics.usable(inner)] * (page.lines - 1)
    flowed = flow([title, left_out, values], rooms, metrics)
    placed = [(one, page.margin + one.left, page.baseline + one.line * page.row) for one in flowed]
    lines = max((one.line for one in flowed), default=0)
    still = len(title) + len(left_out)
    return TitleStrip(
        area=Rect(0, 0, metrics.width, page.baseline + lines * page.row + page.foot),
        words=tuple(PlacedWords(one.words, left, row) for one, left, row in placed if one.item < still),
        spots=tuple(ReadoutSpot(left, row, one.room) for one, left, row in placed if one.item >= still),
        counter=ReadoutSpot(metrics.width - page.margin, page.baseline, room + page.counter_slack),
    )
