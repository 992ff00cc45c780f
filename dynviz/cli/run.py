"""`dynviz run`: train, record, and say how it goes."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynviz import plugins

if TYPE_CHECKING:
    from dynviz.recording import Run


@click.command
@click.argument("scenario", required=False)
@click.option("-o", "--optimizer", "optimizers", multiple=True, metavar="NAME[:key=value,...]", help="Again for more.")
@click.option("--seeds", default="42", show_default=True, help="One, a list (1,2,5) or a range (0:8): a lane for each.")
@click.option("--steps", type=int, help="How many, in all. [default: the scenario's]")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), help="Of the arithmetic. [default: the scenario's]")
@click.option("--record", multiple=True, metavar="CHANNEL[:every=N]", help="Record also, or oftener: 'term.*'.")
@click.option("--out", metavar="DIR", help="Folder to make. [default: the first free runs/<scenario>-<optimizers>-<n>]")
@click.option("--resume", metavar="DIR", help="Go on with a run that was stopped; with --steps, make it longer.")
@click.option("--yes", is_flag=True, help="Write more than 4 GB without refusing.")
@click.pass_context
def run(
    context: click.Context,
    *,
    scenario: str | None,
    optimizers: tuple[str, ...],
    seeds: str,
    steps: int | None,
    device: str,
    dtype: str | None,
    record: tuple[str, ...],
    out: str | None,
    resume: str | None,
    yes: bool,
) -> None:
    """Train SCENARIO with one or more optimizers and record what they do.

    The folder of the run is printed on stdout, all else on stderr.

    \b
    dynviz run voronoi --optimizer adamw-l1
    dynviz run voronoi:model=labels -o adamw -o torch.optim.NAdam:lr=0.01 --seeds 0:8
    dynviz run --resume runs/voronoi-adamw-1
    """  # noqa: D301
    if resume:
        _only(context, {"resume", "steps"}, "--resume goes on with a run as it was begun; it takes --steps alone")
    elif not scenario:
        raise click.UsageError("name a scenario, or a run after --resume; `dynviz list scenarios` prints them")
    elif not optimizers:
        raise click.UsageError("name an optimizer with -o; `dynviz list optimizers` prints them")
    else:
        plugins.check("scenarios", scenario)
        for optimizer in optimizers:
            plugins.check("optimizers", optimizer)

    # Torch takes over a second to import: what can be refused without it has been.
    from dynviz import training
    from dynviz.cli.progress import TrainingProgress
    from dynviz.training.session import Interrupted

    progress = TrainingProgress()
    try:
        if resume:
            done = training.resume(resume, steps=steps, progress=progress)
            folder = done.folder
        else:
            made: Run = training.run(
                scenario or "",
                optimizers,
                seeds=seeds,
                steps=steps,
                device=device,
                dtype=dtype or "",
                record=record,
                out=out,
                large=yes,
                progress=progress,
            )
            folder = made.folder
    except Interrupted as stopped:
        click.echo(
            f"stopped at step {stopped.step}; go on with: dynviz run --resume {_quoted(stopped.folder)}", err=True
        )
        sys.exit(130)
    click.echo(f"see it with: dynviz export {_quoted(folder)} {_quoted(folder.name)}.gif", err=True)
    click.echo(str(folder))


def _quoted(path: Path | str) -> str:
    return shlex.quote(str(path))


def _only(context: click.Context, allowed: set[str], message: str) -> None:
    given = {
        name
        for name in context.params
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE and name not in allowed
    }
    if given:
        raise click.UsageError(message)
