"""Output to a browser: packets on standard output, which a server passes on."""

import os
from typing import Any

from textual import events, messages
from textual.message import Message

from dynviz.player._textual import LinkedApp
from dynviz.player._textual_drivers import PacketDriver
from dynviz.player.terminal.driver import QUERY
from dynviz.player.terminal.link import FRAME

LARGEST = (500, 200)
"""Columns and rows at most: a page could ask for any size."""


def within(columns: int, rows: int) -> tuple[int, int]:
    """A size that a player can have.

    >>> within(120, 40), within(-1, 10**9)
    ((120, 40), (1, 200))
    """
    return max(1, min(columns, LARGEST[0])), max(1, min(rows, LARGEST[1]))


class BrowserDriver(PacketDriver):
    """A driver that tells the link of all output, and asks the page how far it has read.

    What comes from the page may be anything: of a size only what `within` admits is believed.
    """

    def __init__(self, app: LinkedApp, **options: Any) -> None:
        super().__init__(app, **options)
        self.bound(within)
        self._link, self._gone = app.link, False

    def start_application_mode(self) -> None:
        """Begin with a query: the answer tells how long even the shortest text takes."""
        self._link.begin()
        super().start_application_mode()
        self._query()

    def write(self, data: str) -> None:
        """Write a text, with a query behind a picture."""
        self._link.give(len(data))
        super().write(data)
        self._link.take(len(data))
        if len(data) >= FRAME:
            self._query()

    def _query(self) -> None:
        self._link.give(len(QUERY))
        self._link.ask()
        super().write(QUERY)
        self._link.take(len(QUERY))

    def put(self, data: bytes) -> None:
        """Write bytes; none once the server is gone, whose end is seen by the reader of input."""
        while data and not self._gone:
            try:
                data = data[os.write(self.fileno, data) :]
            except OSError:
                self._gone = True

    def on_meta(self, packet_type: str, payload: dict[str, Any]) -> None:
        """Obey the server: sizes of the page, its focus, its end."""
        if packet_type == "resize":
            width, height = within(payload["width"], payload["height"])
            payload = {**payload, "width": width, "height": height}
        super().on_meta(packet_type, payload)

    def process_message(self, message: Message) -> None:
        """Take what was typed; that a text claims another size is not believed."""
        if isinstance(message, events.CursorPosition):
            self._link.answer()
        elif not isinstance(message, (events.Resize, messages.InBandWindowResize)):
            super().process_message(message)
