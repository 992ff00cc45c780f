"""Ctrl-C and SIGTERM before training has its own way of ending cleanly."""

import contextlib
import threading
from collections.abc import Callable, Iterator

from dynviz.process.signals import answered


class StopRequested(KeyboardInterrupt):
    """The command was asked to stop.

    A class of its own: once a plain KeyboardInterrupt has passed through `exec` of a text, as it may while torch is
    imported, `python -m` ends by SIGINT whatever exit status is asked for afterwards.
    """


@contextlib.contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """Raise `StopRequested` where the command stands when Ctrl-C or SIGTERM comes.

    Gives a function to call where long work has ended: it raises when somebody asked and the exception was lost on
    the way, as those are that are raised in a destructor.
    """
    asked = threading.Event()

    def stop() -> None:
        asked.set()
        raise StopRequested

    def heed() -> None:
        if asked.is_set():
            raise StopRequested

    with answered(stop):
        yield heed
