"""`dynviz fork`: continue a run from any of its steps, as it was or with something changed."""

from typing import Any

import click

from dynviz import plugins
from dynviz.cli import consent, options
from dynviz.cli.say import say
from dynviz.errors import DynvizError


@click.command(short_help="Continue a run from any step, with something changed.")
@click.argument("source", metavar="RUN[@LANES]")
@click.option("--at", type=click.IntRange(min=0), required=True, metavar="STEP", help="Step to fork at.")
@click.option("-o", "--optimizer", metavar="NAME[:key=value,...]", help="Continue with another optimizer.")
@click.option(
    "--set",
    "values",
    multiple=True,
    metavar="key=value",
    help="Change a hyperparameter: lr=3e-3. A grid, lr=log(1e-4,1e-1,12), makes a lane for each value. Repeat for "
    "several.",
)
@options.shown(
    "--state",
    click.Choice(["keep", "reset"]),
    "keep",
    "Keep the optimizer's state (such as momentum), or start it anew.",
)
@options.shown(
    "--schedule",
    click.Choice(["continue", "restart"]),
    "continue",
    "Continue schedules of hyperparameters, or start them anew at the fork.",
)
@click.option("--steps", type=click.IntRange(min=1), help="Total number of training steps. [default: the run's]")
@options.out("<run>-at-<step>")
@click.option(
    "--inexact",
    is_flag=True,
    help="Fork although training it again up to the step does not give the recorded numbers. The recording says so.",
)
@options.trust
@options.large
@options.player
@click.pass_context
def fork(
    context: click.Context,
    /,
    *,
    source: str,
    values: tuple[str, ...],
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
    """Continue RUN from a step in a run of its own, as it was or with something changed.

    The state at that step is computed again from the checkpoint before it and compared with what is recorded, byte for
    byte. A fork with nothing changed gives the numbers of its parent.

    \b
    dynviz fork runs/voronoi-adamw-1 --at 4000 --set lr=1e-3
    dynviz fork runs/voronoi-adamw-1 --at 4000 --set 'lr=log(1e-4,1e-1,12)'
    dynviz fork runs/voronoi-adamw-1@0 --at 4000 -o lion --state reset
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    given = options.of_training(options.written(context))
    changed = dict(map(_pair, values))
    if asked["optimizer"]:
        plugins.check("optimizers", asked["optimizer"])
    if view:
        plugins.check("views", view)
    from dynviz.recording import open_all

    recordings = open_all([source], say)
    context.params["trust"] = trust = consent.of_recordings(recordings, trust, optimizers=True)
    given |= {"trust"} if trust else set()
    words = options.again(context.command, context.params, given)

    from dynviz.cli import live

    if detach:
        live.detach(words, "fork")
    elif not headless and live.is_terminal():
        live.watch(
            words, f"a fork of {source}", view=view, theme=theme, graphics=graphics, beside=beside, command="fork"
        )
    else:
        from dynviz.cli import headless as here

        here.train("fork", report, source=source, trust=trust, set=changed, **asked)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = (part.strip() for part in text.partition("="))
    if not (key and equals and value):
        raise DynvizError(f"--set {text!r} is not understood; write key=value, like lr=3e-3")
    return key, value
