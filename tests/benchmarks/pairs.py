"""Ratios of two ways of doing the same thing: the median of interleaved pairs, so that a noisy machine harms both."""

import statistics
import time
from collections.abc import Callable


def ratio(ours: Callable[[], None], plain: Callable[[], None], pairs: int = 5) -> float:
    """How many times as fast ours is: the median of plain / ours over pairs that follow each other."""

    def seconds(work: Callable[[], None]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    ours()
    plain()
    return statistics.median(seconds(plain) / seconds(ours) for _ in range(pairs))
