"""Options that several commands share, and what they check in common."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from dynviz import plugins
from dynviz.plugins.early import check_options

Command = TypeVar("Command", bound=Callable[..., Any])
COMMANDLINE = click.core.ParameterSource.COMMANDLINE
SEEDS = "Random seeds: one (42), a list (1,2,5) or a range without its end (0:8). Each trains as a lane of its own."


def shown(name: str, kind: "click.ParamType[Any]", default: Any, text: str) -> Callable[[Command], Command]:
    """An option whose help shows its default."""
    return click.option(name, type=kind, default=default, show_default=True, help=text)


class ThemeName(click.ParamType[str]):
    """`light`, `dark`, or the path of a file that is a theme."""

    name = "theme"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002
        """What the help shows."""
        return "[light|dark|FILE.toml]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See that there is such a theme."""
        if value.endswith(".toml"):
            from dynviz.scene.theme import theme

            theme(value)
        elif value not in ("light", "dark"):
            self.fail(f"{value!r} is not one of 'light' and 'dark', nor a file that ends in .toml", param, ctx)
        return value


THEME = ThemeName()
device = click.option(
    "--device",
    default="auto",
    show_default=True,
    help="Where to compute: cpu, cuda, cuda:N, or auto, which takes a GPU if there is one.",
)
cluster = click.option(
    "--cluster",
    default="",
    metavar="ADDRESS",
    help="Train on a Dask cluster: tcp://HOST:8786, slurm:FILE.toml, which has the options of dask-jobqueue's "
    "SLURMCluster and `jobs`, or local:4 to try it here. Needs the extra cluster.",
)
steps = click.option("--steps", type=int, help="Number of training steps. [default: chosen by the scenario]")
lane = shown(
    "--lane",
    click.IntRange(0),
    0,
    "Lane whose parameters are used, counted from 0: the position of its seed in --seeds.",
)
batches = shown(
    "--batches", click.IntRange(1, 10**6), 1, "Number of training batches that the training loss is averaged over."
)
force = click.option("--force", is_flag=True, help="Replace files that exist without asking.")
trust = click.option(
    "--trust",
    multiple=True,
    metavar="PATH",
    help="Allow code of your own that the recording was made with to run again: a file, its folder or an import path. "
    "Repeat for several.",
)
large = click.option("--yes", is_flag=True, help="Allow recordings larger than 4 GB in total.")
dtype = click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    help="Floating-point precision used for training. [default: chosen by the scenario]",
)


def compiled(*, auto: bool) -> Callable[[Command], Command]:
    """The option `--compile`; written without a value it means `on`.

    Args:
        auto: Whether the command decides by default.
    """
    by_default = "auto compiles runs of at least a million steps, counted over all lanes. " if auto else ""
    return click.option(
        "--compile",
        type=click.Choice(["auto", "on", "off"] if auto else ["on", "off"]),
        is_flag=False,
        flag_value="on",
        default="auto" if auto else "off",
        show_default=True,
        help="Compile the training steps to machine code first. This takes some seconds; then training is several "
        f"times faster. {by_default}".rstrip(),
    )


record = click.option(
    "--record",
    multiple=True,
    metavar="CHANNEL[:every=N]",
    help="Record this channel too, or sample it every N steps: 'term.*', 'val_loss:every=1'. Repeat for several.",
)


graphics = click.option(
    "--graphics",
    type=click.Choice(["auto", "cells", "kitty", "iterm", "sixel"]),
    help="How to show pictures in the terminal: kitty and iterm use the protocols of these terminals, sixel shows "
    "pixels while a picture stands still, cells uses characters, auto asks the terminal. [default: as set, see `dynviz "
    "config`; else auto]",
)
_PLAYER = (
    click.option("--headless", is_flag=True, help="Print progress instead of opening the player."),
    click.option("--detach", is_flag=True, help="Train in the background and return to the prompt at once."),
    click.option("--view", help="View that the player opens with. [default: the scenario's first]"),
    click.option(
        "--theme",
        type=THEME,
        help="Colours of the player. [default: as set, see `dynviz config`; else those of the terminal]",
    ),
    graphics,
    click.option(
        "--beside",
        multiple=True,
        metavar="RUN",
        help="Show this earlier run beside the one that is trained. Repeat for several.",
    ),
    # The descriptor on which a player awaits progress.
    click.option("--report", type=int, hidden=True),
)


