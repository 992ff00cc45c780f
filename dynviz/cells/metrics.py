"""The metrics of a page in a terminal: rows and columns, one character each."""

from dataclasses import replace

from dynviz.cells.characters import columns, plain, swatch_characters
from dynviz.frozen import frozen
from dynviz.layout.arrange import Rect, Size
from dynviz.layout.metrics import AxisMetrics, Font, Fonts, HeadMetrics, Metrics, PageMetrics
from dynviz.layout.naming import Swatch
from dynviz.scene.marks import Panel

LEAST_MAP, LEAST_CURVE = (20, 9), (28, 8)
"""Columns and rows of the smallest map, and of the smallest other panel."""
SMALL_MAP, SMALL_CURVE = (28, 14), (22, 6)
"""Columns and rows under which a map, or another panel, has no axes."""
ROOMY_PAGE = 30
"""Pages of so many rows have an empty one below their title."""
TALL_PAGE = 24
"""Pages of so many rows have room for two lines of title and readouts."""
ROWS_PER_LINE, MOST_LINES = 5, 3
"""The title, readouts and legend of a panel take one row of so many, and so many at most."""
FLOOR = 12
"""Panels of so many rows have a line below their plot, and those that others stand below an empty row at their end.
Smaller pages than TALL_PAGE leave these rows to the plots."""
LEAD_ROWS = 22
"""Up to so many rows, maps that lead leave to other panels only what they cannot use."""
BESIDE, BESIDE_SHARE = (28, 4), 0.22
"""Columns and rows that other panels have beside or below them at least, and their share of large pages."""

LETTERS = Font(1)
HEADING = Font(1, bold=True)
FONTS = Fonts(title=HEADING, panel=HEADING, words=LETTERS, ticks=LETTERS)
HEAD = HeadMetrics(gap=2, right=1, favor_more=True, ellipsis_apart=True, whole_numbers=True)
AXES = AxisMetrics(
    left=1,
    left_bare=1,
    distance=1,
    least_right=2,
    map_right=1,
    ends_right=3,
    ends_distance=1,
    ends_row=1.0,
    above=2,
    upright=2,
    upright_map=4,
    least_upright=2,
    least_ticks=2,
    level=6,
    space=3,
    align_bottoms=True,
)


@frozen(kw_only=True)
class CellMetrics(Metrics):
    """A page of a terminal's cells.

    Attributes:
        floor: Rows of a panel from which on there is a line below its plot, and an empty row below that.
    """

    floor: int = FLOOR

    def plain(self, text: str) -> str:
        """Characters of one column or two."""
        return plain(text)

    def measure(self, text: str, font: Font) -> int:  # noqa: ARG002
        """Width in columns."""
        return columns(text)

    def swatch_width(self, swatch: Swatch, font: Font) -> int:  # noqa: ARG002
        """Columns of the swatch and the gap after it."""
        return len(swatch_characters(swatch)) + 1

    def centered(self, middle: float, width: float) -> int:
        """At a whole column."""
        return int(middle) - (int(width) - 1) // 2

    def overhang(self, width: float) -> int:
        """Half of the words, and a column."""
        return int(width) // 2 + 1

    def usable(self, width: float) -> float:
        """At least one column, for an ellipsis."""
        return max(width, 1)

    def lines(self, height: int) -> int:
        """More for higher panels."""
        return min(max(height // ROWS_PER_LINE, 1), MOST_LINES)

    def words_of_map(self, panels: int, height: int, lines: int) -> Size:
        """Fewer where panels are small: their maps have no axes."""
        wide, tall = (3.0, 2.0) if height < 16 * panels**0.5 else (7.0, 4.0)
        small = self.floor > self.height
        return wide - small, tall + lines - 1 - small

    def least(self, panel: Panel, *, beside: bool = False) -> Size:
        """The smallest map, or the smallest other panel."""
        if panel.square:
            return LEAST_MAP
        return BESIDE if beside else LEAST_CURVE

    def small(self, panel: Panel, cell: Rect) -> bool:
        """Whether there is no room for axes beside the plot."""
        wide, tall = SMALL_MAP if panel.square else SMALL_CURVE
        return cell.width < wide or cell.height < tall

    def below(self, cell: Rect, *, bare: bool, named: bool, last: bool) -> int:  # noqa: ARG002
        """An empty row, that of the ticks and the line above them, where there is room for each."""
        return int(not last and cell.height >= self.floor) + int(not bare) + int(not bare and cell.height >= self.floor)

    def tick_row(self, cell: Rect) -> int:
        """The row below the plot, or the one below the line there."""
        return int(cell.height >= self.floor)


def cell_metrics(width: int, rows: int) -> CellMetrics:
    """The metrics of a terminal of this size."""
    page = PageMetrics(
        margin=1,
        counter_gap=2,
        counter_slack=0,
        lines=1 + int(rows >= TALL_PAGE) + int(rows >= ROOMY_PAGE),
        baseline=0,
        row=1,
        foot=1 + int(rows >= ROOMY_PAGE),
        edge=0,
        bottom=0,
        scale=1,
        scale_line=0,
        scale_words=0,
        lead_rows=LEAD_ROWS,
        beside=BESIDE,
        beside_share=BESIDE_SHARE,
    )
    return CellMetrics(
        width=width,
        height=rows,
        aspect=0.5,
        coarse=True,
        fonts=FONTS,
        page=page,
        head=replace(HEAD, spare_label=rows < TALL_PAGE),
        axes=AXES,
        floor=FLOOR if rows >= TALL_PAGE else TALL_PAGE,
    )
