"""Widgets of one row of words: plain, of views, and the timeline."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual import events
from textual.filter import ANSIToTruecolor
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from dynviz.player import header, styles, timeline
from dynviz.player.words import Row

if TYPE_CHECKING:
    from dynviz.player.app import Player


class Bar(Widget):
    """One row, exactly as wide as it is told to be; drawn again only when its words change."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"
    app: "Player"

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self.words: Row = ()
        self._theme = "dark"

    def show(self, words: Row, theme: str) -> None:
        """Show these words."""
        if (words, theme) != (self.words, self._theme):
            self.words, self._theme = words, theme
            self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The row, or a part of it, in the very colours: Textual would have those of 16 mean what its theme says."""
        style = partial(styles.style, self._theme, depth=self.app.delivery.best.depth)
        segments = [Segment(word.text, style(word.role, bold=word.bold)) for word in self.words]
        row = Strip(segments, sum(word.width for word in self.words))
        row = row.adjust_cell_length(self.size.width, style("text"))
        filters = self.app.get_line_filters()
        if any(not isinstance(each, ANSIToTruecolor) for each in filters):
            for each in filters:
                row = row.apply_filter(each, self.background_colors[1])
        return [row.crop(crop.x, crop.right)] * crop.height


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
