"""What a sweep of very many jobs takes, simulated: the scheduler, the table, the plan and the folder.

    python -m tests.benchmarks.many_jobs [JOBS]

Nothing is trained but one job, whose folder stands for all. Times are CPU seconds.
"""

import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

import dynviz
from dynviz.sweeps import completion, table
from dynviz.sweeps.cluster_pool import WINDOW
from dynviz.sweeps.jobs import SweepPlan
from dynviz.sweeps.work import finished, to_line

JOBS = 100_000
SCHEDULED = 20_000
"""Tasks whose memory in the scheduler is measured."""
JOB_SECONDS, PLACES = 10.0, 64
"""A sweep for which the writing of the table is added up: how long a job takes, and how many run at a time."""


def timed(function, *args):
    begun = time.process_time()
    found = function(*args)
    return found, time.process_time() - begun


def resident(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def scheduler_bytes(task, count):
    """The memory that each task takes in a scheduler without workers."""
    from distributed import Client

    from dynviz.sweeps.remote import run_job
    from tests.dask_cluster import DaskCluster

    with (
        tempfile.TemporaryDirectory() as folder,
        DaskCluster(Path(folder)) as cluster,
        Client(cluster.address, timeout=120, set_as_default=False) as client,
    ):
        held = [client.submit(run_job, task, key="first")]
        time.sleep(2)
        before = resident(cluster.scheduler.pid)
        held += [client.submit(run_job, task, key=f"job-{number}", retries=1) for number in range(count)]
        while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) < count:
            time.sleep(0.5)
        return (resident(cluster.scheduler.pid) - before) / count


def writing(count, last, pause):
    """Seconds that the table is written for in a whole sweep, if the last time takes `last`."""
    seconds, now, next_time = 0.0, 0.0, 0.0
    for ended in range(1, count + 1):
        now += JOB_SECONDS / PLACES
        if now >= next_time:
            took = last * ended / count
            seconds += took
            next_time = now + took + pause * took
    return seconds


def main():
    count = int(sys.argv[1]) if sys.argv[1:] else JOBS
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        done = dynviz.sweep("surface:f=booth", "adamw", steps=500, jobs=1, out=folder / "one")
        (job,) = done.jobs
        files = [path for path in (folder / "one" / job.name).rglob("*") if path.is_file()]
        taken = sum(path.stat().st_blocks * 512 for path in files)
        _, look = timed(lambda: [finished(folder / "one" / job.name) for _ in range(20)])
        _, row_seconds = timed(lambda: [table.finished(folder / "one", job) for _ in range(20)])
        print(f"folder of a job: {len(files)} files, {taken / 1e3:.0f} kB; {look / 20 * 1e3:.1f} ms to see it is done")
        print(
            f"of all: {count * len(files):,} files, {count * taken / 1e9:.1f} GB; {count * look / 20:.0f} s to resume"
        )
        print(f"a row: {row_seconds / 20 * 1e3:.1f} ms")

        (row,) = table.finished(folder / "one", job)
        jobs = tuple(replace(job, name=f"{number:06}-{job.name[4:]}") for number in range(1, count + 1))
        rows = [{**row, "job": each.name, "recording": f"{each.name}/adamw@0"} for each in jobs]
        plan = SweepPlan(jobs, SweepPlan.load(folder / "one").settings)
        _, save = timed(plan.save, folder)
        size = (folder / "sweep.json").stat().st_size
        _, load = timed(SweepPlan.load, folder)
        print(f"sweep.json: {size / 1e6:.0f} MB; {save:.1f} s to write, {load:.1f} s to read")
        _, save = timed(table.save, folder, rows)
        size = (folder / table.FILE).stat().st_size
        _, load = timed(table.load, folder)
        print(f"outcomes.csv: {size / 1e6:.0f} MB; {save:.1f} s to write, {load:.1f} s to read")
        hours = count * JOB_SECONDS / PLACES / 3600
        paced = writing(count, save, completion.PAUSE)
        print(f"a sweep of {hours:.1f} hours writes it for {paced / 60:.1f} minutes; ", end="")
        print(f"after every job it would be {writing(count, save, 0.0) / 3600:.1f} hours")

        task = {"job": to_line(job).decode(), "settings": asdict(plan.settings), "folder": str(folder)}
        each = scheduler_bytes(task, min(count, SCHEDULED))
        print(f"scheduler: {each / 1e3:.1f} kB for a task; {count * each / 1e6:.0f} MB for all, ", end="")
        print(f"{WINDOW * each / 1e6:.0f} MB for the {WINDOW} that it knows of at a time")


if __name__ == "__main__":
    main()
