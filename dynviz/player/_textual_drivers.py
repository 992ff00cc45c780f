"""Every private part of Textual's drivers that the player uses; see `_textual`."""

import codecs
import contextlib
import os
import selectors
import termios
import tty
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

from textual import messages
from textual._parser import ParseError
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.drivers.web_driver import WebDriver
from textual.message import Message

from dynviz.player.terminal.answers import AnswerFilter

GLANCE = 0.1
"""Seconds between two looks at whether the player ends."""


class AnswerlessParser(XTermParser):
    """A parser of input that drops what a terminal answers too late; Textual would take it for keys."""

    def __init__(self, debug: bool = False) -> None:  # noqa: FBT001, FBT002 - as Textual calls it
        super().__init__(debug)
        self._filter = AnswerFilter()

    def feed(self, data: str) -> Iterable[Message]:
        """The messages of an input; no text at all is its end."""
        kept = self._filter.without(data)
        return super().feed(kept) if kept or not data else ()

    @property
    def patience(self) -> float:
        """Seconds after which an Escape that stays alone is the key; at most `GLANCE`."""
        due = self._timeout_time
        return GLANCE if due is None else min(max(due - get_time(), 0.0), GLANCE)


READ = 4096
"""Bytes that are read at once."""


class RedirectedDriver(LinuxDriver):
    """A driver that writes through another file, as much as it is given at once."""

    def start_application_mode(self) -> None:
        """Begin, with output that the system passes on as it is: to look for line ends in it costs a quarter more."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        with contextlib.suppress(termios.error):
            attributes = termios.tcgetattr(self.fileno)
            attributes[tty.OFLAG] &= ~termios.OPOST
            termios.tcsetattr(self.fileno, termios.TCSANOW, attributes)

    def _sigcont_application(self, *arguments: Any) -> None:
        """Go on; where SIGSTOP left no time to end before, as anybody may, first end, once nothing else is under way.

        What the terminal was before the player would else be forgotten, and two threads would read the keys.
        """
        if self._key_thread is None or not self._key_thread.is_alive():
            super()._sigcont_application(*arguments)
        elif self._auto_restart:
            self._loop.call_soon_threadsafe(self._begin_again)

    def _begin_again(self) -> None:
        self.suspend_application_mode()
        self._must_signal_resume = True
        self.resume_application_mode()

    def run_input_thread(self) -> None:
        """Dispatch what is read; Textual itself would take a tenth of a second to tell an Escape from a sequence."""
        parser, decode = AnswerlessParser(), codecs.getincrementaldecoder("utf-8")().decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            over = False
            while not over:
                over = self.exit_event.is_set()
                if selector.select(parser.patience):
                    self._dispatch(parser.feed(text) if (text := decode(os.read(self.fileno, READ))) else ())
                self._dispatch(parser.tick())
        with contextlib.suppress(EOFError, ParseError):
            self._dispatch(parser.feed(""))

    def _dispatch(self, found: Iterable[Message]) -> None:
        for message in found:
            self.process_message(message)

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
