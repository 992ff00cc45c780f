"""One browser's player: a process, and the packets to and from it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

from dynviz.process.child import starting

CODE = (
    "import json, sys; job = json.loads(sys.argv[1]); sys.path[:] = job['path']; "
    "from dynviz.player.served import show; show(job)"
)
FIRST_LINE = b"__GANGLION__\n"
"""What Textual's driver for browsers says first."""
DATA, META = b"D", b"M"
LARGEST = 1 << 26
"""Bytes of a packet at most; a player's picture has some hundred thousand."""
PATIENCE = 3.0
"""Seconds that a player has to end before it is killed; what it trains is a process of its own and goes on."""


class Viewer:
    """A player in a process of its own.

    Attributes:
        process_id: Of the player.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._input, self._output = process, process.stdin, process.stdout
        self.process_id = process.pid

    @classmethod
    async def start(cls, job: Mapping[str, Any], size: tuple[int, int]) -> "Viewer":
        """Start a player.

        Args:
            job: See `dynviz.player.served.show`.
            size: Columns and rows of the page.

        Raises:
            DynvizError: The system starts no further process.
        """
        columns, rows = map(str, size)
        environ = {name: value for name, value in os.environ.items() if name not in ("TMUX", "SSH_CONNECTION", "LINES")}
        environ |= {"COLUMNS": columns, "ROWS": rows, "TEXTUAL_COLOR_SYSTEM": "truecolor", "TERM": "xterm-256color"}
        with starting("plays"):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                CODE,
                json.dumps({**job, "path": sys.path}),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=environ,
                # Ctrl-C is for the server, which ends its players.
                start_new_session=True,
            )
        return cls(process)

    async def output(self) -> AsyncIterator[bytes]:
        """What the player writes to its terminal, until it ends."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            if await self._output.readline() != FIRST_LINE:
                return
            while True:
                kind, size = await self._output.readexactly(1), await self._output.readexactly(4)
                length = int.from_bytes(size, "big")
                if kind not in (DATA, META) or length > LARGEST:
                    return
                payload = await self._output.readexactly(length)
                if kind == DATA:
                    yield payload
                elif json.loads(payload).get("type") == "exit":
                    return

    async def type(self, text: str) -> None:
        """Send what was typed; halves of letters, which JSON can hold, are left out."""
        # To Textual nothing at all is the end.
        if data := text.encode(errors="ignore"):
            await self._send(DATA, data)

    async def tell(self, kind: str, **values: int) -> None:
        """Tell the player something: `resize` with `width` and `height`, `focus`, `blur`, `quit`."""
        await self._send(META, json.dumps({"type": kind, **values}).encode())

    async def _send(self, kind: bytes, payload: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self._input.write(kind + len(payload).to_bytes(4, "big") + payload)
            await self._input.drain()

    async def end(self) -> None:
        """End the player: it is asked, then told, then killed."""
        self._input.close()
        # What it still writes must not keep it from ending.
        draining = asyncio.create_task(self._output.read())
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                with contextlib.suppress(ProcessLookupError):
                    self._process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), PATIENCE)
                break
        draining.cancel()
