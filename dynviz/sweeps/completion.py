"""Having the jobs of a sweep done that are not done yet, and keeping its table."""

import time
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.process.signals import answered
from dynviz.sweeps import table
from dynviz.sweeps.jobs import Job, SweepPlan
from dynviz.sweeps.pool import JobReport, LostError, Pool
from dynviz.sweeps.progress import Stopped, Sweep, SweepListener
from dynviz.sweeps.work import finished

PAUSE = 20.0
"""Of the time that writing the table took, until it is written again: of any sweep's time it takes a twentieth at most.

Each time it is written as a whole. The recordings hold the same, so that nothing is lost in between.
"""


def complete(folder: Path, plan: SweepPlan, pool: Pool, progress: SweepListener) -> Sweep:
    """Have done what is not done yet.

    Raises:
        Stopped: Not all of it was.
    """
    standing = Sweep(folder, plan.jobs)
    rows = _Rows(standing)
    for job in plan.jobs:
        if finished(folder / job.name):
            rows.note(JobReport(job, "finished"))
        else:
            pool.submit(job)
    rows.save()
    lost = ""
    try:
        progress.begin(folder, plan.jobs, len(standing.finished))
        lost = _heed(pool, progress, rows)
    finally:
        progress.end()
        pool.close()
        rows.save()
    if len(standing.finished) + len(standing.failed) < len(plan.jobs):
        raise Stopped(standing, lost)
    return standing


def _heed(pool: Pool, progress: SweepListener, rows: "_Rows") -> str:
    """Hear how the jobs go, until all have ended; gives why they will not, if the pool was lost."""
    heeded = 0
    stops: list[None] = []
    with answered(lambda: stops.append(None)):
        try:
            for report in pool.results():
                if report is not None:
                    progress.hear(report)
                    if report.kind in ("finished", "failed"):
                        rows.note(report)
                if rows.due:
                    rows.save()
                if len(stops) > heeded:
                    # The first time they end cleanly, the second time at once.
                    heeded = len(stops)
                    pool.stop()
        except LostError as error:
            return str(error)
    return ""


class _Rows:
    """The rows of the jobs that have ended, and the table of them."""

    def __init__(self, standing: Sweep) -> None:
        self._standing = standing
        self._rows: dict[str, list[table.Row]] = {}
        self._new = True
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether there is something to write, and it is time."""
        return self._new and time.monotonic() >= self._next

    def note(self, report: JobReport) -> None:
        """Add a job that has ended."""
        job: Job = report.job
        self._new = True
        if report.kind == "finished":
            self._standing.finished.add(job.name)
            self._rows[job.name] = table.finished(self._standing.folder, job)
        else:
            self._standing.failed[job.name] = report.message
            self._rows[job.name] = table.failed(job, report.message)

    def save(self) -> None:
        """Write the table, if it has changed; on a disk that is full it is tried again later."""
        if not self._new:
            return
        standing, begun = self._standing, time.monotonic()
        standing.problem = ""
        try:
            table.save(standing.folder, (row for job in standing.jobs for row in self._rows.get(job.name, ())))
            self._new = False
        except DynvizError as error:
            standing.problem = str(error)
        self._next = time.monotonic() + PAUSE * (time.monotonic() - begun)
