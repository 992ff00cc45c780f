"""Begin a sweep, or go on with one: everything is checked before anything is written."""

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.plugins import Plugin, grammar, load, objects
from dynviz.plugins.objects import Given
from dynviz.plugins.trust import Trusted
from dynviz.process.signals import answered
from dynviz.recording import inputs, lock, staging
from dynviz.recording.disk import Folder
from dynviz.rule import Rule
from dynviz.sweeps import budget, table
from dynviz.sweeps import progress as follow
from dynviz.sweeps.grid import Combination, choices
from dynviz.sweeps.jobs import Job, Settings, SweepPlan, foreign_code, numbered, split
from dynviz.sweeps.jobs import jobs as plan_jobs
from dynviz.sweeps.pool import JobReport, Pool, ProcessPool
from dynviz.sweeps.progress import Stopped, Sweep, SweepListener
from dynviz.sweeps.work import finished
from dynviz.task import Scenario

GIGABYTE = 1_000_000_000


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
) -> Sweep:
    """Train a scenario with optimizers over grids of their options; each combination and seed is a lane.

    Numbers among the hyperparameters, and seeds, become lanes of one stack, as many as the memory holds. Options of
    the scenario, words and whole numbers, and optimizers become jobs in processes of their own.

    Args:
        scenario: `voronoi`, `matrix-recovery:M=[8,64,256],N=M`.
        optimizers: One or several of `adamw:lr=log(1e-4,1,25)`, `sgd:momentum=linear(0,.9,4),nesterov=[true,false]`.
        seeds: One, several, or as text `0:8`; a lane for each.
        steps: How many; None for the scenario's own.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        dtype: `float32` or `float64`; empty for the scenario's own.
        record: Channels to record beside the default.
        jobs: How many processes train side by side; None for one a core.
        memory: Gigabytes that each of them may take; None for its share of half of what there is.
        out: The folder to make; None for the first free `runs/sweep-<scenario>-<n>`.
        compile: Whether each job compiles its steps first, see `dynviz.run`.
        yes: Whether the sweep may write over 4 GB.
        progress: Who hears how it goes; None for a bar in a notebook, and nobody elsewhere.
        pool: Who does the jobs; None for processes of this machine.

    Raises:
        DynvizError: Something asked for does not exist or cannot be done; nothing was written.
        Stopped: Ctrl-C; `resume` goes on.
    """
    wanted = (record,) if isinstance(record, str) else tuple(record)
    settings = Settings(steps, device, dtype, wanted, compile)
    scenario = objects.text("scenarios", scenario)
    given = list(optimizers) if isinstance(optimizers, list | tuple) else [optimizers]
    rules = [objects.text("optimizers", rule) for rule in given]
    if not rules:
        raise DynvizError("a sweep needs an optimizer: adamw:lr=log(1e-4,1,25), or several of them")
    budget.check(settings)
    if out is not None:
        staging.check_free(Path(out))
    numbers = grammar.seeds(seeds)
    tasks, expanded = choices("scenarios", scenario), [choices("optimizers", rule) for rule in rules]
    budget.check_lanes(len(tasks) * sum(map(len, expanded)) * len(numbers))
    count = jobs or budget.processes(settings.device)
    limit = int(memory * GIGABYTE) if memory is not None else budget.memory(settings.device, count)
    parts = _sized(plan_jobs(tasks, expanded, numbers), tasks, settings, limit, large=yes)
    chosen = [*tasks, *itertools.chain(*expanded)]
    plan = SweepPlan(parts, settings, _fingerprints(chosen))
    folder = _lay_out(out, tasks[0].plugin, plan)
    with _locked(folder):
        pool = pool or ProcessPool(folder, settings, count, _named(plan))
        return _train(folder, plan, pool, progress or follow.default_listener())


def resume(
    folder: str | Path,
    *,
    jobs: int | None = None,
    trust: Trusted = (),
    progress: SweepListener | None = None,
    pool: Pool | None = None,
) -> Sweep:
    """Go on with a sweep that was stopped or killed: jobs that are done stay, one that was half done is gone on with.

    Jobs that failed are tried again.

    Args:
        folder: The sweep's.
        jobs: How many processes train side by side; None for one a core.
        trust: Where the user's own files are that the sweep was begun with, or import paths: its folder is data, and
            what that names is run only where it is bundled or named here.
        progress: Who hears how it goes; None for a bar in a notebook, and nobody elsewhere.
        pool: Who does the jobs; None for processes of this machine.

    Raises:
        DynvizError: It is no sweep, another process works on it, or a file that it uses has changed or is not trusted.
        Stopped: Ctrl-C; as for `sweep`.
    """
    folder = Path(folder)
    plan = SweepPlan.load(folder)
    plan.check_intact(folder)
    for code in foreign_code(plan):
        if Path(code.located(trust)).resolve() != Path(code.name).resolve():
            raise DynvizError(f"the sweep was begun with {code.name}; put the file there again, or begin a new sweep")
    plan.check_data(folder)
    with _locked(folder):
        count = jobs or budget.processes(plan.settings.device)
        pool = pool or ProcessPool(folder, plan.settings, count, _named(plan))
        return _train(folder, plan, pool, progress or follow.default_listener())


