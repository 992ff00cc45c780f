"""Ctrl-C and SIGTERM before training has its own way of ending cleanly."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

from dynviz.process.signals import answered

SOON = 0.05
"""Seconds after which a stop is tried again that came while torch was imported."""


class StopRequested(KeyboardInterrupt):
    """The command was asked to stop.

    A class of its own: once a plain KeyboardInterrupt has passed through `exec` of a text, as it may while torch is
    imported, `python -m` ends by SIGINT whatever exit status is asked for afterwards.
    """


@contextlib.contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """Raise `StopRequested` where the command stands when Ctrl-C or SIGTERM comes, or once torch is imported.

    Gives a function to call where long work has ended: it raises when somebody asked and the exception was lost on
    the way, as those are that are raised in a destructor.
    """
    asked = threading.Event()
    ended = threading.Event()
    again: list[threading.Timer] = []

    def stop() -> None:
        asked.set()
        if not _torch_is_being_imported():
            raise StopRequested
        if not ended.is_set():
            again.append(threading.Timer(SOON, os.kill, (os.getpid(), signal.SIGTERM)))
            again[-1].start()

    def heed() -> None:
        if asked.is_set():
            raise StopRequested

    with answered(stop):
        try:
            yield heed
        finally:
            ended.set()
            for timer in again:
                timer.cancel()
                timer.join()


def _torch_is_being_imported() -> bool:
    """Whether an exception may abort the process: torch's extension modules call Python where none is expected."""
    modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] == "torch"]
    return any(getattr(getattr(module, "__spec__", None), "_initializing", False) for module in modules)
