"""Output to the terminal, in pieces, so that a picture that is too late can be broken off."""

import os
import re
import threading
import time
from collections.abc import Iterator
from typing import IO, Any

from textual import events
from textual.message import Message

from dynviz.player._textual import LinkedApp
from dynviz.player._textual_drivers import RedirectedDriver
from dynviz.player.terminal.link import FRAME, Link

PIECE = 8000
"""Characters that are written at once."""
QUERY = "\x1b[6n"
"""Asks for the cursor's position, which every terminal answers once it has read that far."""
RESET = "\x1b\\\x18\x1b[0m"
"""Ends a text or a sequence that was begun, and all colours."""
SEAM = re.compile(r"\x1b(?:\[|7|_Ga=|Ptmux;\x1b\x1b_Ga=)")
"""What may begin a piece: a sequence that is complete in itself. A picture that was begun is sent to its end: what came
after it would be taken for the rest."""
LAST_CURSOR = (2, 3)
"""Row and column, from 1, where the cursor is for the last query, and for no other."""
PATIENCE = 3.0
"""Seconds for which the last answer is awaited: the shell would take it for keys."""


class LinkedFile:
    """The terminal's file, which tells the link what was written."""

    def __init__(self, file: IO[str], link: Link) -> None:
        self._target, self._link = file, link
        self._closed = False

    def fileno(self) -> int:
        """The descriptor of the terminal."""
        return self._target.fileno()

    def flush(self) -> None:
        """Nothing is held back."""

    def write(self, text: str) -> None:
        """Write a text; of a picture, nothing more once it is cut."""
        left = len(text)
        for piece in pieces(text) if left >= FRAME else (text,):
            if left >= FRAME and self._link.cutting:
                self._put(RESET)
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
                # The terminal is gone; a signal will end the player, and until then nothing may wait.
                self._closed = True


def pieces(text: str) -> Iterator[str]:
    r"""A text in pieces, of which all but the first begin with a control sequence: between them it can be cut.

    >>> [len(piece) for piece in pieces("\x1b[0m" + 9000 * "x" + "\x1b[1m" + "y")]
    [9004, 5]
    """
    start = 0
    while start < len(text):
        seam = SEAM.search(text, start + PIECE)
        end = len(text) if seam is None else seam.start()
        yield text[start:end]
        start = end


class LinkedDriver(RedirectedDriver):
    """A driver that tells the link of all output, and queries the terminal for how far it has read."""

    def __init__(self, app: LinkedApp, **options: Any) -> None:
        super().__init__(app, **options)
        self._link = app.link
        self._surface = app.surface
        self.redirect(lambda file: LinkedFile(file, self._link))
        self._over, self._ended = threading.Event(), True

    def start_application_mode(self) -> None:
        """Begin with a query: the answer tells how long even the shortest text takes."""
        self._link.begin()
        if self._surface is not None:
            self._surface.open()
        super().start_application_mode()
        # The link sees to it that little waits.
        if self.unbound():
            self._ended = False
            self._query()

    def write(self, data: str) -> None:
        """Write a text, with a query behind a picture."""
        self._link.give(len(data))
        super().write(data)
        if len(data) >= FRAME:
            self._query()

    def _query(self) -> None:
        self._link.give(len(QUERY))
        self._link.ask()
        super().write(QUERY)

    def process_message(self, message: Message) -> None:
        if not isinstance(message, events.CursorPosition):
            super().process_message(message)
        elif (message.y + 1, message.x + 1) == LAST_CURSOR:
            self._over.set()
        else:
            self._link.answer()

    def stop_application_mode(self) -> None:
        self._end()
        super().stop_application_mode()

    def disable_input(self) -> None:
        self._end()
        super().disable_input()

    def _end(self) -> None:
        """Drop what nobody will see any more, and wait for the last answer while it can be read."""
        if self._ended:
            return
        self._ended = True
        self._link.cut()
        self.discard()
        self._over.clear()
        self.write(RESET)
        if self._surface is not None:
            self.write(self._surface.close())
        if self._link.answers:
            self.write(f"\x1b[{LAST_CURSOR[0]};{LAST_CURSOR[1]}H{QUERY}")
            self._over.wait(PATIENCE)
