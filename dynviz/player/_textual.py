"""Every private part of Textual that the player uses, which is why Textual is pinned to one major."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console, RenderableType
from rich.segment import Segment
from textual._compositor import LayoutUpdate
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.strip import Strip


class LazyStrip(Strip, ABC):
    """A row of the screen that knows how it is written, and makes Segments only for those who ask for them.

    Textual writes what `render` gives; all else that it does with a strip goes through `_segments`.
    """

    __slots__ = ("_made",)

    def __init__(self, columns: int) -> None:
        """Take so many columns; each holds one character, so nothing needs to be counted."""
        super().__init__((), columns)
        self._made: list[Segment] | None = None
        self._cell_count = columns

    @abstractmethod
    def make_segments(self) -> list[Segment]:
        """The row as Segments."""

    @abstractmethod
    def make_text(self) -> str:
        """The row as the terminal reads it."""

    @property
    def _segments(self) -> list[Segment]:
        if self._made is None:
            self._made = self.make_segments()
        return self._made

    @_segments.setter
    def _segments(self, segments: list[Segment]) -> None:
        self._made = segments

    def render(self, console: Console) -> str:  # noqa: ARG002 - the signature is Textual's
        """The row as the terminal reads it; the console's colours do not matter."""
        if self._render_cache is None:
            self._render_cache = self.make_text()
        return self._render_cache


class WholeScreenApp(App[int]):
    """An application that hears when all of its screen is about to be written."""

    def whole_screen(self) -> None:
        """All of the screen is about to be written."""

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, LayoutUpdate):
            self.whole_screen()
        super()._display(screen, renderable)


class RedirectedDriver(LinuxDriver):
    """A driver that writes through another file, as much as it is given at once."""

    def redirect(self, wrap: Any) -> None:
        """Write to `wrap(file)` in place of the terminal's file."""
        self._file: Any = wrap(self._file)

    def unbound(self) -> bool:
        """Let any number of writes wait, for a full queue blocks the player; whether writes wait at all."""
        if self._writer_thread is None:
            return False
        self._writer_thread._queue.maxsize = 0
        return True


def screen_rows(app: App[Any]) -> Iterator[Iterable[Segment]]:
    """The rows of what an application shows now."""
    return iter(app.screen._compositor.render_strips())
