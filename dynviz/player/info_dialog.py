"""The dialog that shows text: the keys, the details of a run."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from dynviz.player.dialog import Dialog
from dynviz.player.text_table import table_lines
from dynviz.text import clean

FIRST_COLUMN = 26
"""Maximum width of the first column."""
CHROME = 6
"""Screen rows that the dialog needs besides the text."""
Section = tuple[str, Sequence[tuple[str, ...]]]
"""A heading, and the rows of columns below it."""


class InfoRows(ScrollView, can_focus=False):
    """Sections one below the other, laid out once: Textual would do so several times, with a scrollbar and without."""

    DEFAULT_CSS = "InfoRows { height: auto; overflow-x: hidden; }"

    def __init__(self, sections: Sequence[Section], first: int) -> None:
        """Show sections, with a first column at least this wide."""
        super().__init__()
        self._sections, self._first = sections, first
        self._width, self._strips = 0, [Strip([])]
        self._style = Style()

    def _lines(self, width: int) -> list[Strip]:
        if not self._width <= width <= self._width + 1:
            # The last column is left to a scrollbar.
            self._width = max(width - 1, 1)
            lines: list[tuple[str, str]] = []
            for heading, rows in self._sections:
                if heading:
                    lines += [("", "")] if lines else []
                    lines += [(line, "bold") for line in table_lines([(heading,)], 0, self._width, self.app.console)]
                lines += [(line, "") for line in table_lines(rows, self._first, self._width, self.app.console)]
            self._strips = [Strip([Segment(line, Style.parse(style))]) for line, style in lines]
            self.set_reactive(Widget.virtual_size, Size(self._width, len(lines)))
        return self._strips

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's
        """The number of lines at this width."""
        return len(self._lines(width))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Some of the lines; their style is looked up once."""
        self._style = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One of the lines."""
        lines, y = self._lines(self.size.width), y + self.scroll_offset.y
        strip = lines[y].apply_style(self._style) if y < len(lines) else Strip([])
        return strip.adjust_cell_length(self.size.width, self._style)


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
            rows = InfoRows(self._sections, min(first, FIRST_COLUMN))
            rows.styles.max_height = self._room
            yield rows
            yield Static("esc close", classes="hint")

    def on_resize(self) -> None:
        self.query_one(InfoRows).styles.max_height = self._room

    @property
    def _room(self) -> int:
        """Rows that the title and the hint leave."""
        return max(int(0.92 * self.app.size.height) - CHROME, 1)

    def action_scroll(self, rows: int) -> None:
        self.query_one(InfoRows).scroll_relative(y=rows, animate=False)
