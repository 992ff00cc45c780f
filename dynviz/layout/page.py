"""The page: where everything of a scene stands that does not move with its step."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from dynviz.frozen import frozen
from dynviz.layout.arrange import Rect, arrange, arrange_rows, map_shape
from dynviz.layout.counter import step_words
from dynviz.layout.heads import PanelHead, panel_heads
from dynviz.layout.metrics import Metrics
from dynviz.layout.place import PanelPlace, ReadoutSpot, places
from dynviz.layout.spare import closer
from dynviz.layout.step_scale import StepScalePlace, step_scale
from dynviz.layout.story import arrange_story
from dynviz.layout.words import PlacedWords, Words, flow
from dynviz.scene.marks import Panel, Scene

NOTHING = Rect(0, 0, 0, 0)
SLACK = 4
"""Extra lines tried for the words around a map, then above it alone, when the estimate was too small."""
AnyMetrics = TypeVar("AnyMetrics", bound=Metrics)


@frozen
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


@frozen
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
    # Below a title of its own stands a page that nobody turns: it shows as many panels as it can.
    turned = not title and not scene.lead and measures(1).page.lead_rows > 0
    if turned and scene.columns == belonging:
        # Below a single row of maps, curves are as wide as there is room.
        scene = replace(scene, columns=0)
    steady = turned and not scene.columns
    lead = _lead_rows(scene, belonging, measures(belonging)) if steady and belonging else 0
    for count in range(len(scene.panels), 1, -1):
        metrics = measures(count)
        if not _hopeless(scene.panels[:count], metrics, beside=lead > 0):
            # Alone, maps have all the room there is.
            slacks = [(slack, 0) for slack in range(SLACK + 1)] + [(0, slack) for slack in range(1, SLACK + 1)]
            side = lead if count > belonging else 0
            nearly = None
            for slack in slacks if side else [(0, 0)]:
                strip, heads = _arranged(scene, count, metrics, title=title, side=side, slack=slack, steady=steady)
                if not all(_readable(head.panel, head.cell, metrics, beside=lead > 0) for head in heads):
                    break
                placed = places(heads, metrics, lead)
                if steady:
                    placed = closer(scene, placed, metrics, lead)
                short = lead - metrics.page.lead_slack - placed[0].plot.height
                if count <= belonging or short <= 0:
                    return Page(metrics, strip, placed, step_scale(scene, metrics))
                if short <= int(metrics.coarse):
                    # Longer words at the ticks of the panels below may take a row of maps.
                    nearly = nearly or Page(metrics, strip, placed, step_scale(scene, metrics))
            if nearly:
                return nearly
    metrics = measures(min(len(scene.panels), 1))
    strip, heads = _arranged(scene, min(len(scene.panels), 1), metrics, title=title, steady=steady)
    return Page(metrics, strip, places(heads, metrics, lead), step_scale(scene, metrics))


def _hopeless(panels: Sequence[Panel], metrics: Metrics, *, beside: bool) -> bool:
    """Whether there is no room for so many panels however they are arranged, which takes long to find out."""
    least = (metrics.least(panel, beside=beside) for panel in panels)
    return sum(wide * tall for wide, tall in least) > metrics.width * metrics.height


def _readable(panel: Panel, cell: Rect, metrics: Metrics, *, beside: bool) -> bool:
    """Whether a panel in this cell shows more than its words."""
    wide, tall = metrics.least(panel, beside=beside)
    return cell.width >= wide and cell.height >= tall


def _lead_rows(scene: Scene, belonging: int, metrics: Metrics) -> int:
    """The rows of plots of the maps that lead, which never are fewer on a larger page.

    On a small page they have as many as without other panels, on a larger one as many as without the strip beside or
    below them that those stand on.
    """
    page, others = metrics.page, len(scene.panels) - belonging

    def alone(columns: int, rows: int) -> int:
        left = replace(metrics, width=max(metrics.width - columns, 1), height=max(metrics.height - rows, 1))
        return places(_arranged(scene, belonging, left, title=False, steady=True)[1], left)[0].plot.height

    if not others:
        return alone(0, 0)
    columns, rows = (
        max(least, round(page.beside_share * length))
        for least, length in zip(page.beside, (metrics.width, metrics.height), strict=True)
    )
    return max(min(alone(0, 0), page.lead_rows), alone(columns, 0), alone(0, rows))


def _leading(panels: Sequence[Panel]) -> int:
    """How many panels lead: the first ones, where they are maps of one plane; none where curves do."""
    first = panels[0] if panels else None
    alike = (one.square and (one.x, one.y) == (first.x, first.y) for one in panels if first)
    return len(list(itertools.takewhile(bool, alike)))


def _arranged(
    scene: Scene,
    count: int,
    metrics: Metrics,
    *,
    title: bool,
    side: int = 0,
    slack: tuple[int, int] = (0, 0),
    steady: bool = False,
) -> tuple[TitleStrip, list[PanelHead]]:
    """The strip above the first panels, and their heads.

    Args:
        scene: What is laid out.
        count: How many of its panels.
        metrics: Of the page.
        title: Whether there is a strip.
        side: Rows of the plots of maps; 0: what looks best.
        slack: How many more lines than is reckoned the words around a map take, and those above it alone.
        steady: Whether the first panel must not be smaller than on a smaller page.
    """
    page, panels = metrics.page, scene.panels[:count]
    strip = _title_strip(scene, count, metrics) if title else TitleStrip()
    below = page.scale if scene.scale is not None else page.bottom
    area = max(metrics.width - 2 * page.edge, 1), max(metrics.height - strip.area.height - below, 1)

    heads: list[PanelHead] = []
    for lines in range(1, max(page.attempts, SLACK if steady else 1) + 1):
        # How high words are is known once cells are, so those that wrap are given room the second time.
        words, least = (metrics.words_of_map(count, area[1], tall) for tall in (lines, 1))
        if scene.lead:
            lead = min(scene.lead, count)
            shape = map_shape(panels[0]) if panels[0].square else 0.0
            rects = arrange_story(lead, count - lead, area, metrics.aspect, shape)
        elif scene.columns:
            rects = arrange_rows(count, min(scene.columns, count), *area)
        else:
            around, more = (lines * metrics.head.row for lines in slack)
            rects = arrange(
                panels,
                *area,
                aspect=metrics.aspect,
                words=least,
                above=words[1] - least[1] + more,
                side=side,
                around=around,
                steady=steady,
            )
        cells = [replace(cell, left=cell.left + page.edge, top=cell.top + strip.area.height) for cell in rects]
        heads = panel_heads(panels, cells, scene.readouts, metrics)
        if _lines_over_maps(heads) <= lines:
            break
    return strip, heads


def _lines_over_maps(heads: Sequence[PanelHead]) -> int:
    """How many rows the words above a map, or above a panel beside it, take."""
    tops = {head.cell.top for head in heads if head.panel.square}
    return max((head.lines for head in heads if head.cell.top in tops), default=1)


def _title_strip(scene: Scene, count: int, metrics: Metrics) -> TitleStrip:
    page, font, total = metrics.page, metrics.fonts.words, len(scene.panels)
    last = replace(scene, step=scene.steps, count=scene.count and (scene.count[1], scene.count[1]))
    room = metrics.measure(step_words(last), font)
    inner = metrics.width - 2 * page.margin
    title = [Words(scene.title, metrics.fonts.title)] if scene.title else []
    left_out = [Words(f"{count} of {total} panels", font, "muted")] if count < total else []
    values = [Words(readout.widest or readout.text, font, readout.color) for readout in scene.readouts]
    # A sentence that does not fit on the rest of a line begins one of its own.
    sentence = next((place for place, readout in enumerate(scene.readouts) if readout.color == "text"), 0)
    blocks = [values[:sentence], values[sentence : sentence + 1], values[sentence + 1 :]]
    rooms = [metrics.usable(inner - room - page.counter_gap)] + [metrics.usable(inner)] * (page.lines - 1)
    flowed = flow([title, left_out, *blocks], rooms, metrics)
    placed = [(one, page.margin + one.left, page.baseline + one.line * page.row) for one in flowed]
    lines = max((one.line for one in flowed), default=0)
    still = len(title) + len(left_out)
    return TitleStrip(
        area=Rect(0, 0, metrics.width, page.baseline + lines * page.row + page.foot),
        words=tuple(PlacedWords(one.words, left, row) for one, left, row in placed if one.item < still),
        spots=tuple(ReadoutSpot(left, row, one.room) for one, left, row in placed if one.item >= still),
        counter=ReadoutSpot(metrics.width - page.margin, page.baseline, room + page.counter_slack),
    )
