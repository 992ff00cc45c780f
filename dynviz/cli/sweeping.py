"""Progress of a sweep on stderr: a bar for all of it and one for each running job; lines where there is no terminal."""

import math
import time
from collections.abc import Sequence
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from dynviz.cli.console import console
from dynviz.cli.progress import LINE_SECONDS
from dynviz.cli.say import say
from dynviz.sweeps.jobs import Job
from dynviz.sweeps.pool import JobReport

ENDED = ("finished", "failed", "stopped")


class SweepProgress:
    """Bars in a terminal, lines elsewhere."""

    def __init__(self) -> None:
        self._console = console()
        self._bars: Progress | None = None
        self._whole = TaskID(0)
        self._tasks: dict[str, TaskID] = {}
        self._shares: dict[str, float] = {}
        self._count = self._ended = self._failed = 0
        self._last_line = time.monotonic()

    def begin(self, folder: Path, jobs: Sequence[Job], finished: int) -> None:
        """Print what will be trained, and start the bars."""
        lanes, self._count, self._ended = sum(len(job.lanes) for job in jobs), len(jobs), finished
        before = f", {finished} already done" if finished else ""
        many = "job" if self._count == 1 else "jobs"
        say(f"{lanes} lanes in {self._count} {many}{before}; writes to {folder}")
        if not self._console.is_terminal:
            return
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[words]}", justify="right", markup=False),
            TimeRemainingColumn(compact=True),
            console=self._console,
        )
        self._whole = self._bars.add_task("all jobs", total=len(jobs), completed=finished, words=self._counts())
        self._bars.start()

    def hear(self, report: JobReport) -> None:
        """Show the progress of a job."""
        name = report.job.name
        if report.kind == "moved":
            self._shares[name] = report.step / max(report.steps, 1)
        elif report.kind in ENDED:
            self._shares.pop(name, None)
            self._ended += report.kind == "finished"
            self._failed += report.kind == "failed"
        if self._bars is None:
            self._say(report)
        else:
            self._draw(report)

    def end(self) -> None:
        """Leave the bar of all jobs as it is."""
        if self._bars is not None:
            self._bars.stop()

    def _counts(self) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{self._ended} of {self._count}{failed}"

    def _draw(self, report: JobReport) -> None:
        assert self._bars is not None
        name = report.job.name
        if report.kind == "moved":
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(f"  {name}", total=report.steps, words="")
            self._bars.update(self._tasks[name], completed=report.step, total=report.steps, words=_loss(report))
        elif report.kind in ENDED and name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))
        if report.kind == "failed":
            self._bars.console.print(f"{name} failed: {report.message}", soft_wrap=True)
        done = self._ended + self._failed + sum(self._shares.values())
        self._bars.update(self._whole, completed=done, words=self._counts())

    def _say(self, report: JobReport) -> None:
        job, now = report.job, time.monotonic()
        words = {
            "finished": f"{job.name}: done",
            "failed": f"{job.name}: failed: {report.message}",
            "restarted": f"{job.name}: {report.message}; another one takes over",
        }
        if report.kind in words:
            say(f"{words[report.kind]} ({self._counts()})")
        elif report.kind == "moved" and now - self._last_line > LINE_SECONDS:
            how = ", ".join(filter(None, (f"step {report.step} of {report.steps}", _loss(report))))
            say(f"{job.name}: {how} ({self._counts()})")
        else:
            return
        self._last_line = now


def _loss(report: JobReport) -> str:
    """The loss in words; nothing before the first one, and where every lane diverged."""
    return f"loss {report.loss:.4g}" if math.isfinite(report.loss) else ""
