"""A list whose rows are made as they come into sight, so that there may be any number of them."""

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from dynviz.player.messages import RowClicked


class RowList(ScrollView, can_focus=True):
    """Rows of text, one of them highlighted.

    Attributes:
        highlighted: The index of that row.
    """

    DEFAULT_CSS = """
    RowList { height: auto; max-height: 16; background: $surface; scrollbar-size-vertical: 1; }
    RowList > .row-list--highlighted { background: $panel; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"row-list--highlighted"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "highlight(0)", show=False),
        Binding("end", "highlight(-1)", show=False),
    ]

    def __init__(self, count: int, text: Callable[[int], str]) -> None:
        """List this many rows; `text` gives each as it is shown."""
        super().__init__()
        self.highlighted = 0
        self._count, self._text = count, text
        self.virtual_size = Size(1, count)

    def recount(self, count: int) -> None:
        """List another number of rows, from the first on."""
        self._count = count
        self.virtual_size = Size(1, count)
        self.action_highlight(0)
        self.refresh(layout=True)

    def render_line(self, y: int) -> Strip:
        index, width = y + self.scroll_offset.y, self.size.width
        chosen = index == self.highlighted
        style = self.get_component_rich_style("row-list--highlighted") if chosen else self.rich_style
        text = f" {self._text(index)}" if index < self._count else ""
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    def on_click(self, event: events.Click) -> None:
        index = event.y + self.scroll_offset.y
        if index < self._count:
            self.action_highlight(index)
            self.post_message(RowClicked(index))

    def action_move(self, rows: int) -> None:
        """Highlight a row further down or up, from one end on to the other."""
        self.action_highlight((self.highlighted + rows) % max(self._count, 1))

    def action_page(self, pages: int) -> None:
        """Highlight the row a page further down or up."""
        row = self.highlighted + pages * max(self.size.height - 1, 1)
        self.action_highlight(min(max(row, 0), self._count - 1))

    def action_highlight(self, index: int) -> None:
        """Highlight a row, the last for -1."""
        self.highlighted = index % max(self._count, 1)
        self.scroll_to_region(Region(0, self.highlighted, 1, 1), animate=False)
        self.refresh()
