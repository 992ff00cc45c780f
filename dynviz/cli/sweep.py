"""`dynviz sweep`: a scenario and its optimizers over grids, in several processes."""

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynviz.cli import consent, options
from dynviz.cli.say import say
from dynviz.cli.stopping import stoppable
from dynviz.process.background import STOPPED

if TYPE_CHECKING:
    from dynviz.sweeps.progress import Sweep

RESUMED = {"resume", "jobs", "cluster", "trust"}
"""Options that a sweep takes when it is resumed."""


@click.command(short_help="Train over grids of options, hyperparameters and seeds.")
@click.argument("scenario", required=False)
@options.optimizers("key=grid")
@options.seeds("42")
@options.steps
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="Where to compute: cpu, cuda, cuda:N, or auto, which takes a GPU if there is one. With several, "
    "cuda:0,cuda:1, each trains one job at a time.",
)
@options.dtype
@options.compiled(auto=False)
@options.record
@click.option(
    "--jobs",
    type=click.IntRange(1, 1024),
    help="Number of processes that train at the same time. [default: one per CPU core; 1 on a GPU]",
)
@options.cluster
@click.option(
    "--memory",
    type=click.FloatRange(0, 1e6),
    metavar="GB",
    help="Memory that each process may use, in GB. [default: half of this machine's, shared equally]",
)
@options.out("sweep-<scenario>")
@click.option("--resume", metavar="DIR", help="Continue a sweep that was stopped; finished jobs are kept.")
@options.trust
@options.large
@click.pass_context
def sweep(
    context: click.Context,
    /,
    *,
    scenario: str | None,
    optimizers: tuple[str, ...],
    resume: str | None,
    trust: tuple[str, ...],
    jobs: int | None,
    cluster: str,
    memory: float | None,
    dtype: str | None,
    yes: bool,
    **asked: Any,
) -> None:
    """Train SCENARIO over grids of its options and of the optimizers' hyperparameters.

    A grid is a list, [8,64,256]; numbers spaced evenly on a logarithmic scale, log(1e-4,1,25), or on a linear one,
    linear(0,0.99,10), both as (first,last,count); or the name of another option.

    Numeric hyperparameters and seeds train together, vectorised as lanes of one job; every other value makes a job of
    its own. The folder holds a run per job and outcomes.csv with a row per lane. Its name is printed to stdout.

    \b
    dynviz sweep surface:f=rosenbrock -o 'adamw:lr=log(1e-4,1,25)' --seeds 0:8
    dynviz sweep 'matrix-sensing:d=[32,64]' -o adamw -o 'sgd:lr=[1e-3,1e-2],momentum=linear(0,0.9,4)'
    dynviz sweep surface:f=[beale,booth] -o adam --cluster tcp://host:8786
    dynviz sweep --resume runs/sweep-surface-1
    """  # noqa: D301
    given = options.written(context)
    options.check_cluster(given)
    if resume:
        if given - RESUMED:
            raise click.UsageError(
                "--resume keeps the settings of the sweep; it takes only --jobs, --cluster and --trust"
            )
    elif trust:
        raise click.UsageError("--trust goes with --resume; files named on the command line run without it")
    else:
        options.check_names(scenario, optimizers, "sweep")
    done = (
        _resume(resume, trust, jobs=jobs, cluster=cluster)
        if resume
        else _sweep(
            jobs=jobs,
            cluster=cluster,
            scenario=scenario,
            optimizers=optimizers,
            memory=memory,
            dtype=dtype or "",
            yes=yes,
            **asked | {"compile": asked["compile"] == "on"},
        )
    )
    _say_end(done)


def _resume(folder: str, trusted: tuple[str, ...], **asked: Any) -> "Sweep":
    from dynviz.sweeps.jobs import SweepPlan, foreign_code

    allowed = consent.given(foreign_code(SweepPlan.load(Path(folder))), trusted)
    with _ended_cleanly() as heed:
        from dynviz.cli.sweeping import SweepProgress
        from dynviz.sweeps import launch

        heed()
        return launch.resume(folder, trust=allowed, progress=SweepProgress(), **asked)


def _sweep(**asked: Any) -> "Sweep":
    with _ended_cleanly() as heed:
        from dynviz.cli.sweeping import SweepProgress
        from dynviz.sweeps import launch

        heed()
        return launch.sweep(progress=SweepProgress(), **asked)


@contextlib.contextmanager
def _ended_cleanly() -> Iterator[Callable[[], None]]:
    """Print the command that resumes a sweep that is stopped, and exit; gives what `stoppable` gives."""
    from dynviz.sweeps.progress import Stopped

    try:
        with stoppable() as heed:
            yield heed
    except Stopped as stopped:
        say(f"{stopped}; continue with: {_resume_command(stopped.sweep.folder)}")
        sys.exit(STOPPED)
    except KeyboardInterrupt:
        say("stopped before training began")
        sys.exit(STOPPED)


def _resume_command(folder: Path) -> str:
    from dynviz.sweeps.jobs import SweepPlan, foreign_code

    return consent.with_trust(f"dynviz sweep --resume {shlex.quote(str(folder))}", foreign_code(SweepPlan.load(folder)))


def _say_end(done: "Sweep") -> None:
    from dynviz.sweeps.table import FILE

    folder = shlex.quote(str(done.folder))
    for name, why in done.failed.items():
        say(f"{name} failed: {why}")
    if done.problem:
        say(done.problem)
    elif done.finished:
        outcomes = done.outcomes
        if diverged := sum(outcome.diverged for outcome in outcomes):
            say(f"{diverged} of {len(outcomes)} lanes diverged")
        say(f"results are in {Path(done.folder) / FILE}; see them with: dynviz play {folder}")
    say(str(done.folder), err=False)
    if done.failed or done.problem:
        lost = f"{len(done.failed)} of {len(done.jobs)} jobs failed"
        say(f"{lost}; try again with: {_resume_command(done.folder)}")
        sys.exit(1)
