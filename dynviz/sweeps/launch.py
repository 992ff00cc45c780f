"""Begin or resume a sweep: everything is checked before anything is written."""

import contextlib
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.plugins import Plugin, grammar, objects
from dynviz.plugins.objects import Given
from dynviz.plugins.trust import Trusted
from dynviz.recording import inputs, lock, staging
from dynviz.recording.disk import Folder
from dynviz.rule import Rule
from dynviz.sweeps import budget
from dynviz.sweeps import progress as follow
from dynviz.sweeps.budget import Resources
from dynviz.sweeps.cluster import Cluster, opened
from dynviz.sweeps.completion import complete
from dynviz.sweeps.grid import Combination, choices
from dynviz.sweeps.jobs import Job, Settings, SweepPlan, foreign_code
from dynviz.sweeps.jobs import jobs as plan_jobs
from dynviz.sweeps.pool import Pool, ProcessPool
from dynviz.sweeps.progress import Sweep, SweepListener
from dynviz.task import Scenario


def sweep(
    scenario: Given | Scenario,
    optimizers: Given | Rule | Sequence[Given | Rule],
    *,
    seeds: int | str | Sequence[int] = 42,
    steps: int | None = None,
    device: str = "auto",
    dtype: str = "",
    record: str | Sequence[str] = (),
    jobs: int | None = None,
    memory: float | None = None,
    out: str | Path | None = None,
    compile: bool = False,  # noqa: A002 - as on the command line
    yes: bool = False,
    progress: SweepListener | None = None,
    pool: Pool | None = None,
    cluster: str | Cluster = "",
) -> Sweep:
    """Train a scenario with optimizers over grids of their options; each combination and seed is a lane.

    Numeric hyperparameters and seeds become lanes that train together, as many as fit into memory. Options of the
    scenario, other hyperparameters and optimizers become jobs in processes of their own.

    Args:
        scenario: `voronoi`, `matrix-recovery:M=[8,64,256],N=M`.
        optimizers: One or several of `adamw:lr=log(1e-4,1,25)`, `sgd:momentum=linear(0,.9,4),nesterov=[true,false]`.
        seeds: One seed, several, or a range as text, `0:8`; each trains as a lane.
        steps: Number of training steps; None for the scenario's default.
        device: `auto`, `cpu`, `cuda` or `cuda:N`; or several, `cuda:0,cuda:1`, of which each trains one job at a time.
        dtype: `float32` or `float64`; empty for the scenario's default.
        record: Channels to record in addition to the default ones.
        jobs: Number of processes that train at the same time; None for one per core.
        memory: Gigabytes that each of them may use; None for an equal share of half of this machine's memory.
        out: The folder to create; None for the first unused `runs/sweep-<scenario>-<n>`.
        compile: Whether each job compiles its steps first; see `dynviz.run`.
        yes: Whether the sweep may write more than 4 GB.
        progress: Receives progress; None shows a bar in a notebook and nothing elsewhere.
        pool: Runs the jobs; None for processes on this machine.
        cluster: A Dask cluster that runs them: `tcp://HOST:8786`, `local:4`, `slurm:FILE.toml`; empty for none.

    Raises:
        DynvizError: An argument is invalid or the sweep is impossible; nothing was written.
        Stopped: Ctrl-C, or the cluster was lost; the sweep can be continued with `resume`.
    """
    wanted = (record,) if isinstance(record, str) else tuple(record)
    settings = Settings(steps, device, dtype, wanted, compile)
    task = objects.spec("scenarios", scenario)
    given = list(optimizers) if isinstance(optimizers, list | tuple) else [optimizers]
    rules = [objects.spec("optimizers", rule) for rule in given]
    if not rules:
        raise DynvizError("a sweep needs an optimizer: adamw:lr=log(1e-4,1,25), or several of them")
    budget.check(settings, here=not cluster)
    if out is not None:
        staging.check_free(Path(out))
    numbers = grammar.seeds(seeds)
    tasks, expanded = choices("scenarios", task), [choices("optimizers", rule) for rule in rules]
    budget.check_lanes(len(tasks) * sum(map(len, expanded)) * len(numbers))
    planned, combinations = plan_jobs(tasks, expanded, numbers), list(itertools.chain(*expanded))
    with opened(cluster, gpu=budget.needs_gpu(device)) as found:
        resources = Resources(jobs, memory, yes, found)
        return begin(planned, tasks, combinations, settings, resources, out=out, progress=progress, pool=pool)


