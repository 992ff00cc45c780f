"""Running slow functions, such as opening a view: immediately, or in a thread while keys are read."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol


class Work(Protocol):
    """Runs a function and passes on its outcome."""

    def __call__(self, group: str, function: Callable[[], Any], take: Callable[[Future[Any]], None]) -> None:
        """Run it.

        Args:
            group: A function supersedes any earlier one of the same group, whose outcome is dropped.
            function: The function to run.
            take: Called with what the function returned or raised.
        """


def at_once(group: str, function: Callable[[], Any], take: Callable[[Future[Any]], None]) -> None:  # noqa: ARG001
    """Run it immediately."""
    take(_outcome(function))


async def in_thread(function: Callable[[], Any]) -> Future[Any]:
    """Run it in a daemon thread: one that never returns does not keep the player from ending."""
    loop = asyncio.get_running_loop()
    arrival: asyncio.Future[Future[Any]] = loop.create_future()

    def run() -> None:
        outcome = _outcome(function)
        # The player, and with it the event loop, may have ended in the meantime.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: None if arrival.done() else arrival.set_result(outcome))

    threading.Thread(target=run, daemon=True).start()
    return await arrival


def _outcome(function: Callable[[], Any]) -> Future[Any]:
    outcome: Future[Any] = Future()
    try:
        outcome.set_result(function())
    except Exception as error:
        outcome.set_exception(error)
    return outcome
