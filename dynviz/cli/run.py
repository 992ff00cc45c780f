"""`dynviz run`: train and record, in the player where there is a terminal."""

from typing import Any

import click

from dynviz import plugins
from dynviz.cli import consent
from dynviz.cli.consent import trust_option
from dynviz.errors import DynvizError

COMMANDLINE = click.core.ParameterSource.COMMANDLINE
PLAYER = {"view", "theme"}
WAYS = {"headless", "detach", "report"}
"""How it is shown, which is not the trainer's concern."""


@click.command(short_help="Train, record, and watch.")
@click.argument("scenario", required=False)
@click.option("-o", "--optimizer", "optimizers", multiple=True, metavar="NAME[:key=value,...]", help="Again for more.")
@click.option("--seeds", default="42", show_default=True, help="One, a list (1,2,5) or a range (0:8): a lane for each.")
@click.option("--steps", type=int, help="How many, in all. [default: the scenario's]")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), help="Of the arithmetic. [default: the scenario's]")
@click.option("--compile", is_flag=True, help="Compile the steps first: a while, then many times as fast.")
@click.option("--record", multiple=True, metavar="CHANNEL[:every=N]", help="Record also, or oftener: 'term.*'.")
@click.option("--out", metavar="DIR", help="Folder to make. [default: the first free runs/<scenario>-<optimizers>-<n>]")
@click.option("--resume", metavar="DIR", help="Go on with a run that was stopped; with --steps, make it longer.")
@trust_option
@click.option("--yes", is_flag=True, help="Write more than 4 GB without refusing.")
@click.option("--headless", is_flag=True, help="Train here with plain progress, as where there is no terminal.")
@click.option("--detach", is_flag=True, help="Train in the background, and give the prompt back at once.")
@click.option("--view", help="What the player shows first. [default: the scenario's first]")
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True, help="The player's.")
@click.option("--report", type=int, hidden=True)  # where a player waits to hear of it
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
    theme: str,
    report: int | None,
    **asked: Any,
) -> None:
    """Train SCENARIO with one or more optimizers and record what they do.

    In a terminal the player shows it live. The folder of the run is printed on stdout, all else on stderr.

    \b
    dynviz run voronoi --optimizer adamw-l1
    dynviz run voronoi:model=labels -o adamw -o torch.optim.NAdam:lr=0.01 --seeds 0:8
    dynviz run --resume runs/voronoi-adamw-1
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    given = {name for name in context.params if context.get_parameter_source(name) is COMMANDLINE}
    _check_ways(given)
    if resume:
        context.params["trust"] = trust = _check_resume(resume, given, trust)
        given |= {"trust"} if trust else set()
    elif trust:
        raise click.UsageError("--trust is for --resume; what the command line names is run anyway")
    else:
        _check_names(scenario, asked["optimizers"])
    if view:
        plugins.check("views", view)

    from dynviz.cli import live

    if detach:
        live.detach(_arguments(context, given))
    elif not headless and live.is_terminal():
        live.watch(_arguments(context, given), view=view, theme=theme)
    else:
        from dynviz.cli.headless import train

        asked |= {"scenario": scenario, "dtype": asked["dtype"] or ""}
        train({"steps": asked["steps"], "trust": trust} if resume else asked, resume, report)


def _check_ways(given: set[str]) -> None:
    alone = given & {"headless", "detach"}
    if len(alone) > 1:
        raise click.UsageError("--headless trains here and --detach in the background: give one of them")
    if alone and (unused := given & PLAYER):
        raise click.UsageError(f"--{min(unused)} is for the player, which --{min(alone)} does not open")


def _check_resume(folder: str, given: set[str], trusted: tuple[str, ...]) -> tuple[str, ...]:
    """What may be run beside what is bundled."""
    if given - {"resume", "steps", "trust"} - PLAYER - WAYS:
        raise click.UsageError("--resume goes on with a run as it was begun; it takes --steps and --trust alone")
    from dynviz.recording import open_all

    return consent.of_recordings(open_all([folder], _refuse), trusted, optimizers=True)


def _refuse(problem: str) -> None:
    """A run is gone on with as a whole."""
    raise DynvizError(problem.removeprefix("left out: "))


def _check_names(scenario: str | None, optimizers: tuple[str, ...]) -> None:
    if not scenario:
        raise click.UsageError("name a scenario, or a run after --resume; `dynviz list scenarios` prints them")
    if not optimizers:
        raise click.UsageError("name an optimizer with -o; `dynviz list optimizers` prints them")
    plugins.check("scenarios", scenario)
    for optimizer in optimizers:
        plugins.check("optimizers", optimizer)


def _arguments(context: click.Context, given: set[str]) -> list[str]:
    """What was written on the command line, but for what is not the trainer's concern."""
    words, named = [], []
    for parameter in context.command.params:
        name = parameter.name or ""
        if name not in given - PLAYER - WAYS:
            continue
        value = context.params[name]
        if isinstance(parameter, click.Argument):
            named.append(value)
        elif isinstance(parameter, click.Option) and parameter.is_flag:
            words.append(parameter.opts[-1])
        else:
            words += [f"{parameter.opts[-1]}={each}" for each in (value if parameter.multiple else (value,))]
    return [*words, "--", *named]
