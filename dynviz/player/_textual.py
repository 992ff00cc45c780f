"""Every private part of Textual that the player uses, but for drivers; why Textual is pinned to one major."""

import asyncio
import contextlib
import contextvars
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import textual
from rich.color import ColorSystem
from rich.console import Console, RenderableType
from rich.segment import Segment, Segments
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import LayoutUpdate
from textual.app import App
from textual.cache import FIFOCache
from textual.events import ScreenResume
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Region, Size
from textual.keys import _character_to_key
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from dynviz.cells.depth import Depth
from dynviz.player.terminal.link import Link
from dynviz.player.terminal.surface import PictureSurface

Result = TypeVar("Result")


CACHED = 4
"""How many results a cache of a strip holds."""


class LazyStrip(Strip, ABC):
    """A row of the screen that is written as text and makes Segments only on request.

    Textual writes the result of `render`; everything else it does with a strip goes through `_segments`.
    """

    __slots__ = ("_made",)

    def __init__(self, columns: int) -> None:
        """Make a strip this wide; each column holds one character, so nothing needs to be counted."""
        # Without the seven caches of Textual's strips, which take most of the time that it takes to make one.
        self._cell_length = self._cell_count = columns
        self._made: list[Segment] | None = None
        self._render_cache: str | None = None
        self._link_ids: set[str] | None = None

    def __getattr__(self, name: str) -> FIFOCache[Any, Any]:
        """A cache, once it is used."""
        if not name.endswith("_cache"):
            raise AttributeError(name)
        cache: FIFOCache[Any, Any] = FIFOCache(CACHED)
        setattr(self, name, cache)
        return cache

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


COLOR_SYSTEMS = {"true": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT, "16": ColorSystem.STANDARD}


class LinkedApp(App[int]):
    """An application that writes through a link, and shows pictures on a surface where the terminal has one."""

    def __init__(self, link: Link, surface: PictureSurface | None = None, depth: Depth = "true") -> None:
        super().__init__()
        if depth != "none":
            # By the variables alone, rich would take a terminal for one of 16 colours that has said it shows all.
            self.console._color_system = COLOR_SYSTEMS[depth]
        self.link, self.surface = link, surface
        self._rows: list[str] = []

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Those that dim or remove colours.

        By default Textual would also replace the 16 colours of the terminal by those of its theme, row by row.
        """
        return [one for one in super().get_line_filters() if not isinstance(one, ANSIToTruecolor)]

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        self._flush_rows()
        if isinstance(renderable, LayoutUpdate):
            # The whole screen is written, so pending updates are obsolete.
            self.link.cut()
        super()._display(screen, renderable)

    def write_sequence(self, text: str) -> None:
        """Write something to the terminal that it obeys rather than shows."""
        self._flush_rows()
        if self._driver is not None:
            self._driver.write(text)

    @property
    def writes(self) -> bool:
        """Whether anything is shown now."""
        return self._running and not self._batch_count

    def write_rows(self, region: Region, texts: Iterable[str]) -> None:
        """Write the rows of a region before anything else is written, and with others that follow at once."""
        if not self._rows:
            asyncio.get_running_loop().call_soon(self._flush_rows)
        self._rows += [f"\x1b[{row};{region.x + 1}H{text}" for row, text in enumerate(texts, region.y + 1)]

    def _flush_rows(self) -> None:
        rows, self._rows = self._rows, []
        if rows and self._driver is not None:
            self._driver.write("".join([SYNC_START, *rows, SYNC_END] if self._sync_available else rows))

    def _fatal_error(self) -> None:
        """A traceback without the values of all variables, which are arrays here."""
        # Imported only on errors: it would take a tenth of the startup time.
        from rich.traceback import Traceback

        self.bell()
        trace = Traceback(show_locals=False, width=None, suppress=[textual])
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()


SETTLING = 300
"""Turns of the event loop after which a screen is drawn even if messages are under way, as where training goes on."""
QUIET = 4
"""Turns without any after which it is drawn; one that is being handled is in no queue."""


class CoveredScreen(Screen[Result]):
    """A screen that may be covered by a dialog, or be one.

    Once a covered screen has changed, Textual has it and the dialog drawn again with each message that it gets. A
    screen that comes to the front it draws up to six times, as its widgets get to know their sizes; here it is drawn
    once they do.
    """

    _settling = False

    def _on_screen_resume(self, event: ScreenResume) -> None:  # noqa: ARG002 - beside that of Textual
        self._settling = True
        self._settle(SETTLING, QUIET)

    def _settle(self, rounds: int, quiet: int) -> None:
        if rounds and quiet and self.is_current:
            quiet = QUIET if unfinished(self.app) else quiet - 1
            asyncio.get_running_loop().call_soon(self._settle, rounds - 1, quiet)
        else:
            self._settling = False
            self._compositor_refresh()

    def poster(self) -> Callable[[Callable[[], None]], None]:
        """What has functions called in this thread, from any thread: past the queue, in which that takes long."""
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()

        def post(function: Callable[[], None]) -> None:
            # The player may have ended.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._call, function, context=context)

        return post

    def call_in(self, seconds: float, function: Callable[[], None]) -> asyncio.TimerHandle:
        """Have a function called some seconds later."""
        return asyncio.get_running_loop().call_later(seconds, self._call, function)

    def _call(self, function: Callable[[], None]) -> None:
        if self._running and not self._closing:
            try:
                function()
            except Exception as error:
                self.app._handle_exception(error)

    def writes(self, widget: Widget) -> bool:
        """Whether a widget is where it will be, with nothing over it."""
        # To Textual a screen under a dialog is current, too.
        if self.app.screen is not self or self._settling or self._layout_required:
            return False
        if self._scroll_required or self._repaint_required:
            return False
        visible = self._compositor.visible_widgets
        region, clip = visible.get(widget, (Region(), Region()))
        around = {widget, *widget.ancestors}
        alone = not any(place.overlaps(region) for other, (place, _) in visible.items() if other not in around)
        return alone and bool(region) and clip.contains_region(region) and region.size == widget.size

    def _compositor_refresh(self) -> None:
        if self._settling and self.is_current:
            # The compositor knows their regions by now.
            self._dirty_widgets.clear()
            return
        super()._compositor_refresh()
        if self.app.screen is not self:
            # What has changed was passed on to the dialog by now.
            self._repaint_required = False


class DirectWidget(Widget):
    """A widget that is written at once where nothing lies over it, which Textual takes milliseconds for."""

    @property
    def size(self) -> Size:
        """All of it: without a border or padding there is nothing to take away, which Textual does each time."""
        return self.outer_size

    def texts(self) -> Iterable[str]:
        """Its rows as terminal output."""
        return [strip.render(self.app.console) for strip in self.render_lines(self.size.region)]

    def repaint(self) -> None:
        """Show what has changed."""
        screen, app = self.screen, self.app
        if isinstance(app, LinkedApp) and isinstance(screen, CoveredScreen) and app.writes and screen.writes(self):
            app.write_rows(self.region, self.texts())
        else:
            self.refresh()


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
