"""What page layout asks of a backend: its units, how wide its words are, and how much room stands between things."""

from abc import ABC, abstractmethod

from dynviz.frozen import frozen
from dynviz.layout.arrange import Rect, Size
from dynviz.layout.naming import Swatch
from dynviz.scene.marks import Panel


@frozen
class Font:
    """A size, in units of the backend, and a weight."""

    size: int
    bold: bool = False


@frozen(kw_only=True)
class Fonts:
    """The letters of a page.

    Attributes:
        title: Of what made the picture.
        panel: Of a panel's title.
        words: Of readouts, labels and legends.
        ticks: At the ticks.
    """

    title: Font
    panel: Font
    words: Font
    ticks: Font


@frozen(kw_only=True)
class PageMetrics:
    """Lengths of the page.

    Attributes:
        margin: Left and right of the title's line.
        counter_gap: Between the title and the words for the step.
        counter_slack: How much more room than its widest words the counter has.
        lines: How many lines the title and the scene's readouts may take.
        baseline: From the top to the row that the title stands on.
        row: From one of these lines to the next.
        foot: From the last of them to the panels.
        edge: Left and right of the panels.
        bottom: Below the panels.
        scale: Height of the scale of steps, where a picture has one.
        scale_line: From its top to its line.
        scale_words: From its top to the row that the words of its ticks stand on.
        attempts: How often panels are arranged, each time with one more line of words above each map.
        lead_rows: Up to this height, plots of leading maps take all that they can; 0: arranged as looks best.
        lead_slack: How far their height may fall short of that, since their room is estimated.
        beside: Width and height that other panels then have at least.
        beside_share: The share of the page's width or height that other panels have on larger pages.
    """

    margin: int
    counter_gap: float
    counter_slack: int
    lines: int
    baseline: int
    row: int
    foot: int
    edge: int
    bottom: int
    scale: int
    scale_line: int
    scale_words: int
    attempts: int = 1
    lead_rows: int = 0
    lead_slack: int = 0
    beside: tuple[int, int] = (0, 0)
    beside_share: float = 0.0


@frozen(kw_only=True)
class HeadMetrics:
    """Lengths and rules of the words above a plot.

    Attributes:
        gap: Between words of one line, in sizes of their font.
        right: Kept free at the right end of a line.
        top: Above the first line.
        baseline: From the panel's top to the row that the first line stands on.
        row: From one line to the next.
        color_legend: Whether the words of a legend have the colours of their swatches.
        favor_names: Whether a map keeps the names of its readouts, at the cost of a line, as long as nothing is cut.
        favor_more: Whether, where words are cut with the names of readouts and without, more words are better.
        ellipsis_apart: Whether words without room on the last line are left out whole, with an ellipsis after the last
            ones; else the first of them is cut, at worst to an ellipsis in the gap before it.
        whole_numbers: Whether numbers are written whole or not at all.
        spare_label: Whether a map goes without the name of its upright axis where that takes a line more.
    """

    gap: float
    right: float
    top: int = 0
    baseline: int = 0
    row: int = 1
    color_legend: bool = False
    favor_names: bool = False
    favor_more: bool = False
    ellipsis_apart: bool = False
    whole_numbers: bool = False
    spare_label: bool = False


