"""Widgets of one row of words: plain, of views, and the timeline."""

from collections.abc import Sequence

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from dynviz.player import header, look, timeline
from dynviz.player.words import Row


class Bar(Widget):
    """One row, exactly as wide as it is told to be; drawn again only when its words change."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self.words: Row = ()
        self._theme = "dark"

    def show(self, words: Row, theme: str) -> None:
        """Show these words."""
        if (words, theme) != (self.words, self._theme):
            self.words, self._theme = words, theme
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one
        """The row."""
        segments = [Segment(word.text, look.style(self._theme, word.role, bold=word.bold)) for word in self.words]
        strip = Strip(segments, sum(word.width for word in self.words))
        return strip.adjust_cell_length(self.size.width, look.style(self._theme, "text"))


class Tabs(Bar):
    """The views."""

    names: Sequence[str] = ()

    class Chosen(Message):
        """A view was clicked on."""

        def __init__(self, view: str) -> None:
            super().__init__()
            self.view = view

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Say which view stands there."""
        view = header.tab_at(self.words, event.x, self.names)
        if view is not None:
            self.post_message(self.Chosen(view))


class Timeline(Bar):
    """The line of time; the mouse takes hold of it."""

    total = 0

    class Sought(Message):
        """A step was pointed at."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go there, and along with the mouse until it lets go."""
        self.capture_mouse()
        self._seek(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Go along."""
        if self.app.mouse_captured is self:
            self._seek(event.x)

    def on_mouse_up(self) -> None:
        """Let go."""
        self.release_mouse()

    def _seek(self, column: int) -> None:
        if self.total:
            self.post_message(self.Sought(timeline.track(self.size.width, self.total).step(column)))
