"""An export that runs beside the player: `dynviz export` in a process of its own."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeAlias

Say: TypeAlias = Callable[[str], None]
Run: TypeAlias = Callable[[Sequence[str], Say], Awaitable[tuple[int, str]]]
"""Runs `dynviz` with arguments, hands on what it writes, and gives its exit status and its last line."""

PATIENCE = 2.0
"""Seconds in which an export that is no longer wanted has to end."""
_COUNT = re.compile(r"(\d+)/(\d+)")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


async def run(arguments: Sequence[str], say: Say) -> tuple[int, str]:
    """Run `dynviz` with these arguments."""
    from dynviz.process.background import dynviz_command

    # Bars are drawn into a pipe as well when colours are wanted there; frames are counted in them.
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": "100"}
    process = await asyncio.create_subprocess_exec(
        *dynviz_command(),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    last = ""
    try:
        async for text in _pieces(process):
            say(text)
            last = last_line(text) or last
        return await process.wait(), last
    finally:
        if process.returncode is None:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask it to stop, which takes away what it had written, and have it gone before its loop is."""
    process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.communicate()


async def _pieces(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    if process.stderr is None:
        return
    while data := await process.stderr.read(1 << 14):
        yield data.decode(errors="replace")


def progress(text: str) -> tuple[int, int] | None:
    r"""How many frames of how many are drawn, as a bar says it last.

    >>> progress("out.gif ━━━━ 12/100 frames\r out.gif ━━━━ 13/100 frames"), progress("reading")
    ((13, 100), None)
    """
    found = _COUNT.findall(_CONTROL.sub("", text))
    return (int(found[-1][0]), int(found[-1][1])) if found else None


def last_line(text: str) -> str:
    r"""The last line that says something, without control sequences.

    >>> last_line("\x1b[1mdynviz: no view named 'x'\x1b[0m\n\n")
    "no view named 'x'"
    """
    lines = [line.strip() for line in _CONTROL.sub("", text).replace("\r", "\n").split("\n") if line.strip()]
    return lines[-1].removeprefix("dynviz: ") if lines else ""
