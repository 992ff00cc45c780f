"""The state of a sweep, and listeners to its progress."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from dynviz.recording import Recording, open_all
from dynviz.sweeps import table
from dynviz.sweeps.jobs import Job, SweepPlan
from dynviz.sweeps.outcomes import Outcomes
from dynviz.sweeps.pool import JobReport
from dynviz.sweeps.work import finished


class Stopped(KeyboardInterrupt):
    """A sweep was stopped by Ctrl-C or SIGTERM, or lost its cluster; what is done is kept, and it can be resumed.

    Attributes:
        sweep: The state of the sweep.
    """

    def __init__(self, sweep: "Sweep", why: str = "") -> None:
        done = f"stopped with {len(sweep.finished)} of {len(sweep.jobs)} jobs done"
        super().__init__(f"{why}; {done}" if why else done)
        self.sweep = sweep


class SweepListener(Protocol):
    """Receives the progress of a sweep."""

    def begin(self, folder: Path, jobs: Sequence[Job], finished: int) -> None:
        """Everything has been checked; these jobs will run, except those that are finished."""
        ...

    def hear(self, report: JobReport) -> None:
        """A job has made progress, or ended."""
        ...

    def end(self) -> None:
        """The sweep has ended, successfully or not."""
        ...


class SilentListener:
    """SweepListener that nobody hears."""

    def begin(self, folder: Path, jobs: Sequence[Job], finished: int) -> None:
        """Say nothing."""

    def hear(self, report: JobReport) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""


default_listener: Callable[[], SweepListener] = SilentListener
"""Makes who hears of a sweep that names nobody; a notebook's display puts itself in this place."""


@dataclass
class Sweep:
    """A sweep: a run for each job, and the table of outcomes.

    Attributes:
        folder: The folder of the sweep.
        jobs: All of them, in order.
        finished: The names of the finished jobs.
        failed: Why jobs failed, by name.
        problem: Why the table could not be written; the recordings hold the same data, and `resume` writes it again.
    """

    folder: Path
    jobs: tuple[Job, ...]
    finished: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    @classmethod
    def load(cls, folder: Path) -> "Sweep":
        """Read a sweep's folder: what is finished and what failed.

        Raises:
            DynvizError: It is no sweep's, or damaged.
        """
        plan = SweepPlan.load(folder)
        done = {job.name for job in plan.jobs if finished(folder / job.name)}
        outcomes = Outcomes(table.load(folder)) if (folder / table.FILE).exists() else ()
        failed = {outcome.job: outcome.error for outcome in outcomes if outcome.job not in done}
        return cls(folder, plan.jobs, done, failed)

    @property
    def recordings(self) -> list[Recording]:
        """All recordings, in the order of the jobs."""
        return open_all([self.folder])

    @property
    def outcomes(self) -> Outcomes:
        """The table: a row for each lane of each job that ended."""
        return Outcomes(table.load(self.folder))
