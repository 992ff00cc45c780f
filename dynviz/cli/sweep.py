"""`dynviz sweep`: a scenario and its optimizers over grids, in several processes."""

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynviz import plugins
from dynviz.cli import consent
from dynviz.cli.consent import trust_option
from dynviz.cli.say import say
from dynviz.cli.stopping import stoppable
from dynviz.process.background import STOPPED

if TYPE_CHECKING:
    from dynviz.sweeps.progress import Sweep

COMMANDLINE = click.core.ParameterSource.COMMANDLINE
RESUMED = {"resume", "jobs", "trust"}
"""What can be said of a sweep that is gone on with."""


@click.command(short_help="Train over grids of options and hyperparameters.")
@click.argument("scenario", required=False)
@click.option("-o", "--optimizer", "optimizers", multiple=True, metavar="NAME[:key=grid,...]", help="Again for more.")
@click.option("--seeds", default="42", show_default=True, help="One, a list (1,2,5) or a range (0:8): a lane for each.")
@click.option("--steps", type=int, help="How many. [default: the scenario's]")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), help="Of the arithmetic. [default: the scenario's]")
@click.option("--compile", is_flag=True, help="Each job compiles its steps first.")
@click.option("--record", multiple=True, metavar="CHANNEL[:every=N]", help="Record also, or oftener: 'term.*'.")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes side by side. [default: one a core; on a GPU 1]")
@click.option("--memory", type=click.FloatRange(0, 1e6), metavar="GB", help="For each. [default: half of it in all]")
@click.option("--out", metavar="DIR", help="Folder to make. [default: the first free runs/sweep-<scenario>-<n>]")
@click.option("--resume", metavar="DIR", help="Go on with a sweep that was stopped or killed.")
@trust_option
@click.option("--yes", is_flag=True, help="Write more than 4 GB without refusing.")
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
    memory: float | None,
    dtype: str | None,
    yes: bool,
    **asked: Any,
) -> None:
    """Train SCENARIO with optimizers over grids of their options: [8,64,256], log(1e-4,1,25), linear(0,.99,10).

    Numbers among the hyperparameters, and seeds, train together as lanes of one stack; all else is a job of its own.
    The folder holds a run for each job and outcomes.csv, a row for each lane. Its name is printed on stdout.

    \b
    dynviz sweep surface:f=rosenbrock -o 'adamw:lr=log(1e-4,1,25)' --seeds 0:8
    dynviz sweep 'matrix-sensing:samples=[300,500]' -o adamw -o 'sgd:lr=[1e-3,1e-2],momentum=linear(0,.9,4)'
    dynviz sweep --resume runs/sweep-surface-1
    """  # noqa: D301
    given = {name for name in context.params if context.get_parameter_source(name) is COMMANDLINE}
    if resume:
        if given - RESUMED:
            raise click.UsageError("--resume goes on with a sweep as it was begun; it takes --jobs and --trust alone")
    elif trust:
        raise click.UsageError("--trust is for --resume; what the command line names is run anyway")
    else:
        _check_names(scenario, optimizers)
    done = (
        _resume(resume, jobs, trust)
        if resume
        else _sweep(
            jobs=jobs,
            scenario=scenario,
            optimizers=optimizers,
            memory=memory,
            dtype=dtype or "",
            yes=yes,
            **asked,
        )
    )
    _say_end(done)


def _check_names(scenario: str | None, optimizers: tuple[str, ...]) -> None:
    if not scenario:
        raise click.UsageError("name a scenario, or a sweep after --resume; `dynviz list scenarios` prints them")
    if not optimizers:
        raise click.UsageError("name an optimizer with -o; `dynviz list optimizers` prints them")
    plugins.check("scenarios", scenario)
    for optimizer in optimizers:
        plugins.check("optimizers", optimizer)


def _resume(folder: str, jobs: int | None, trusted: tuple[str, ...]) -> "Sweep":
    from dynviz.sweeps.jobs import SweepPlan, foreign_code

    allowed = consent.given(foreign_code(SweepPlan.load(Path(folder))), trusted)
    with _ended_cleanly() as heed:
        from dynviz.cli.sweeping import SweepProgress
        from dynviz.sweeps import launch

        heed()
        return launch.resume(folder, jobs=jobs, trust=allowed, progress=SweepProgress())


def _sweep(**asked: Any) -> "Sweep":
    with _ended_cleanly() as heed:
        from dynviz.cli.sweeping import SweepProgress
        from dynviz.sweeps import launch

        heed()
        return launch.sweep(progress=SweepProgress(), **asked)


@contextlib.contextmanager
def _ended_cleanly() -> Iterator[Callable[[], None]]:
    """Say how to go on with a sweep that was stopped, and exit; gives what `stoppable` gives."""
    from dynviz.sweeps.progress import Stopped

    try:
        with stoppable() as heed:
            yield heed
    except Stopped as stopped:
        say(f"{stopped}; go on with: {_resume_command(stopped.sweep.folder)}")
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
        say(f"{Path(done.folder) / FILE} holds what came out; see it with: dynviz play {folder}")
    say(str(done.folder), err=False)
    if done.failed or done.problem:
        lost = f"{len(done.failed)} of {len(done.jobs)} jobs failed"
        say(f"{lost}; try {'them' if done.failed else 'it'} again with: {_resume_command(done.folder)}")
        sys.exit(1)
