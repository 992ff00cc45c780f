"""A server of players in this process, and a page as a test is one."""

import asyncio
import contextlib
import json

import aiohttp
import pyte
from aiohttp import web

from dynviz.serving.gate import Gate
from dynviz.serving.server import PlayerServer, Terms

TOKEN = "a-token"
PATIENCE = 60.0


class Serving:
    """A server that listens."""

    def __init__(self, server, port, client):
        self.server, self.port, self.client = server, port, client
        self.root = f"http://127.0.0.1:{port}"
        self.address = f"{self.root}/{TOKEN}/"

    async def raw(self, request):
        """What it answers to these bytes, until it closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        return answer

    @contextlib.asynccontextmanager
    async def page(self, query="columns=100&rows=30&ground=dark"):
        """A page that is connected."""
        async with self.client.ws_connect(f"{self.address}ws?{query}", origin=self.root) as socket:
            yield Viewed(socket, 100, 30)


class Viewed:
    """A page: its screen as an emulator has it."""

    def __init__(self, socket, columns, rows):
        self.socket, self._screen = socket, pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self._screen.display)

    async def read(self):
        """Read what is sent next; whether it was a text for the screen."""
        message = await asyncio.wait_for(self.socket.receive(), PATIENCE)
        if message.type is not aiohttp.WSMsgType.BINARY:
            return False
        self._stream.feed(message.data)
        # The server may be closing the connection meanwhile.
        with contextlib.suppress(ConnectionError):
            for _ in range(message.data.count(b"\x1b[6n")):
                await self.type("\x1b[1;1R")
        return True

    async def wait_for(self, words):
        while words not in self.text:
            assert await self.read(), f"closed ({self.socket.close_code}) without {words!r}:\n{self.text}"

    async def closed(self):
        """Wait until it is closed; the code."""
        while await self.read():
            pass
        return self.socket.close_code

    async def say(self, *message):
        await self.socket.send_str(json.dumps(message))

    async def type(self, text):
        await self.say("type", text)


@contextlib.asynccontextmanager
async def serving(*sources, read_only=True, step=None, **terms):
    job = {"sources": [str(source) for source in sources], "view": None, "theme": None, "step": step}
    server = PlayerServer(Gate("127.0.0.1", TOKEN), Terms({**job, "read_only": read_only}, **terms))
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with aiohttp.ClientSession() as client:
            yield Serving(server, runner.addresses[0][1], client)
    finally:
        await runner.cleanup()