def _named(plan: SweepPlan) -> tuple[str, ...]:
    return tuple(code.name for code in foreign_code(plan))


def _train(folder: Path, plan: SweepPlan, pool: Pool, progress: SweepListener) -> Sweep:
    """Have done what is not done yet."""
    standing = Sweep(folder, plan.jobs)
    rows: dict[str, list[table.Row]] = {}
    for job in plan.jobs:
        if finished(folder / job.name):
            _note(standing, rows, JobReport(job, "finished"))
        else:
            pool.submit(job)
    _save(standing, rows)
    heeded = 0
    try:
        progress.begin(folder, plan.jobs, len(standing.finished))
        stops: list[None] = []
        with answered(lambda: stops.append(None)):
            for report in pool.results():
                if report is not None:
                    progress.hear(report)
                    if report.kind in ("finished", "failed"):
                        _note(standing, rows, report)
                        _save(standing, rows)
                if len(stops) > heeded:
                    # The first time they end cleanly, the second time at once.
                    heeded = len(stops)
                    pool.stop()
    finally:
        progress.end()
        pool.close()
    if len(standing.finished) + len(standing.failed) < len(plan.jobs):
        raise Stopped(standing)
    return standing


def _note(standing: Sweep, rows: dict[str, list[table.Row]], report: JobReport) -> None:
    job = report.job
    if report.kind == "finished":
        standing.finished.add(job.name)
        rows[job.name] = table.finished(standing.folder, job)
    else:
        standing.failed[job.name] = report.message
        rows[job.name] = table.failed(job, report.message)


def _save(standing: Sweep, rows: Mapping[str, list[table.Row]]) -> None:
    """Write the table; on a disk that is full it is tried again when the next job ends."""
    standing.problem = ""
    try:
        table.save(standing.folder, (row for job in standing.jobs for row in rows.get(job.name, ())))
    except DynvizError as error:
        standing.problem = str(error)


def _sized(
    wanted: Sequence[Job], tasks: Sequence[Combination], settings: Settings, limit: int, *, large: bool
) -> tuple[Job, ...]:
    """The jobs in parts that the memory holds. A combination that is refused stays, and fails when its turn comes.

    Raises:
        DynvizError: All are refused, or they would write a great deal.
    """
    most: dict[str, int] = {}
    disk_bytes: dict[str, int] = {}
    refused: Exception | None = None
    rules: dict[str, Plugin] = {}
    for job in wanted:
        if job.scenario in most and job.optimizer in rules:
            continue
        # Each combination of the scenario's options is built once, and each optimizer, but not each pair.
        rules.setdefault(job.optimizer, load("optimizers", job.optimizer))
        task = next(task.plugin for task in tasks if str(task.spec) == job.scenario)
        try:
            lane, disk_bytes[job.scenario] = budget.measure(task, rules[job.optimizer], job.lanes[0], settings)
        except Exception as error:
            refused = refused or error
            continue
        most[job.scenario] = max(1, limit // lane)
    if refused and not most:
        raise refused
    budget.check_size(sum(disk_bytes.get(job.scenario, 0) * len(job.lanes) for job in wanted), large=large)
    return numbered([part for job in wanted for part in split(job, most.get(job.scenario, len(job.lanes)))])


def _lay_out(out: str | Path | None, scenario: Plugin, plan: SweepPlan) -> Path:
    """Make the sweep's folder; one that is there knows its jobs, whenever this process is killed."""
    numbered = (Path("runs") / f"sweep-{scenario.stem}-{number}" for number in itertools.count(1))
    places = numbered if out is None else iter([Path(out)])
    first = next(places)
    with staging.beside(first) as whole:
        plan.save(whole)
        return staging.move(whole, itertools.chain([first], places))


def _fingerprints(combinations: Sequence[Combination]) -> dict[str, str]:
    plugins = [part for choice in combinations for part in (choice.plugin.parts or (choice.plugin,))]
    data = inputs.of([], [file for choice in combinations for file in choice.plugin.data])
    return {plugin.file: plugin.sha256() for plugin in plugins if plugin.file} | {
        data_file.path: data_file.sha256 for data_file in data
    }


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process works on a sweep."""
    with Folder(folder) as opened:
        held = lock.acquire(opened)
        try:
            yield
        finally:
            os.close(held)
