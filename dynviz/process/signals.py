"""Ctrl-C, SIGTERM and SIGHUP, which ask for the same: that the program ends."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def answered(answer: Callable[[], None]) -> Iterator[None]:
    """Call `answer` each time one of them comes, between two instructions of the main thread.

    In any other thread nothing is changed: Python hands signals to the main one alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Under nohup the end of the terminal is to be ignored.
    heeded = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    asks = signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if heeded else [])
    before = {number: signal.signal(number, lambda *_: answer()) for number in asks}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
