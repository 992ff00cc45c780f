"""Chromium without a window: what a page holds once its scripts have run, and a page that is used while it runs."""

import asyncio
import base64
import contextlib
import itertools
import os
import shutil
import subprocess

import aiohttp
import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu")
PATIENCE = 60.0

# Where everything is checked, a missing browser is a failure.
needs_chromium = pytest.mark.skipif(BROWSER is None and "CI" not in os.environ, reason="no chromium is installed")


def dumped(page, profile, *options, milliseconds):
    """The page's document after so many milliseconds of its own time, which pass as fast as they can."""
    flags = [*FLAGS, f"--user-data-dir={profile}"]
    command = [BROWSER, *flags, *options, f"--virtual-time-budget={milliseconds}", "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout


class Page:
    """A page that runs in real time, driven through Chromium's own protocol; what it loads is noted."""

    def __init__(self, socket):
        self._socket, self._numbers = socket, itertools.count(1)
        self.requested = []

    async def call(self, method, **parameters):
        """Send a command; its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            answer = await asyncio.wait_for(self._socket.receive_json(), PATIENCE)
            if answer.get("method") == "Network.requestWillBeSent":
                self.requested.append(answer["params"]["request"]["url"])
            elif answer.get("method") == "Network.webSocketCreated":
                self.requested.append(answer["params"]["url"])
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    async def value(self, expression):
        """What an expression is in the page."""
        return (await self.call("Runtime.evaluate", expression=expression, returnByValue=True))["result"].get("value")

    async def wait_for(self, expression):
        """Wait until an expression is true; its value."""
        end = asyncio.get_running_loop().time() + PATIENCE
        while not (value := await self.value(expression)):
            assert asyncio.get_running_loop().time() < end, f"{expression} is not true of:\n{await self.text()}"
            await asyncio.sleep(0.05)
        return value

    async def text(self):
        """All text in the page, seen or not."""
        return await self.value("document.body.textContent")

    async def press(self, key, modifiers=0):
        """Press a key, as JavaScript names it; with ctrl `modifiers` is 2, with shift 8."""
        text = {"text": key} if len(key) == 1 and not modifiers & 2 else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, modifiers=modifiers, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, modifiers=modifiers)

    async def picture(self):
        """The page as the bytes of a PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])


@contextlib.asynccontextmanager
async def browsing(address, profile, size=(1000, 600)):
    """A page in a browser of its own, which ends with the context."""
    options = [f"--user-data-dir={profile}", "--remote-debugging-port=0", f"--window-size={size[0]},{size[1]}"]
    process = subprocess.Popen([BROWSER, *FLAGS, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port_file, end = profile / "DevToolsActivePort", asyncio.get_running_loop().time() + PATIENCE
        while not port_file.exists() or "\n" not in port_file.read_text():
            assert asyncio.get_running_loop().time() < end, "the browser did not start"
            await asyncio.sleep(0.05)
        port = port_file.read_text().splitlines()[0]
        async with aiohttp.ClientSession() as client:
            async with client.get(f"http://127.0.0.1:{port}/json/list") as response:
                (target,) = [one for one in await response.json() if one["type"] == "page"]
            async with client.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                await page.call("Network.enable")
                await page.call("Page.enable")
                await page.call("Page.navigate", url=address)
                yield page
    finally:
        process.terminate()
        process.wait()
