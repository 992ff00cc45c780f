"""How the time of two ways is compared."""

import statistics
import time


def ratio(ours, plain, pairs=5, clock=time.perf_counter):
    """How many times as fast ours is: the median of plain / ours over pairs that follow each other.

    A machine that does other things too harms both of a pair; where one thread does all the work, `time.process_time`
    leaves out what others take.
    """

    def seconds(work):
        start = clock()
        work()
        return clock() - start

    ours()
    plain()
    return statistics.median(seconds(plain) / seconds(ours) for _ in range(pairs))
