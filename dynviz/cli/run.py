"""`dynviz run`: train and record, in the player where there is a terminal."""

from typing import Any

import click

from dynviz import plugins
from dynviz.cli import consent, options
from dynviz.errors import DynvizError


@click.command(short_help="Train a scenario, record every step and watch it live.")
@click.argument("scenario", required=False)
@options.optimizers()
@options.seeds("42")
@options.steps
@options.device
@options.dtype
@options.compiled(auto=True)
@options.record
@options.out("<scenario>-<optimizers>")
@click.option("--resume", metavar="DIR", help="Continue a run that was stopped; with --steps, make it longer.")
@options.trust
@options.large
@click.option(
    "--changes",
    metavar="FILE",
    help="Change hyperparameters at the steps at which another recording did: its changes.jsonl.",
)
@options.player
@click.pass_context
def run(
    context: click.Context,
    /,
    *,
    scenario: str | None,
    resume: str | None,
    trust: tuple[str, ...],
    headless: bool,
    detach: bool,
    view: str | None,
    theme: str | None,
    graphics: str | None,
    beside: tuple[str, ...],
    report: int | None,
    **asked: Any,
) -> None:
    """Train SCENARIO with one or more optimizers and record every step.

    In a terminal this opens the player, so you can watch training live; elsewhere it prints progress to stderr. The
    run's folder is printed to stdout.

    \b
    dynviz run voronoi -o adamw-l1
    dynviz run voronoi:model=labels -o adamw -o torch.optim.NAdam:lr=0.01 --seeds 0:8
    dynviz run --resume runs/voronoi-adamw-1
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    given = options.of_training(options.written(context))
    if resume:
        context.params["trust"] = trust = _check_resume(resume, given, trust)
        given |= {"trust"} if trust else set()
    elif trust:
        raise click.UsageError("--trust goes with --resume; files named on the command line run without it")
    else:
        options.check_names(scenario, asked["optimizers"], "run")
    if view:
        plugins.check("views", view)

    from dynviz.cli import live

    words = options.again(context.command, context.params, given)
    if detach:
        live.detach(words)
    elif not headless and live.is_terminal():
        live.watch(
            words, _in_words(scenario, resume, **asked), view=view, theme=theme, graphics=graphics, beside=beside
        )
    else:
        from dynviz.cli import headless as here

        if resume:
            here.train("resume", report, folder=resume, steps=asked["steps"], trust=trust)
        else:
            here.train("run", report, **asked | {"scenario": scenario, "dtype": asked["dtype"] or ""})


def _in_words(
    scenario: str | None, resume: str | None, *, steps: int | None, optimizers: tuple[str, ...], **_: Any
) -> str:
    """What is trained.

    >>> _in_words("voronoi", None, steps=10_000, optimizers=("adamw", "adamw-l1"))
    '10 000 steps of voronoi with adamw and adamw-l1'
    """
    count = f"{steps:,} steps".replace(",", " ") if steps else "training"
    if resume:
        return f"{count} of {resume}"
    return f"{count} of {scenario} with {' and '.join(optimizers)}"


def _check_resume(folder: str, given: set[str], trusted: tuple[str, ...]) -> tuple[str, ...]:
    """The code of the user's own that may be run again."""
    if given - {"resume", "steps", "trust"}:
        raise click.UsageError("--resume keeps the settings of the run; it takes only --steps and --trust")
    from dynviz.recording import open_all

    return consent.of_recordings(open_all([folder], _refuse), trusted, optimizers=True)


def _refuse(problem: str) -> None:
    """A run is resumed as a whole or not at all."""
    raise DynvizError(problem.removeprefix("left out: "))
