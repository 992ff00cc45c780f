"""Training what a report lacks on a Dask cluster, all runs at the same time.

The runs become the jobs of sweeps that are laid out beside the recordings; each job's folder holds what `run` would
have written, and is moved to where the report keeps it.
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from dynviz.errors import DynvizError, in_words
from dynviz.plugins.grammar import seeds as read_seeds
from dynviz.plugins.spec import parse
from dynviz.recording import disk, layout, lock, staging
from dynviz.recording.disk import Folder
from dynviz.reporting.training import CachedTraining
from dynviz.sweeps import launch
from dynviz.sweeps.cluster import Cluster
from dynviz.sweeps.grid import Combination, choices
from dynviz.sweeps.jobs import Job, Settings, SweepPlan, jobs, numbered
from dynviz.sweeps.progress import SweepListener

PREFIX = ".cluster-"
"""What the names of the sweeps' folders begin with."""


def train(
    trainings: Sequence[CachedTraining],
    cluster: Cluster,
    trust: Sequence[str],
    listener: Callable[[], SweepListener | None],
) -> dict[Path, str]:
    """Train runs, whichever of them are not trained; gives why by folder for what cannot be trained.

    What has begun goes on where workers see its folder, and begins again elsewhere.

    Args:
        trainings: Runs without grids.
        cluster: Where they train.
        trust: The user's own code that may run.
        listener: Makes the listener of each sweep.

    Raises:
        Stopped: Ctrl-C, or the cluster was lost; what was recorded is kept, and is continued next time.
    """
    failures: dict[Path, str] = {}
    groups: dict[Settings, list[CachedTraining]] = {}
    for training in trainings:
        command = training.command
        settings = Settings(command.steps, dtype=command.dtype, record=command.record)
        groups.setdefault(settings, []).append(training)
    for settings, group in groups.items():
        failures |= _train(settings, group, cluster, trust, listener)
    return failures


def _train(
    settings: Settings,
    group: Sequence[CachedTraining],
    cluster: Cluster,
    trust: Sequence[str],
    listener: Callable[[], SweepListener | None],
) -> dict[Path, str]:
    """Train the runs that have these settings."""
    failures: dict[Path, str] = {}
    wanted: list[tuple[CachedTraining, Job]] = []
    used: list[Combination] = []
    for training in group:
        try:
            job, combinations = _job(training)
        except Exception as error:  # a scenario is anybody's code
            failures[training.folder] = in_words(error)
            continue
        wanted.append((training, job))
        used += combinations
    if not wanted:
        return failures
    named = numbered([job for _, job in wanted])
    targets = {job.name: training.folder for (training, _), job in zip(wanted, named, strict=True)}
    cache = wanted[0][0].folder.parent
    try:
        with _laid_out(cache, SweepPlan(named, settings, launch.fingerprints(used))) as folder:
            _move(targets, folder)
            sweep = launch.resume_locked(folder, cluster, trust=trust, progress=listener())
    except DynvizError as error:
        return failures | dict.fromkeys(targets.values(), str(error))
    finally:
        bring_home(cache)
    return failures | {targets[name]: why for name, why in sweep.failed.items()}


def _job(training: CachedTraining) -> tuple[Job, list[Combination]]:
    """A run as a job that is named after its folder, and the scenario and the optimizer with their values."""
    command = training.command
    tasks = choices("scenarios", parse(command.scenario))
    rules = choices("optimizers", parse(command.optimizers[0]))
    (job,) = jobs(tasks, [rules], read_seeds(command.seeds))
    return Job(training.folder.name, job.scenario, job.optimizer, job.lanes), [*tasks, *rules]


@contextlib.contextmanager
def _laid_out(cache: Path, plan: SweepPlan) -> Iterator[Path]:
    """The folder of a sweep, locked: other reports bring home what is in a folder that is not."""
    place = cache / f"{PREFIX}{secrets.token_hex(4)}"
    with contextlib.ExitStack() as stack:
        with staging.beside(place) as whole:
            plan.save(whole)
            stack.enter_context(launch.locked(whole))
            staging.move(whole, [place])
        yield place


def _move(begun: Mapping[str, Path], folder: Path) -> None:
    """Move the runs that have begun into a sweep, by the names of their jobs."""
    for name, run in begun.items():
        try:
            if run.exists():
                run.rename(folder / name)
        except OSError as error:
            raise disk.unwritable(run, error) from error


def bring_home(cache: Path) -> None:
    """Move what was recorded on clusters to where reports look for it, also what a killed report left.

    Args:
        cache: The folder of the recordings.
    """
    for folder in sorted(cache.glob(f"{PREFIX}*")):
        try:
            with Folder(folder) as opened:
                held = lock.acquire(opened)
                try:
                    _empty(folder, cache)
                finally:
                    os.close(held)
        except DynvizError:
            # Another report is training in it, or it is damaged.
            continue
        shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: Path, cache: Path) -> None:
    for job in SweepPlan.load(folder).jobs:
        recorded, home = folder / job.name, cache / job.name.partition("-")[2]
        if any(recorded.glob(f"*/{layout.METADATA}")) and not home.exists():
            recorded.rename(home)
