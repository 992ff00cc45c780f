"""The dialog that shows text: the keys, the details of a run."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from dynviz.player.dialog import Dialog
from dynviz.text import clean

FIRST_COLUMN = 26
"""Maximum width of the first column."""
CHROME = 6
"""Screen rows that the dialog needs besides the text."""
Section = tuple[str, Sequence[tuple[str, ...]]]
"""A heading, and the rows of columns below it."""


class InfoRows(Widget):
    """Sections one below the other, laid out once: Textual would do so several times, with a scrollbar and without."""

    DEFAULT_CSS = "InfoRows { height: auto; }"

    def __init__(self, sections: Sequence[Section], first: int) -> None:
        """Show sections, with a first column at least this wide."""
        super().__init__()
        self._sections, self._first = sections, first
        self._width, self._strips = 0, [Strip([])]

    def _lines(self, width: int) -> list[Strip]:
        if not self._width <= width <= self._width + 1:
            # The last column is left to a scrollbar.
            self._width = max(width - 1, 1)
            parts: list[RenderableType] = []
            for heading, rows in self._sections:
                if heading:
                    parts += [Text("")] if parts else []
                    parts.append(Text(clean(heading, lines=True), "bold"))
                parts.append(_table(rows, self._first))
            console = self.app.console
            lines = console.render_lines(Group(*parts), console.options.update(width=self._width))
            self._strips = [Strip(line, self._width) for line in lines]
        return self._strips

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's
        """The number of lines at this width."""
        return len(self._lines(width))

    def render_line(self, y: int) -> Strip:
        """One of the lines."""
        lines = self._lines(self.size.width)
        strip = lines[y].apply_style(self.rich_style) if y < len(lines) else Strip([])
        return strip.adjust_cell_length(self.size.width, self.rich_style)


class InfoDialog(Dialog[None]):
    """Sections of rows that scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,question_mark,d,ctrl+c", "dismiss", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,space", "scroll(10)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
    ]

    def __init__(self, title: str, sections: Sequence[Section]) -> None:
        super().__init__()
        self._heading, self._sections = title, sections

    def compose(self) -> ComposeResult:
        first = max((cell_len(row[0]) for _, rows in self._sections for row in rows if len(row) > 1), default=0)
        with Vertical(classes="dialog wide"):
            yield Static(clean(self._heading, lines=True), classes="title", markup=False)
            with VerticalScroll(can_focus=False) as rows:
                rows.styles.max_height = self._room
                yield InfoRows(self._sections, min(first, FIRST_COLUMN))
            yield Static("esc close", classes="hint")

    def on_resize(self) -> None:
        self.query_one(VerticalScroll).styles.max_height = self._room

    @property
    def _room(self) -> int:
        """Rows that the title and the hint leave."""
        return max(int(0.92 * self.app.size.height) - CHROME, 1)

    def action_scroll(self, rows: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)


def _table(rows: Sequence[tuple[str, ...]], first: int) -> Table:
    """Rows of columns, the first at least this wide."""
    table = Table.grid(padding=(0, 3, 0, 0))
    columns = max(map(len, rows), default=1)
    for place in range(columns):
        alone = columns == 1
        table.add_column(min_width=0 if place or alone else first, no_wrap=place == 0 and not alone, overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell, lines=True)) for cell in row))
    return table