def player(command: Command) -> Command:
    """The options about where training is shown."""
    for option in reversed(_PLAYER):
        command = option(command)
    return command


def of_training(given: set[str]) -> set[str]:
    """The parameters that the trainer takes too, of those that were written.

    Raises:
        click.UsageError: Those about where training is shown contradict each other.
    """
    alone, opened = given & {"headless", "detach"}, given & {"view", "theme", "graphics", "beside"}
    if len(alone) > 1:
        raise click.UsageError("--headless trains in the foreground, --detach in the background; choose one")
    if alone and opened:
        raise click.UsageError(f"--{min(opened)} sets up the player, which --{min(alone)} does not open")
    return given - alone - opened - {"report"}


def optimizers(values: str = "key=value", default: str = "", *, required: bool = False) -> Callable[[Command], Command]:
    """`-o`, with what may be written for a hyperparameter and what is trained without it."""
    return click.option(
        "-o",
        "--optimizer",
        "optimizers",
        multiple=True,
        required=required,
        metavar=f"NAME[:{values},...]",
        help=f"Optimizer to train with; repeat to compare several.{default and f' [default: {default}]'}",
    )


loss_function = click.option(
    "--loss",
    "function",
    metavar="FILE",
    help="File that binds loss, a function of the parameters by name, or its import path; needed for recordings of a "
    "script's own loop.",
)


def seeds(default: str) -> Callable[[Command], Command]:
    """`--seeds`."""
    return click.option("--seeds", default=default, show_default=True, help=SEEDS)


def out(default: str) -> Callable[[Command], Command]:
    """`--out`, with the folder that is made without it."""
    return click.option(
        "--out", metavar="DIR", help=f"Folder to create; it must not exist. [default: first unused runs/{default}-<n>]"
    )


def written(context: click.Context) -> set[str]:
    """The parameters that were written on the command line."""
    return {name for name in context.params if context.get_parameter_source(name) is COMMANDLINE}


def check_cluster(given: set[str]) -> None:
    """See that the options of a command say once where jobs run.

    Raises:
        click.UsageError: They do not.
    """
    if {"jobs", "cluster"} <= given:
        raise click.UsageError("--jobs is the number of processes on this machine; a --cluster has workers of its own")


def check_names(scenario: str | None, optimizers: tuple[str, ...], resumed: str) -> None:
    """See that a scenario and its optimizers exist and take their options, without importing them.

    Raises:
        click.UsageError: One is not named.
        DynvizError: There is none of that name, or it takes no such option.
    """
    if not scenario:
        raise click.UsageError(
            f"name a scenario (`dynviz list scenarios` prints them), or continue a {resumed} with --resume DIR"
        )
    plugins.check("scenarios", scenario)
    if not optimizers:
        raise click.UsageError("name an optimizer with -o; `dynviz list optimizers` prints them")
    for optimizer in optimizers:
        plugins.check("optimizers", optimizer)
    if resumed == "run":
        # A sweep takes grids, which its own grammar checks.
        check_options("scenarios", scenario)
        for optimizer in optimizers:
            check_options("optimizers", optimizer)


def again(command: click.Command, params: Mapping[str, Any], names: set[str]) -> list[str]:
    """A command line that gives a command these of its parameters.

    Args:
        command: The command.
        params: The parameters by name.
        names: Those to give.
    """
    words: list[str] = []
    named: list[str] = []
    for parameter in command.params:
        value = params.get(parameter.name or "")
        if parameter.name not in names or value is None or value is False:
            continue
        several = value if parameter.multiple or parameter.nargs != 1 else (value,)
        if isinstance(parameter, click.Argument):
            named += map(str, several)
        elif isinstance(parameter, click.Option) and parameter.is_flag:
            words.append(parameter.opts[-1])
        else:
            words += [f"{parameter.opts[-1]}={item}" for item in several]
    return [*words, "--", *named]
