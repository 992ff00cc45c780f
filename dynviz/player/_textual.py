"""Every private part of Textual that the player uses, which is why Textual is pinned to one major."""

import contextlib
import termios
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import textual
from rich.console import Console, RenderableType
from rich.segment import Segment, Segments
from textual import messages
from textual._compositor import LayoutUpdate
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.drivers.web_driver import WebDriver
from textual.geometry import Region
from textual.keys import _character_to_key
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip

from dynviz.player.terminal.answers import AnswerFilter
from dynviz.player.terminal.link import Link
from dynviz.player.terminal.surface import PictureSurface

Result = TypeVar("Result")


class LazyStrip(Strip, ABC):
    """A row of the screen that is written as text and makes Segments only on request.

    Textual writes the result of `render`; everything else it does with a strip goes through `_segments`.
    """

    __slots__ = ("_made",)

    def __init__(self, columns: int) -> None:
        """Make a strip this wide; each column holds one character, so nothing needs to be counted."""
        super().__init__((), columns)
        self._made: list[Segment] | None = None
        self._cell_count = columns

    @abstractmethod
    def make_segments(self) -> list[Segment]:
        """The row as Segments."""

    @abstractmethod
    def make_text(self, console: Console) -> str:
        """The row as terminal output."""

    @property
    def _segments(self) -> list[Segment]:
        if self._made is None:
            self._made = self.make_segments()
        return self._made

    @_segments.setter
    def _segments(self, segments: list[Segment]) -> None:
        self._made = segments

    def render(self, console: Console) -> str:
        """The row as terminal output."""
        if self._render_cache is None:
            self._render_cache = self.make_text(console)
        return self._render_cache


class LinkedApp(App[int]):
    """An application that writes through a link, and shows pictures on a surface where the terminal has one."""

    def __init__(self, link: Link, surface: PictureSurface | None = None) -> None:
        super().__init__()
        self.link, self.surface = link, surface

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, LayoutUpdate):
            # The whole screen is written, so pending updates are obsolete.
            self.link.cut()
        super()._display(screen, renderable)

    def write_sequence(self, text: str) -> None:
        """Write something to the terminal that it obeys rather than shows."""
        if self._driver is not None:
            self._driver.write(text)

    def _fatal_error(self) -> None:
        """A traceback without the values of all variables, which are arrays here."""
        # Imported only on errors: it would take a tenth of the startup time.
        from rich.traceback import Traceback

        self.bell()
        trace = Traceback(show_locals=False, width=None, suppress=[textual])
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()


class CoveredScreen(Screen[Result]):
    """A screen that may be covered by a dialog.

    Once a covered screen has changed, Textual has it and the dialog drawn again with each message that it gets.
    """

    def _compositor_refresh(self) -> None:
        super()._compositor_refresh()
        if self.app.screen is not self:
            # What has changed was passed on to the dialog by now.
            self._repaint_required = False


class AnswerlessParser(XTermParser):
    """A parser of input that drops what a terminal answers too late; Textual would take it for keys."""

    def __init__(self, debug: bool = False) -> None:  # noqa: FBT001, FBT002 - as Textual calls it
        super().__init__(debug)
        self._filter = AnswerFilter()

    def feed(self, data: str) -> Iterable[Message]:
        """The messages of an input; no text at all is its end."""
        kept = self._filter.without(data)
        return super().feed(kept) if kept or not data else ()


linux_driver.XTermParser = AnswerlessParser  # type: ignore[attr-defined]


class RedirectedDriver(LinuxDriver):
    """A driver that writes through another file, as much as it is given at once."""

    def redirect(self, wrap: Any) -> None:
        """Write to `wrap(file)` in place of the terminal's file."""
        self._file: Any = wrap(self._file)

    def discard(self) -> None:
        """Discard output that the system has queued for the terminal but not sent."""
        with contextlib.suppress(termios.error):
            termios.tcflush(self._file.fileno(), termios.TCOFLUSH)

    def unbound(self) -> bool:
        """Remove the limit on queued writes, because a full queue blocks the player; whether there is a queue."""
        if self._writer_thread is None:
            return False
        self._writer_thread._queue.maxsize = 0
        return True


class PacketDriver(WebDriver, ABC):
    """A driver that writes packets to standard output and reads them from standard input, until that ends."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._write: Any = self.put

    def bound(self, within: Callable[[int, int], tuple[int, int]]) -> None:
        """Begin with a size that `within` admits."""
        if self._size is not None:
            self._size = within(*self._size)

    @abstractmethod
    def put(self, data: bytes) -> None:
        """Write bytes to standard output."""

    def run_input_thread(self) -> None:
        """Dispatch what is read; its end is that of the application, which nobody sees any more."""
        super().run_input_thread()
        self._app.call_later(self._app.post_message, messages.ExitApp())


def key_name(key: str) -> str:
    """The name of a key, which may be given as the character that it writes.

    >>> key_name("["), key_name("n"), key_name("ctrl+left")
    ('left_square_bracket', 'n', 'ctrl+left')
    """
    return _character_to_key(key) if len(key) == 1 else key


def unfinished(app: App[Any]) -> bool:
    """Whether messages wait or changes are not drawn yet; the latter are drawn now rather than with the next frame."""
    widgets = [widget for screen in app.screen_stack for widget in (screen, *screen.walk_children())]
    if any(pump._next_callbacks or not pump._message_queue.empty() for pump in (app, *widgets)):
        return True
    screen = app.screen
    changed = (
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or bool(screen._dirty_widgets)
        or bool(screen._callbacks)
    )
    if changed:
        screen._on_timer_update()
    return changed


def rows_of(screen: Screen[Any], first: int, last: int) -> list[Iterable[Strip]]:
    """The strips that each row of a screen is made of, from row `first` to before row `last`."""
    compositor = screen._compositor
    size = compositor.size
    last = min(last, size.height)
    chops = compositor._render_chops(
        Region(0, first, size.width, max(last - first, 0)), range(first, last).__contains__
    )
    return [[strip for strip in chops[row].values() if strip is not None] for row in range(first, last)]