def begin(
    wanted: Sequence[Job],
    tasks: Sequence[Combination],
    rules: Sequence[Combination],
    settings: Settings,
    resources: Resources,
    *,
    out: str | Path | None = None,
    progress: SweepListener | None = None,
    pool: Pool | None = None,
) -> Sweep:
    """Begin a sweep of jobs with any lanes; what they need of memory decides how their lanes are divided.

    The table of outcomes has a row for each lane, in the order of the jobs and their lanes.

    Args:
        wanted: The jobs; their names need not be unique.
        tasks: The scenarios of these jobs.
        rules: Their optimizers.
        settings: The settings that all jobs share.
        resources: What they may use.
        out: As for `sweep`, like the others.
        progress: Likewise.
        pool: Likewise.

    Raises:
        DynvizError: As for `sweep`.
        Stopped: Ctrl-C; the sweep can be continued with `resume`.
    """
    parts = budget.sized(wanted, tasks, settings, resources)
    plan = SweepPlan(parts, settings, fingerprints([*tasks, *rules]))
    folder = _lay_out(out, tasks[0].plugin, plan)
    with locked(folder):
        pool = pool or _pool(folder, plan, resources.jobs, resources.cluster)
        return complete(folder, plan, pool, progress or follow.default_listener())


def resume(
    folder: str | Path,
    *,
    jobs: int | None = None,
    trust: Trusted = (),
    progress: SweepListener | None = None,
    pool: Pool | None = None,
    cluster: str | Cluster = "",
) -> Sweep:
    """Continue a sweep that was stopped or killed: finished jobs are kept, half-finished ones are continued.

    Jobs that failed are tried again.

    Args:
        folder: The folder of the sweep.
        jobs: Number of processes that train at the same time; None for one per core.
        trust: The files or import paths of your own code that the sweep was begun with. A sweep's folder is data: code
            that it names runs only if it is bundled or listed here.
        progress: Receives progress; None shows a bar in a notebook and nothing elsewhere.
        pool: Runs the jobs; None for processes on this machine.
        cluster: A Dask cluster, as for `sweep`; whatever the sweep was begun with.

    Raises:
        DynvizError: It is not a sweep, another process is running it, or a file that it uses has changed or is not
            trusted.
        Stopped: Ctrl-C; as for `sweep`.
    """
    folder = Path(folder)
    plan = _checked(folder, trust)
    with opened(cluster, gpu=budget.needs_gpu(plan.settings.device)) as found, locked(folder):
        pool = pool or _pool(folder, plan, jobs, found)
        return complete(folder, plan, pool, progress or follow.default_listener())


def resume_locked(folder: Path, cluster: Cluster, *, trust: Trusted, progress: SweepListener | None) -> Sweep:
    """Continue a sweep on a cluster, while the caller holds its lock; otherwise as `resume`.

    Raises:
        DynvizError: As for `resume`.
        Stopped: Likewise.
    """
    plan = _checked(folder, trust)
    return complete(folder, plan, _pool(folder, plan, None, cluster), progress or follow.default_listener())


def _checked(folder: Path, trust: Trusted) -> SweepPlan:
    plan = SweepPlan.load(folder)
    plan.check_intact(folder)
    plan.check_data(folder)
    for code in foreign_code(plan):
        if Path(code.located(trust)).resolve() != Path(code.name).resolve():
            raise DynvizError(f"the sweep was begun with {code.name}; put the file there again, or begin a new sweep")
    return plan


def _pool(folder: Path, plan: SweepPlan, jobs: int | None, cluster: Cluster | None) -> Pool:
    if cluster:
        from dynviz.sweeps.cluster_pool import ClusterPool

        return ClusterPool(cluster, folder, plan)
    trust = tuple(code.name for code in foreign_code(plan))
    return ProcessPool(folder, plan.settings, budget.processes(plan.settings.device, jobs), trust)


def _lay_out(out: str | Path | None, scenario: Plugin, plan: SweepPlan) -> Path:
    """Make the sweep's folder; one that is there knows its jobs, whenever this process is killed."""
    numbered = (Path("runs") / f"sweep-{scenario.stem}-{number}" for number in itertools.count(1))
    places = numbered if out is None else iter([Path(out)])
    first = next(places)
    with staging.beside(first) as whole:
        plan.save(whole)
        return staging.move(whole, itertools.chain([first], places))


def fingerprints(combinations: Sequence[Combination]) -> dict[str, str]:
    """Fingerprints of the users' code, and hashes of the files that it needs, as `SweepPlan.files`."""
    plugins = [part for choice in combinations for part in (choice.plugin.parts or (choice.plugin,))]
    neighbours = [file for plugin in plugins if plugin.source for file in plugin.source.files()[1:]]
    data = inputs.of(neighbours, [file for choice in combinations for file in choice.plugin.data])
    return {plugin.spec.name: plugin.sha256() for plugin in plugins if plugin.source} | {
        data_file.path: data_file.sha256 for data_file in data
    }


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a sweep's folder, which may be renamed meanwhile: one process works on a sweep.

    Raises:
        DynvizError: Another process holds it, or the folder cannot be written.
    """
    with Folder(folder) as opened:
        held = lock.acquire(opened)
        try:
            yield
        finally:
            os.close(held)
