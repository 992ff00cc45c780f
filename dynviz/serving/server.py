"""The server: a page, and for each that is open a player."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.typedefs import Handler

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.serving.assets import assets
from dynviz.serving.gate import HEADERS, Gate
from dynviz.serving.viewer import Viewer

LARGEST_MESSAGE = 1 << 16
"""Bytes of a message from a page at most: of a long text that is pasted."""
HEARTBEAT = 15.0
"""Seconds between two questions whether the page is still there."""
HALT = 5.0
"""Seconds that connections have to close when the server ends."""


@frozen
class Terms:
    """What the server gives to whom.

    Attributes:
        job: What players show; see `dynviz.player.served.show`.
        sessions: Players at the same time, at most.
        idle: Seconds without a key or the mouse after which a player ends.
    """

    job: Mapping[str, Any]
    sessions: int = 8
    idle: float = 1800.0


@frozen
class Farewell:
    """What a page is told as its connection is closed."""

    code: WSCloseCode
    message: bytes


class PlayerServer:
    """Serves a page with a player in it.

    Attributes:
        gate: Decides which requests are answered.
        viewers: The players that are shown now.
    """

    def __init__(self, gate: Gate, terms: Terms) -> None:
        self.gate, self._terms = gate, terms
        self.viewers: set[Viewer] = set()
        self._seats = 0
        self._over = asyncio.Event()
        self._ending: set[asyncio.Task[None]] = set()
        self._assets = assets()

    def application(self) -> web.Application:
        """The application for aiohttp."""
        application = web.Application(middlewares=[self._let_in], client_max_size=0)
        application.router.add_route("*", "/{path:.*}", self._answer)
        application.on_response_prepare.append(_with_headers)
        application.on_shutdown.append(self._close)
        application.on_cleanup.append(self._wait)
        return application

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse who does not know the address, in words that repeat nothing of the request."""
        host = request.headers.get("Host", "")
        if self.gate.name(request.path) is None or not self.gate.knows(host):
            return _refusal(403, "Open the whole address that `dynviz serve` printed.")
        if request.method != "GET":
            return _refusal(405, "This page is only read.")
        return await handler(request)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name = self.gate.name(request.path) or "index.html"
        if name == "ws":
            return await self._watch(request)
        asset = self._assets.get(name)
        if asset is None:
            return _refusal(404, "There is no such page.")
        return web.Response(body=asset.body, content_type=asset.kind, charset=asset.charset)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        """Show a player to a page, until either ends."""
        if not self.gate.is_own(request.headers.get("Origin", ""), request.headers.get("Host", "")):
            return _refusal(403, "Only the page of this server may connect.")
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=LARGEST_MESSAGE, compress=False)
        if not socket.can_prepare(request):
            return _refusal(400, "This is for websockets.")
        await socket.prepare(request)
        if self._seats >= self._terms.sessions:
            words = f"{self._seats} players are open, and there may be no more; close one, then reload this page"
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=words.encode())
            return socket
        self._seats += 1
        try:
            await self._play(socket, request.query)
        finally:
            self._seats -= 1
        return socket

    async def _play(self, socket: web.WebSocketResponse, query: Mapping[str, str]) -> None:
        size = _number(query.get("columns"), 80), _number(query.get("rows"), 24)
        ground = "light" if query.get("ground") == "light" else "dark"
        try:
            viewer = await Viewer.start({**self._terms.job, "ground": ground}, size)
        except DynvizError as error:
            await socket.close(code=WSCloseCode.INTERNAL_ERROR, message=str(error).encode()[:120])
            return
        self.viewers.add(viewer)
        ways = _show(viewer, socket), self._listen(viewer, socket), self._server_ends()
        tasks = [asyncio.create_task(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending = next((task for task in tasks if task.done()), None)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.viewers.discard(viewer)
            end = asyncio.create_task(viewer.end())
            self._ending.add(end)
            end.add_done_callback(self._ending.discard)
        if ending is not None and (words := ending.result()) is not None:
            # Only now: while a message is awaited, aiohttp closes the connection without waiting for the page's
            # answer, and then what was sent before may be lost.
            await socket.close(code=words.code, message=words.message)

    async def _server_ends(self) -> Farewell:
        await self._over.wait()
        return Farewell(WSCloseCode.GOING_AWAY, b"the server has ended")

    async def _listen(self, viewer: Viewer, socket: web.WebSocketResponse) -> Farewell | None:
        """Pass on what the page says, until it has gone, says what no page of ours does, or says nothing for long."""
        end = asyncio.get_running_loop().time() + self._terms.idle
        while True:
            try:
                message = await socket.receive(timeout=max(end - asyncio.get_running_loop().time(), 0.0))
            except TimeoutError:
                words = b"nobody pressed a key for a long time; reload this page to go on"
                return Farewell(WSCloseCode.OK, words)
            if message.type is not WSMsgType.TEXT:
                return None
            try:
                kind, *values = json.loads(message.data)
                if kind == "type":
                    (text,) = values
                    await viewer.type(str.__add__(text, ""))
                elif kind == "size":
                    columns, rows = values
                    await viewer.tell("resize", width=int.__index__(columns), height=int.__index__(rows))
                elif kind in ("focus", "blur"):
                    await viewer.tell(kind)
                    continue
            except (ValueError, TypeError, RecursionError):
                return Farewell(WSCloseCode.POLICY_VIOLATION, b"not understood")
            end = asyncio.get_running_loop().time() + self._terms.idle

    async def _close(self, _: web.Application) -> None:
        self._over.set()

    async def _wait(self, _: web.Application) -> None:
        await asyncio.gather(*self._ending)


async def _show(viewer: Viewer, socket: web.WebSocketResponse) -> Farewell:
    """Pass on what a player shows, until it is over."""
    with contextlib.suppress(ConnectionError):
        async for data in viewer.output():
            await socket.send_bytes(data)
    return Farewell(WSCloseCode.OK, b"the player has ended; reload this page to open it again")


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 6 else otherwise


def _refusal(status: int, words: str) -> web.Response:
    return web.Response(status=status, text=f"{words}\n", headers={"Connection": "close"})


async def _with_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


async def serve(server: PlayerServer, port: int, began: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        server: What is served.
        port: The port; 0 for any that is free.
        began: Is told the address.

    Raises:
        DynvizError: The address cannot be listened on.
    """
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=HALT, handle_signals=False)
    await runner.setup()
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    try:
        try:
            await web.TCPSite(runner, server.gate.host, port).start()
        except (OSError, OverflowError) as error:
            place = f"{server.gate.host}, port {port}"
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            raise DynvizError(f"cannot listen on {place}: {reason}; choose another --port") from error
        host = f"[{server.gate.host}]" if ":" in server.gate.host else server.gate.host
        began(f"http://{host}:{runner.addresses[0][1]}/{server.gate.token}/")
        await over.wait()
    finally:
        await runner.cleanup()
