"""The metrics of a page of pixels, from the sizes of its letters and lines."""

from dynviz.frozen import frozen
from dynviz.layout.arrange import Rect, Size
from dynviz.layout.metrics import AxisMetrics, Font, Fonts, HeadMetrics, Metrics, PageMetrics
from dynviz.layout.naming import Swatch
from dynviz.layout.page import Page, lay_out
from dynviz.layout.words import PlacedWords
from dynviz.pixels.pen import Pen
from dynviz.pixels.sizes import Sizes, printed_sizes, sizes
from dynviz.scene.marks import Panel, Scene

LEAST = (11.0, 8.5)
"""Width and height of the smallest panel, in heights of its words."""
LEAST_AMONG_TEXT = (17.0, 11.5)
"""The same on a page that the reader can turn."""
LEAD_ROWS = 19
"""On such a page, up to so many rows of text, maps that lead leave to other panels only what they cannot use."""
BESIDE, BESIDE_SHARE = (14, 8), 0.22
"""Width and height that other panels have beside or below them at least, in rows of text, and their share of large
pages."""
SMALL_MAP = 15
"""Maps smaller than so many heights of their ticks have none."""
SWATCH, COLOR_BAR = 1.4, 3.0
"""Width of a swatch, and of one that shows all colours of a ramp, in heights of its words."""
LINES = 3
"""The title, readouts and legend of a panel take so many lines at most."""


@frozen(kw_only=True)
class PixelMetrics(Metrics):
    """A page of pixels.

    Attributes:
        pen: Measures words.
        sizes: Of letters and lines.
    """

    pen: Pen
    sizes: Sizes

    def plain(self, text: str) -> str:
        """The text itself: the pen replaces what it cannot write."""
        return text

    def measure(self, text: str, font: Font) -> float:
        """Width in pixels."""
        return self.pen.measure(text, font)

    def swatch_width(self, swatch: Swatch, font: Font) -> int:
        """Longer for a bar of colours."""
        return swatch_width(swatch, font)

    def centered(self, middle: float, width: float) -> float:
        """At a fraction of a pixel."""
        return middle - width / 2

    def overhang(self, width: float) -> float:
        """Half of the words, and a little."""
        return 0.55 * width

    def usable(self, width: float) -> float:
        """Unchanged."""
        return width

    def lines(self, height: int) -> int:  # noqa: ARG002
        """The same for every panel."""
        return LINES

    def words_of_map(self, panels: int, height: int, lines: int) -> Size:  # noqa: ARG002
        """In proportion to the size of the letters."""
        return 4.2 * self.sizes.em, 2.9 * self.sizes.em + lines * self.sizes.row

    def least(self, panel: Panel, *, beside: bool = False) -> Size:  # noqa: ARG002
        """In proportion to the size of the letters."""
        wide, tall = LEAST_AMONG_TEXT if self.pen.lettering.row else LEAST
        return wide * self.sizes.em, tall * self.sizes.em

    def small(self, panel: Panel, cell: Rect) -> bool:
        """Whether a map has no room for ticks."""
        return panel.square and min(cell.width, cell.height) < SMALL_MAP * self.sizes.ticks.size

    def below(self, cell: Rect, *, bare: bool, named: bool, last: bool) -> int:  # noqa: ARG002
        """The words of ticks, and the name of the axis."""
        if bare:
            return round(0.5 * self.sizes.em)
        return round((3.1 if named else 2.0) * self.sizes.ticks.size)

    def tick_row(self, cell: Rect) -> int:  # noqa: ARG002
        """Under the lines of the ticks."""
        return round(1.5 * self.sizes.ticks.size)


def pixel_metrics(pen: Pen, panels: int) -> PixelMetrics:
    """The metrics of the pen's canvas with so many panels."""
    lettering = pen.lettering
    size = printed_sizes() if lettering.printed else sizes(pen.width, pen.height, panels, lettering.row)
    return sized_metrics(pen, size)


def sized_metrics(pen: Pen, size: Sizes, kind: type[PixelMetrics] = PixelMetrics) -> PixelMetrics:
    """The metrics of the pen's canvas with letters and lines of these sizes."""
    return kind(
        width=pen.width,
        height=pen.height,
        aspect=1.0,
        coarse=False,
        fonts=Fonts(title=size.title, panel=size.panel, words=size.words, ticks=size.ticks),
        page=_page(size, pen.lettering.row),
        head=_head(size),
        axes=_axes(size),
        pen=pen,
        sizes=size,
    )


def pixel_page(scene: Scene, pen: Pen, *, head: bool = True) -> Page[PixelMetrics]:
    """Where everything of a scene stands on the pen's canvas, below a strip of words or without one."""
    return lay_out(scene, lambda panels: pixel_metrics(pen, panels), title=head)


def swatch_width(swatch: Swatch, font: Font) -> int:
    """Room for a legend's swatch and the gap after it."""
    return round((SWATCH if swatch.kind != "ramp" else COLOR_BAR) * font.size) + round(0.5 * font.size)


def color_bar(placed: PlacedWords) -> Rect:
    """Where the bar of colours before some words stands."""
    size = placed.words.font.size
    height = max(round(0.55 * size), 3)
    return Rect(round(placed.left), placed.baseline - round(0.36 * size + height / 2), round(COLOR_BAR * size), height)


def _page(size: Sizes, row: float) -> PageMetrics:
    margin = round(0.9 * size.em)
    return PageMetrics(
        margin=margin,
        counter_gap=1.5 * size.em,
        counter_slack=size.em,
        lines=4,
        baseline=margin + size.title.size,
        row=round(1.5 * size.title.size),
        foot=round(0.6 * size.title.size),
        edge=margin // 2,
        bottom=margin // 3,
        scale=round(2.9 * size.ticks.size),
        scale_line=round(0.75 * size.ticks.size),
        scale_words=round(2.05 * size.ticks.size),
        attempts=3,
        lead_rows=round(LEAD_ROWS * row),
        lead_slack=round(row),
        beside=(round(BESIDE[0] * row), round(BESIDE[1] * row)),
        beside_share=BESIDE_SHARE,
    )


def _head(size: Sizes) -> HeadMetrics:
    return HeadMetrics(
        gap=0.95,
        right=0.3 * size.em,
        top=round(0.65 * size.em),
        baseline=round(1.15 * size.em),
        row=size.row,
        color_legend=True,
        favor_names=True,
    )


def _axes(size: Sizes) -> AxisMetrics:
    tick = size.ticks.size
    return AxisMetrics(
        left=1.1 * tick,
        left_bare=round(0.5 * size.em),
        distance=0.6 * tick,
        least_right=0.9 * size.em,
        map_right=0.9 * size.em,
        ends_right=1.2 * size.em,
        ends_distance=0.55 * size.em,
        ends_row=1.15 * size.words.size,
        ends_drop=0.36 * size.words.size,
        label_gap=size.dot + 0.4 * size.em,
        drop=round(0.37 * tick),
        upright=2.2 * tick,
        upright_map=3.6 * tick,
        level=4 * tick,
        space=0.9 * tick,
        level_before=4,
        name_map=True,
        name_height=12 * tick,
        name_below=round(2.75 * tick),
        lines_alone=True,
    )
