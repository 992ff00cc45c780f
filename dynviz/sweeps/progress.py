"""How a sweep stands, and who hears of it."""

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
    """A sweep was stopped by Ctrl-C or SIGTERM; what was done stays, and it can be gone on with.

    Attributes:
        sweep: How it stands.
    """

    def __init__(self, sweep: "Sweep") -> None:
        super().__init__(f"stopped with {len(sweep.finished)} of {len(sweep.jobs)} jobs done")
        self.sweep = sweep


class SweepListener(Protocol):
    """Who hears how a sweep goes."""

    def begin(self, folder: Path, jobs: Sequence[Job], finished: int) -> None:
        """Everything is checked, and these jobs are done; `finished` are already."""
        ...

    def hear(self, report: JobReport) -> None:
        """A job moved on, or ended."""
        ...

    def end(self) -> None:
        """The sweep is over, in whatever way."""
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
    """A sweep's folder: a run for each job, and the table of outcomes.

    Attributes:
        folder: Where it is.
        jobs: All of them, in order.
        finished: The names of those that are at their end.
        failed: Why the others failed, by name.
        problem: Why the table could not be written; the recordings say the same, and `resume` writes it again.
    """

    folder: Path
    jobs: tuple[Job, ...]
    finished: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    @classmethod
    def load(cls, folder: Path) -> "Sweep":
        """A sweep's folder, read: what is finished and what failed.

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
        """All that there are, in the order of the jobs."""
        return open_all([self.folder])

    @property
    def outcomes(self) -> Outcomes:
        """The table: a row for each lane of each job that ended."""
        return Outcomes(table.load(self.folder))
