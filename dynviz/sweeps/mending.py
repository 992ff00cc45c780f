"""Writing a sweep's table again from its recordings."""

import os
from collections.abc import Iterator
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording import Run, lock
from dynviz.recording.disk import Folder
from dynviz.sweeps import table
from dynviz.sweeps.jobs import Job, SweepPlan
from dynviz.sweeps.work import finished


def rebuild(folder: Path) -> None:
    """Write the table of what the recordings say; a job without a recording has no row until it is tried again.

    Raises:
        DynvizError: Another process works on the sweep, or the table cannot be written.
    """
    plan = SweepPlan.load(folder)
    with Folder(folder) as opened:
        held = lock.acquire(opened)
        try:
            table.save(folder, [row for job in plan.jobs for row in _rows(folder, job)])
        finally:
            os.close(held)


def _rows(folder: Path, job: Job) -> Iterator[table.Row]:
    if finished(folder / job.name):
        yield from table.finished(folder, job)
        return
    try:
        ended = [one.metadata for one in Run(folder / job.name).recordings if one.status == "failed"]
    except DynvizError:
        return
    for metadata in ended:
        yield from table.failed(job, metadata.error)
