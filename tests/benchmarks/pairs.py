"""How the time of two ways is compared."""

import statistics
import time


def ratio(ours, plain, pairs=5):
    """How many times as fast ours is: the median of plain / ours over pairs that follow each other.

    A machine that does other things too harms both of a pair.
    """

    def seconds(work):
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    ours()
    plain()
    return statistics.median(seconds(plain) / seconds(ours) for _ in range(pairs))
