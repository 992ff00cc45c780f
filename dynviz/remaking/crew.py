"""Training runs that were laid out, many at the same time, as the jobs of a sweep are."""

from collections.abc import Sequence
from pathlib import Path

from dynviz.animation.recipe import RecordedRun
from dynviz.errors import DynvizError
from dynviz.plugins.trust import Trusted, as_texts
from dynviz.sweeps import budget
from dynviz.sweeps.jobs import Job, Settings
from dynviz.sweeps.pool import LOG, ProcessPool
from dynviz.training.session import Progress

DEVICE = "cpu"
OFTEN = 10
"""How many times is said how far it is."""


def train_together(folder: Path, runs: Sequence[RecordedRun], trust: Trusted, progress: Progress) -> None:
    """Train runs of one recording each, in as many processes as there are cores.

    Args:
        folder: Holds the folders of the runs, each with a recording of no steps yet.
        runs: What they are, for the processor.
        trust: Code that may run besides bundled code.
        progress: Told how far it is.

    Raises:
        DynvizError: One cannot be trained.
    """
    processes = budget.processes(DEVICE, None)
    progress.does(f"training {len(runs)} runs, {len(processes)} at a time")
    # What is there already is continued by its own metadata; what a job says besides its name is not read.
    pool = ProcessPool(folder, Settings(device=DEVICE), processes, as_texts(trust))
    for run in runs:
        metadata = run.metadata
        pool.submit(Job(run.folder, metadata.scenario.spec, metadata.optimizer.spec, metadata.lanes))
    done = 0
    try:
        for report in pool.results():
            if report is None or report.kind in ("moved", "restarted"):
                continue
            if report.kind != "finished":
                raise DynvizError(f"{report.job.name} cannot be trained: {report.message or report.kind}")
            done += 1
            if done * OFTEN // len(runs) > (done - 1) * OFTEN // len(runs):
                progress.does(f"{done} of {len(runs)} runs are trained")
    finally:
        pool.close()
    (folder / LOG).unlink(missing_ok=True)
