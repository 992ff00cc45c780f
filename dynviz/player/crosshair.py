"""The values of all curves at the step under the mouse: a line through the panel, and a table beside it."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from dynviz.cells.canvas import Hit
from dynviz.cells.depth import Depth
from dynviz.charts.numbers import significant
from dynviz.layout.place import PanelPlace
from dynviz.player import styles
from dynviz.player.fitting import has_steps
from dynviz.player.readout import curve_values
from dynviz.player.words import Word, cut, grouped, shortened
from dynviz.scene.marks import Panel, Readout

LEAST = 2
"""Curves of which there is a table; a single value stands beside the tabs."""
NAME = 24
"""Columns of the longest name."""
GAP = 2
"""Columns between two cells."""


class CurveValue(NamedTuple):
    """A curve at a step: its name, its value, how that differs from the first curve's, and its colour."""

    name: str
    value: str
    difference: str
    color: str


class CurveTable(NamedTuple):
    """All curves of a panel at a step."""

    heading: str
    rows: tuple[CurveValue, ...]

    @property
    def text(self) -> str:
        """The table as text, its cells separated by tabs."""
        return "\n".join([self.heading, *("\t".join(row[:3]).rstrip() for row in self.rows)])


def curve_table(panel: Panel, x: float, y: float, readouts: Sequence[Readout]) -> CurveTable | None:
    """The values of all curves at a step, in the order of the picture; None if the panel has no steps.

    Args:
        panel: The panel.
        x: The horizontal coordinate of the mouse.
        y: The vertical one.
        readouts: Those of the scene, which name colours.
    """
    if not has_steps(panel):
        return None
    values = curve_values(panel, x, y, readouts)
    rows: list[CurveValue] = []
    for one in values:
        apart = one.value - values[0].value
        sign = "+" if apart > 0 else ""
        difference = f"{sign}{significant(apart)}" if rows else ""
        rows.append(CurveValue(one.name, one.text, difference, one.color))
    return CurveTable(f"{panel.x.label} {grouped(x)}   {panel.title}", tuple(rows)) if rows else None


class ValueCard(Widget):
    """The table over the picture, on the side of the panel where the mouse is not."""

    DEFAULT_CSS = "ValueCard { layer: over; display: none; width: 1; height: 1; }"

    def __init__(self, depth: Depth) -> None:
        super().__init__(id="values")
        self._rows: list[tuple[Word, ...]] = []
        self._theme, self._depth = "dark", depth

    def show(self, table: CurveTable | None, place: PanelPlace | None, column: int, top: int, theme: str) -> None:
        """Show a table in a panel, or nothing.

        Args:
            table: The table; hidden if it has fewer than two rows.
            place: Where the panel is.
            column: That of the mouse.
            top: The rows above the picture.
            theme: The theme.
        """
        room = place.plot.height if place is not None else 0
        if table is None or place is None or len(table.rows) < LEAST or room < LEAST + 1:
            self.display = False
            return
        rows = table.rows[: room - 1]
        widths = [max(min(len(row[at]), NAME) for row in rows) for at in range(3)]
        heading = shortened(table.heading, max(sum(widths) + 2 * GAP, NAME))
        width = min(max(sum(widths) + 2 * GAP, len(heading)) + 2, place.cell.width)
        self._rows = [cut([Word(f" {heading}", "muted")], width)]
        for row in rows:
            words = [Word(" ")]
            words.append(Word(shortened(row.name, NAME).ljust(widths[0]), row.color))
            words += [Word(" " * GAP), Word(row.value.rjust(widths[1]), row.color)]
            words += [Word(" " * GAP), Word(row.difference.rjust(widths[2]), "muted")]
            self._rows.append(cut(words, width))
        self._theme = theme
        # On the other side of the middle than the mouse.
        left = 2 * column > place.plot.left + place.plot.right
        at = (
            min(place.plot.left + 1, place.cell.right - width)
            if left
            else max(place.plot.right - width, place.cell.left)
        )
        self.styles.offset = (at, top + place.plot.top)
        self.styles.width, self.styles.height = width, len(self._rows)
        self.display = True
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        style = partial(styles.style, self._theme, depth=self._depth)
        lines = [Strip([Segment(word.text, style(word.role)) for word in row]) for row in self._rows]
        lines += [Strip.blank(self.size.width)] * max(crop.bottom - len(lines), 0)
        return [line.crop(crop.x, crop.right) for line in lines[crop.y : crop.bottom]]


def curves_at(panels: Sequence[Panel], readouts: Sequence[Readout], hit: Hit | None) -> CurveTable | None:
    """The table at the mouse; None if it points at no curves."""
    if hit is None or hit.x is None or hit.y is None or hit.panel >= len(panels):
        return None
    return curve_table(panels[hit.panel], hit.x, hit.y, readouts)
