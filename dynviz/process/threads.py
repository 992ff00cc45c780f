"""Threads that the end of the process does not wait for."""

import _thread
import os
import sys
from collections.abc import Callable

_running: set[object] = set()


def start(function: Callable[[], object]) -> None:
    """Call a function in a thread of its own.

    Unlike `Thread.start`, this does not wait until the thread has begun, which takes long while others compute.
    """
    thread = object()
    _running.add(thread)

    def call() -> None:
        try:
            function()
        finally:
            _running.discard(thread)

    try:
        _thread.start_new_thread(call, ())
    except RuntimeError:
        _running.discard(thread)
        raise


def leave(status: object) -> None:
    """Exit at once if such threads are still running; otherwise return.

    Finalization would unwind their stacks through C++ extensions, which aborts the process.

    Args:
        status: The code of a `SystemExit`; words are left to Python.
    """
    if _running and (status is None or isinstance(status, int)):
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status or 0)
