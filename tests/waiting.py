"""Waiting for what another process does."""

import time
from collections.abc import Callable

SECONDS = 90.0


def wait_for(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait until a condition holds; files that vanish while it looks at them mean that it does not hold yet.

    Raises:
        AssertionError: It took too long.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except FileNotFoundError:
            pass
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)