@frozen(kw_only=True)
class AxisMetrics:
    """Lengths and rules of ticks, and of what stands beside a plot.

    Attributes:
        left: Left of the plot, beside the words of its ticks.
        left_bare: Left of a plot without axes.
        distance: Between the words of vertical ticks and the plot.
        least_right: Right of a plot.
        map_right: Right of a map.
        ends_right: Right of a plot, beside the names at the ends of lines.
        ends_distance: Between the plot and these names.
        ends_row: From one of these names to the next.
        ends_drop: From the middle of such a name to the row that it stands on.
        label_gap: From the middle of a dot to the words beside it.
        drop: From the middle of a tick's words to the row that they stand on.
        above: Rows of a panel that are taken for its head before that is known.
        upright: Height of a vertical tick.
        upright_map: The same on a map, whose axes have about equally many.
        least_upright: Height between two vertical ticks at least.
        least_ticks: So many vertical ticks at least, where there is room.
        level: Width of a horizontal tick, to begin with.
        space: Between the words of horizontal ticks.
        level_before: How many horizontal ticks are reckoned with before the plot's width is known; 0: as many as there
            is room for in the whole panel.
        name_map: Whether the horizontal axis of a map is named.
        name_height: Height of a panel from which on its horizontal axis is named.
        name_below: From the plot to the row that this name stands on; 0: between or after the ticks.
        lines_alone: Whether the lines of axes are drawn also without ticks.
        align_bottoms: Whether plots end at one height where panels do; else where panels begin at one height.
    """

    left: float
    left_bare: int
    distance: float
    least_right: float
    map_right: float
    ends_right: float
    ends_distance: float
    ends_row: float
    ends_drop: float = 0
    label_gap: float = 1
    drop: int = 0
    above: int = 0
    upright: float
    upright_map: float
    least_upright: float = 0
    least_ticks: int = 0
    level: float
    space: float
    level_before: int = 0
    name_map: bool = False
    name_height: float = 0
    name_below: int = 0
    lines_alone: bool = False
    align_bottoms: bool = False


@frozen(kw_only=True)
class Metrics(ABC):
    """A page of one backend. All lengths are in its units: pixels, or the cells of a terminal.

    Attributes:
        width: Of the page.
        height: Of the page.
        aspect: Width of a unit over its height.
        coarse: Whether a unit is as large as a letter: plots of maps and the names of lines keep to whole ones.
        fonts: Its letters.
        page: Lengths of the page.
        head: Of the words above a plot.
        axes: Of its ticks.
    """

    width: int
    height: int
    aspect: float
    coarse: bool
    fonts: Fonts
    page: PageMetrics
    head: HeadMetrics
    axes: AxisMetrics

    @abstractmethod
    def plain(self, text: str) -> str:
        """The text as it is written."""

    @abstractmethod
    def measure(self, text: str, font: Font) -> float:
        """How wide words are."""

    @abstractmethod
    def swatch_width(self, swatch: Swatch, font: Font) -> int:
        """How wide the swatch before a word of a legend is, with the gap after it."""

    @abstractmethod
    def centered(self, middle: float, width: float) -> float:
        """Where something so wide begins whose middle is given."""

    @abstractmethod
    def overhang(self, width: float) -> float:
        """How far the words of a tick reach beyond it."""

    @abstractmethod
    def usable(self, width: float) -> float:
        """The width of a line of words where so much is left for it."""

    @abstractmethod
    def lines(self, height: int) -> int:
        """How many lines of words stand above the plot of a panel so high."""

    @abstractmethod
    def words_of_map(self, panels: int, height: int, lines: int) -> Size:
        """Width and height that the words of a map take, with so many lines above it.

        Args:
            panels: On the page.
            height: Of all of them together.
            lines: Above each map.
        """

    @abstractmethod
    def least(self, panel: Panel, *, beside: bool = False) -> Size:
        """The size in which a panel shows more than its words.

        Args:
            panel: What is shown.
            beside: Whether it stands beside or below maps that lead.
        """

    @abstractmethod
    def small(self, panel: Panel, cell: Rect) -> bool:
        """Whether the axes of a panel are left out in a rectangle so small."""

    @abstractmethod
    def below(self, cell: Rect, *, bare: bool, named: bool, last: bool) -> int:
        """How much stands below the plot.

        Args:
            cell: All that belongs to the panel.
            bare: Whether it has no axes.
            named: Whether its horizontal axis has a name.
            last: Whether nothing stands below the panel.
        """

    @abstractmethod
    def tick_row(self, cell: Rect) -> int:
        """From the plot to the row that the words of its horizontal ticks stand on."""
