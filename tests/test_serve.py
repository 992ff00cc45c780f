"""The player in a browser: who is let in, what is shown, and what a page may do."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys

import aiohttp
import pytest
from click.testing import CliRunner

from dynviz.cli import commands
from dynviz.player.terminal.browser import within
from dynviz.recording import Recording
from tests.chromium import browsing, needs_chromium
from tests.growing import Growing
from tests.served import TOKEN, serving
from tests.waiting import wait_for
from tests.watched import asynchronous

FILES = ("", "page.css", "page.js", "screen.js", "ink.js", "keys.js", "mono.ttf", "mono-bold.ttf")
SECRET = b"nobody reads this"


@pytest.fixture
def run(tmp_path):
    """A run of 100 steps that has ended."""
    growing = Growing(tmp_path / "runs" / "one" / "sgd")
    growing.finish()
    return growing.folder.parent


async def ended(process_id):
    """Wait for the end of a process."""
    await asyncio.to_thread(wait_for, lambda: not _lives(process_id))


def _lives(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


@asynchronous
async def test_the_page_loads_from_this_server_alone(run):
    async with serving(run) as served:
        for name in FILES:
            async with served.client.get(served.address + name) as answer:
                assert answer.status == 200
                assert answer.headers["Server"] == "dynviz"
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                body = await answer.read()
            if not name.endswith("ttf"):
                assert re.findall(rb"(?:src|href|from|url\()\W{0,2}(?:https?:)?//", body) == []


@pytest.mark.parametrize("start", ["", "/", "/wrong", f"/{TOKEN}x", f"/x{TOKEN}", f"/{TOKEN.upper()}", f"//{TOKEN}"])
@asynchronous
async def test_nobody_gets_in_without_the_token(start, run):
    async with serving(run) as served:
        for name in (*FILES, "ws", "nothing"):
            for method in ("GET", "POST", "HEAD", "OPTIONS"):
                async with served.client.request(method, f"{served.root}{start}/{name}") as answer:
                    assert answer.status == 403
                    assert TOKEN not in await answer.text()
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await served.client.ws_connect(f"{served.root}{start}/ws", origin=served.root)
        assert not served.server.viewers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "PATCH"])
@asynchronous
async def test_the_page_is_only_read(method, run):
    async with serving(run) as served, served.client.request(method, served.address) as answer:
        assert answer.status == 405


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://127.0.0.1", "file://", "http://localhost"]
)
@asynchronous
async def test_a_page_of_another_server_cannot_connect(origin, run):
    async with serving(run) as served:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await served.client.ws_connect(f"{served.address}ws", headers={"Origin": origin} if origin else {})
        assert not served.server.viewers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", "[", ""])
@asynchronous
async def test_a_name_that_was_bound_to_this_machine_is_refused(host, run):
    async with serving(run) as served, served.client.get(served.address, headers={"Host": host}) as answer:
        assert answer.status in (400, 403)


PATHS = (
    "../secret.txt",
    "..%2fsecret.txt",
    "%2e%2e/%2e%2e/secret.txt",
    "....//secret.txt",
    "..\\secret.txt",
    "page.js/../../secret.txt",
    "page.js%00.txt",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "file:///etc/passwd",
    "static/../page/../../gate.py",
    "\u202e",
)


@pytest.mark.parametrize("path", PATHS)
@asynchronous
async def test_no_path_leads_to_another_file(path, run):
    (run.parent / "secret.txt").write_bytes(SECRET)
    async with serving(run) as served:
        request = f"GET /{TOKEN}/{path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nConnection: close\r\n\r\n"
        answer = await served.raw(request.encode())
    assert re.match(rb"HTTP/1\.[01] (400|403|404) ", answer)
    assert SECRET not in answer
    assert b"root:" not in answer
    assert b"secret.txt" not in answer


REQUESTS = {
    "a header in the path": b"GET /%s/x%%0d%%0aSet-Cookie:%%20a=b HTTP/1.1\r\nHost: localhost\r\n"
    b"Connection: close\r\n\r\n",
    "a line in the path": b"GET /%s/x\r\nSet-Cookie: a=b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a line in a header": b"GET /%s/ HTTP/1.1\r\nHost: localhost\rSet-Cookie: a=b\r\n\r\n",
    "two lengths": b"GET /%s/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks": b"POST /%s/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
    "a long header": b"GET /%s/ HTTP/1.1\r\nHost: localhost\r\nX: " + 100_000 * b"a" + b"\r\n\r\n",
    "no HTTP": b"\x16\x03\x01 %s \x00\xff\r\n\r\n",
}


@pytest.mark.parametrize("name", REQUESTS)
@asynchronous
async def test_no_request_writes_headers_of_its_own(name, run):
    async with serving(run) as served:
        answer = await served.raw(REQUESTS[name].replace(b"%s", TOKEN.encode(), 1).replace(b"%%", b"%"))
        head = answer.partition(b"\r\n\r\n")[0].lower()
        assert re.match(rb"http/\d\.\d [45]\d\d ", head)
        assert b"set-cookie" not in head
        # It still serves.
        async with served.client.get(served.address) as page:
            assert page.status == 200


@asynchronous
async def test_a_page_shows_the_player_and_obeys_keys(run):
    async with serving(run, step=0) as served, served.page() as page:
        await page.wait_for("step")
        assert "export" not in page.text
        await page.type("\x1b[F")
        await page.wait_for("step 100 of 100")
        await page.type("\x1b[D")
        await page.wait_for("step 99 of 100")
        await page.say("size", 80, 24)
        await page.say("focus")
        await page.type("?")
        await page.wait_for("Keys")
        assert "fork" not in page.text


@asynchronous
async def test_a_page_follows_a_run_that_is_trained(tmp_path):
    growing = Growing(tmp_path / "run" / "sgd")
    growing.grow(20)
    async with serving(tmp_path / "run") as served, served.page() as page:
        await page.wait_for("step 20 of 100")
        growing.grow(40)
        await page.wait_for("step 40 of 100")
    growing.finish()


@asynchronous
async def test_a_player_ends_with_its_page_and_the_run_goes_on(tmp_path):
    growing = Growing(tmp_path / "run" / "sgd")
    growing.grow(20)
    async with serving(tmp_path / "run") as served:
        async with served.page() as page:
            await page.wait_for("step 20 of 100")
            (viewer,) = served.server.viewers
            # The connection breaks: nobody says goodbye.
            page.socket._response.connection.transport.abort()
        await ended(viewer.process_id)
        growing.grow(40)
        async with served.page() as page:
            await page.wait_for("step 40 of 100")
    growing.finish()


@asynchronous
async def test_a_trainer_goes_on_when_the_connection_breaks(tmp_path):
    folder = tmp_path / "run"
    command = ["run", "surface:f=rosenbrock", "-o", "sgd:lr=1e-5", "--steps", "1000000", "--headless", "--out", folder]
    trainer = subprocess.Popen([sys.executable, "-m", "dynviz", *map(str, command)], stderr=subprocess.DEVNULL)
    try:
        await asyncio.to_thread(wait_for, lambda: folder.exists() or trainer.poll() is not None)
        async with serving(folder) as served:
            async with served.page() as page:
                await page.wait_for("of 1 000 000")
                (viewer,) = served.server.viewers
                page.socket._response.connection.transport.abort()
            await ended(viewer.process_id)
            before = Recording(folder / "sgd").recorded
            await asyncio.to_thread(wait_for, lambda: Recording(folder / "sgd").recorded > before)
        assert trainer.poll() is None
    finally:
        trainer.terminate()
        trainer.wait()


@asynchronous
async def test_a_player_that_is_left_ends_its_page(run):
    async with serving(run, step=0) as served, served.page() as page:
        await page.wait_for("step")
        (viewer,) = served.server.viewers
        await page.type("q")
        assert await page.closed() == 1000
        await ended(viewer.process_id)


@asynchronous
async def test_a_player_that_hangs_or_dies_is_ended(run):
    async with serving(run, step=0) as served:
        async with served.page() as page:
            await page.wait_for("step")
            (viewer,) = served.server.viewers
            os.kill(viewer.process_id, signal.SIGKILL)
            assert await page.closed() == 1000
        async with served.page() as page:
            await page.wait_for("step")
            (viewer,) = served.server.viewers
            os.kill(viewer.process_id, signal.SIGSTOP)
        await ended(viewer.process_id)


@asynchronous
async def test_a_page_that_speaks_while_its_player_dies_is_told_of_it(run):
    """What a page sends to a connection that is closed already makes the system throw away what it has not read."""
    async with serving(run, step=0) as served, served.page() as page:
        await page.wait_for("step")
        (viewer,) = served.server.viewers

        async def speak():
            with contextlib.suppress(ConnectionError):
                while not page.socket.closed:
                    await page.say("focus")
                    await asyncio.sleep(0.001)

        speaking = asyncio.create_task(speak())
        os.kill(viewer.process_id, signal.SIGKILL)
        assert await page.closed() == 1000
        await speaking


@asynchronous
async def test_pages_are_told_that_the_server_ends(run):
    async with serving(run, step=0) as served, served.page() as page:
        await page.wait_for("step")
        await served.server._close(None)
        assert await page.closed() == 1001


@asynchronous
async def test_there_are_no_more_players_than_allowed(run):
    async with serving(run, step=0, sessions=1) as served, served.page() as first:
        await first.wait_for("step")
        async with served.page() as second:
            assert await second.closed() == 1013
        await first.type("\x1b[F")
        await first.wait_for("step 100 of 100")


@asynchronous
async def test_a_player_without_keys_ends(run):
    async with serving(run, idle=0.5) as served, served.page() as page:
        # That the page has the focus is no key.
        await page.say("focus")
        assert await page.closed() == 1000


MESSAGES = (
    "{}",
    "[]",
    "not json",
    '["type"]',
    '["type", 7]',
    '["type", "a", "b"]',
    '["size", 1e999, 2]',
    '["size", "80", "24"]',
    '["size", 80]',
    "[" * 30_000,
    '{"type": "quit"}',
)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message[:20])
@asynchronous
async def test_a_message_that_is_not_understood_ends_the_page(message, run):
    async with serving(run, step=0) as served, served.page() as page:
        await page.socket.send_str(message)
        assert await page.closed() == 1008


def test_no_size_is_larger_than_a_player_can_be():
    assert within(10**9, 10**9) == (500, 200)
    assert within(-(10**9), 0) == (1, 1)


@asynchronous
async def test_what_a_page_sends_can_do_no_harm(run):
    async with serving(run, step=0) as served:
        async with served.page() as page:
            await page.wait_for("step")
            await page.say("size", -5, 0)
            await page.say("size", 100, 30)
            # A report of a size, a packet as the server sends them, half a letter, and a long sequence.
            await page.type("\x1b[48;60000;60000;1;1t\x1b[?2048;1$y")
            await page.type("M\x00\x00\x00\x02{}")
            await page.socket.send_str('["type", "\\ud800"]')
            await page.type("\x1b]52;c;" + 1000 * "A" + "\x1b\\")
            await page.type("\x1b[F")
            await page.type("")
            await page.say("dance")
            await page.wait_for("step 100 of 100")
        async with served.page("columns=999999999&rows=0x10&rows=-1") as page:
            await page.read()
            await page.socket.send_str(json.dumps(["type", "a" * (1 << 17)]))
            await page.closed()
            assert page.socket.closed


@asynchronous
async def test_with_control_a_page_may_write(run):
    for read_only in (True, False):
        async with serving(run, step=0, read_only=read_only) as served, served.page() as page:
            await page.wait_for("step")
            await page.type("m")
            if read_only:
                await page.type("\x1b[F")
                await page.wait_for("step 100 of 100")
            else:
                await page.wait_for("Note at step")
                await page.type("seen\r")
                await asyncio.to_thread(wait_for, (run / "sgd" / "notes.jsonl").exists)
        assert (run / "sgd" / "notes.jsonl").exists() != read_only


def started(*arguments, cwd):
    command = [sys.executable, "-m", "dynviz", "serve", *arguments]
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_command_prints_an_address_that_differs_each_time_and_ends_with_ctrl_c(run):
    addresses = set()
    for _ in range(2):
        with started(str(run), "--port", "0", cwd=run) as process:
            addresses.add(process.stdout.readline().strip())
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
    tokens = {re.fullmatch(r"http://127\.0\.0\.1:\d+/([\w-]{32})/", address).group(1) for address in addresses}
    assert len(tokens) == 2


def test_a_port_that_is_taken_is_one_line(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = CliRunner().invoke(commands, ["serve", str(run), "--port", str(port)])
    assert (
        str(done.exception) == f"cannot listen on 127.0.0.1, port {port}: Address already in use; choose another --port"
    )


def test_without_aiohttp_the_command_says_what_to_install(run, monkeypatch):
    for module in [name for name in sys.modules if name.startswith("dynviz.serving")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    done = CliRunner().invoke(commands, ["serve", str(run)])
    assert str(done.exception) == "aiohttp is missing; install it with: pip install 'dynviz[serve]'"


def test_a_run_that_cannot_be_read_is_an_error_at_once(tmp_path):
    done = CliRunner().invoke(commands, ["serve", str(tmp_path / "none")])
    assert "none" in str(done.exception)


@needs_chromium
@asynchronous
async def test_a_browser_shows_a_picture_obeys_a_key_and_follows_a_live_run(tmp_path):
    growing = Growing(tmp_path / "run" / "sgd")
    growing.grow(20)
    text = "document.getElementById('text').textContent"
    async with (
        serving(tmp_path / "run") as served,
        browsing(served.address, tmp_path / "profile") as page,
    ):
        await page.wait_for(f"{text}.includes('step 20 of 100')")
        # The curve has the colour of the first lane, the ground that of the theme.
        colors = await page.value(
            "(() => { const {context, canvas} = {canvas: document.querySelector('canvas'), "
            "context: document.querySelector('canvas').getContext('2d')}; "
            "const {data} = context.getImageData(0, 0, canvas.width, canvas.height), counts = {}; "
            "for (let i = 0; i < data.length; i += 4) "
            "{ const key = [data[i], data[i + 1], data[i + 2]].join(' '); counts[key] = (counts[key] || 0) + 1; } "
            "return counts; })()"
        )
        ground, lane = ("255 255 255", "0 114 178") if "255 255 255" in colors else ("15 20 26", "79 168 232")
        assert colors[ground] > 100_000
        assert colors[lane] > 50
        growing.grow(60)
        await page.wait_for(f"{text}.includes('step 60 of 100')")
        await page.press("ArrowLeft")
        await page.wait_for(f"{text}.includes('step 59 of 100')")
        await page.press("?")
        await page.wait_for(f"{text}.includes('Keys')")
        own = [address for address in page.requested if not address.startswith(("chrome://", "about:", "data:"))]
        assert all(f"127.0.0.1:{served.port}/{TOKEN}/" in address for address in own)
        await page.press("Escape")
        # A key right behind it would be one with alt.
        await page.wait_for(f"!{text}.includes('Keys')")
        await page.press("q")
        await page.wait_for("!document.getElementById('notice').hidden")
    growing.finish()
