"""Exporting in a separate process while the player runs."""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

from dynviz.frozen import frozen
from dynviz.process.child import dynviz_command, last_line, starting

Progress: TypeAlias = Callable[[int, int], None]
Run: TypeAlias = Callable[[Sequence[str], Progress], Awaitable[tuple[int, str]]]
"""Runs `dynviz` with arguments, reports frames drawn and in total, and returns exit status and last line."""

PATIENCE = 2.0
"""Seconds that a cancelled export has to exit."""


@frozen
class ExportJob:
    """An export: the output file and the arguments for `dynviz`."""

    target: str
    arguments: tuple[str, ...]


async def run(arguments: Sequence[str], progress: Progress) -> tuple[int, str]:
    """Run `dynviz export` with these arguments.

    Raises:
        DynvizError: The system starts no further process.
    """
    reports, reported = os.pipe()
    try:
        with starting("exports"):
            process = await asyncio.create_subprocess_exec(
                *dynviz_command(),
                *arguments,
                f"--report={reported}",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(reported,),
                env=os.environ | {"NO_COLOR": "1"},
            )
    except BaseException:
        os.close(reports)
        raise
    finally:
        os.close(reported)
    listening = asyncio.create_task(_listen(reports, progress))
    try:
        _, errors = await process.communicate()
        await listening
        return process.returncode or 0, last_line(errors.decode(errors="replace"))
    finally:
        if process.returncode is None:
            await _end(process)
        listening.cancel()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Stop the export, which removes its partial output; the process must exit before the event loop closes."""
    process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.communicate()


async def _listen(reports: int, progress: Progress) -> None:
    """Forward progress reports, one line of JSON per frame, until the export ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reports, "rb", buffering=0)
    )
    try:
        async for line in reader:
            # The last line may be incomplete if the export was killed.
            with suppress(ValueError):
                report = json.loads(line)
                progress(report["done"], report["count"])
    finally:
        transport.close()
