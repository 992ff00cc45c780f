"""The way out to the terminal: in pieces, so that a picture that came too late is left where it is."""

import os
import threading
import time
from collections.abc import Iterator
from typing import IO, Any

from textual import events
from textual.message import Message

from dynviz.player._textual import LinkedApp, RedirectedDriver
from dynviz.player.terminal.link import FRAME, Link

PIECE = 8000
"""Characters that are written at once."""
WHERE = "\x1b[6n"
"""Asks where the cursor is: every terminal answers that, when it has read so far."""
CLEAN = "\x18\x1b[0m"
"""Ends a sequence that was begun, and all colours."""
CORNER = (2, 3)
"""Row and column, from 1, of the cursor when it is asked for last, and at no other time."""
PATIENCE = 3.0
"""Seconds in which the last answer is awaited: the shell would take it for keys."""


class LinkedFile:
    """A file to write to."""

    def __init__(self, file: IO[str], link: Link) -> None:
        self._target, self._link = file, link
        self._closed = False

    def fileno(self) -> int:
        """Of the terminal."""
        return self._target.fileno()

    def flush(self) -> None:
        """Nothing is held back."""

    def write(self, text: str) -> None:
        """Write it, but of a picture nothing more from the moment on in which it is cut."""
        left = len(text)
        for piece in pieces(text) if left >= FRAME else (text,):
            if left >= FRAME and self._link.cutting:
                self._put(CLEAN)
                break
            self._put(piece)
            self._link.take(len(piece))
            left -= len(piece)
        else:
            return
        self._link.take(left)

    def _put(self, text: str) -> None:
        data = text.encode(errors="replace")
        while data and not self._closed:
            try:
                data = data[os.write(self.fileno(), data) :]
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:
                # Nobody is there any more; that ends us by a signal, and until then nothing may wait.
                self._closed = True


def pieces(text: str) -> Iterator[str]:
    r"""A text in pieces, each but the first begins with a sequence: between them it can be cut.

    >>> [len(piece) for piece in pieces("\x1b[0m" + 9000 * "x" + "\x1b[1m" + "y")]
    [9004, 5]
    """
    start = 0
    while start < len(text):
        end = text.find("\x1b", start + PIECE)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end


class LinkedDriver(RedirectedDriver):
    """The driver, which tells the link of all that goes out, and asks the terminal how far it is."""

    def __init__(self, app: LinkedApp, **options: Any) -> None:
        super().__init__(app, **options)
        self._link = app.link
        self.redirect(lambda file: LinkedFile(file, self._link))
        self._over, self._ended = threading.Event(), True

    def start_application_mode(self) -> None:
        """Begin, and ask something: the answer says how long even the shortest one takes."""
        self._link.begin()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # That little waits is seen to by the link.
        if self.unbound():
            self._ended = False
            self._ask()

    def write(self, data: str) -> None:
        """Write it, and ask behind a picture."""
        self._link.give(len(data))
        super().write(data)
        if len(data) >= FRAME:
            self._ask()

    def _ask(self) -> None:
        self._link.give(len(WHERE))
        self._link.ask()
        super().write(WHERE)

    def process_message(self, message: Message) -> None:
        """Hear what it answers."""
        if not isinstance(message, events.CursorPosition):
            super().process_message(message)
        elif (message.y + 1, message.x + 1) == CORNER:
            self._over.set()
        else:
            self._link.answer()

    def stop_application_mode(self) -> None:
        """End, and set the terminal right: with nothing of what is thrown away before that."""
        self._end()
        super().stop_application_mode()

    def disable_input(self) -> None:
        """End."""
        self._end()
        super().disable_input()

    def _end(self) -> None:
        """Throw away what nobody will see any more, and hear what was asked for, while that can be heard."""
        if self._ended:
            return
        self._ended = True
        self._link.cut()
        self.discard()
        self._over.clear()
        self.write(CLEAN)
        if self._link.answers:
            self.write(f"\x1b[{CORNER[0]};{CORNER[1]}H{WHERE}")
            self._over.wait(PATIENCE)
