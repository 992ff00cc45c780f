"""`dynviz compare`: a table of what optimizers reach on scenarios."""

import contextlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynviz import plugins
from dynviz.cli import comparing, comparison_table, options
from dynviz.cli.say import say
from dynviz.errors import DynvizError
from dynviz.plugins import grammar
from dynviz.plugins.fingerprints import CodeFile
from dynviz.plugins.grammar import is_grid
from dynviz.plugins.spec import parse

if TYPE_CHECKING:
    from dynviz.comparison.request import ComparisonRequest
    from dynviz.comparison.rows import Row


@click.command(short_help="Train with several optimizers and print a table of results.")
@click.argument("scenarios", nargs=-1, metavar="SCENARIO...")
@options.optimizers("key=value or range", default="all that are bundled")
@options.seeds("0:8")
@options.steps
@options.device
@options.record
@options.out("compare-<scenario>")
@click.option(
    "--tune",
    type=click.IntRange(1, 2**16),
    metavar="N",
    help="Tune each optimizer first, with N quasirandom points in its search space.",
)
@click.option(
    "--studies",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help="How often tuning is repeated, each time with other points and seeds.",
)
@click.option(
    "--tuning-seeds",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Number of seeds that each point is trained with while tuning.",
)
@click.option(
    "--by",
    metavar="CHANNEL",
    help="Channel whose final value ranks optimizers. [default: the loss on unseen data if there is one, else loss]",
)
@click.option("--target", metavar="CHANNEL=VALUE", help="Also count the steps until a channel reaches this value.")
@comparing.workers
@comparing.resume
@options.trust
@options.large
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "latex", "csv", "json"]),
    default="text",
    show_default=True,
    help="Format of the table. latex needs the package booktabs; csv and json have all columns, unrounded.",
)
@click.option("--picture", metavar="FILE", help="Draw the curves of the runs that count, as a png, svg or pdf.")
@click.option("--size", default="640x480", show_default=True, metavar="WxH", help="Width and height of the picture.")
@click.option(
    "--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True, help="Colours of the picture."
)
@comparing.files
@click.pass_context
def compare(
    context: click.Context,
    /,
    *,
    scenarios: tuple[str, ...],
    optimizers: tuple[str, ...],
    out: str | None,
    form: str,
    target: str | None,
    by: str | None,
    **asked: Any,
) -> None:
    """Train every SCENARIO with several optimizers, and print a table of results with the differences to the best.

    The result is the median over the seeds of the last loss on unseen data, or else of the training loss, averaged over
    the last 5 % of the steps. A seed that diverged counts as infinitely bad. Intervals are 95 % bootstrap intervals
    over seeds; differences are paired seed by seed, and called noise where their interval contains 0. Times are per
    lane and step, recording included; state is the memory that the optimizer keeps per lane, beside the parameters.

    With --tune, each optimizer tries equally many points of its search space, on seeds of their own; then the best
    point of each study is trained on --seeds. Every rule declares its space. Ranges of your own are written as options,
    and options with a value are not searched.

    \b
    dynviz compare surface:f=rosenbrock
    dynviz compare surface:f=rosenbrock surface:f=booth -o adamw -o sgd --format markdown
    dynviz compare voronoi:model=labels -o adamw -o muon --tune 20 --studies 5 --target val_loss=0.4
    dynviz compare surface -o 'adamw:lr=log(1e-3,1),beta1=near-one(0.5,0.99)' -o sgd --tune 20
    """  # noqa: D301
    given = options.written(context)
    options.check_cluster(given)
    if asked["resume"]:
        comparing.check_resumed({"format" if name == "form" else name for name in given} - comparing.DRAWN)
        folder = Path(asked["resume"])
        comparing.check_drawn(asked, given)
        _compare(folder, form, asked)
        return
    if not scenarios:
        raise click.UsageError("name a scenario (`dynviz list scenarios` prints them), or add --resume DIR")
    if asked["tune"] is None and (idle := given & {"studies", "tuning_seeds", "jobs", "cluster"}):
        names = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(idle))
        raise click.UsageError(f"{names} has no effect without --tune N, which tunes each optimizer first")
    if "trust" in given:
        raise click.UsageError("--trust goes with --resume; files named on the command line run without it")
    for scenario in scenarios:
        plugins.check("scenarios", scenario)
    for optimizer in optimizers:
        plugins.check("optimizers", optimizer)
    _refuse_grids(scenarios, () if asked["tune"] else optimizers)
    if asked["picture"] and len(scenarios) > 1:
        raise click.UsageError("--picture draws the curves of one scenario")
    comparing.check_drawn(asked, given)
    chosen = optimizers or tuple(plugins.files("optimizers"))
    # What a scenario refuses is refused before there is a folder.
    for scenario in scenarios:
        plugins.load("scenarios", scenario).make()
    folder = comparing.free_folder("compare", scenarios[0], out)
    _begin(folder, scenarios, chosen, asked | {"target": target or "", "by": by or ""})
    _compare(folder, form, asked)


def _begin(folder: Path, scenarios: Sequence[str], optimizers: Sequence[str], asked: Mapping[str, Any]) -> None:
    """Check what is asked for, and lay out the folder of a comparison."""
    from dynviz.comparison import plan
    from dynviz.comparison.request import ComparisonRequest
    from dynviz.comparison.targets import Target, recorded
    from dynviz.plugins.grammar import seeds

    channels = [Target.read(asked["target"]).channel] if asked["target"] else []
    channels += [asked["by"]] if asked["by"] else []
    request = ComparisonRequest(
        plan.absolute(scenarios),
        plan.absolute(optimizers),
        seeds(asked["seeds"]),
        asked["steps"],
        asked["device"],
        record=recorded(asked["record"], channels) if asked["tune"] else asked["record"],
        by=asked["by"],
        files=_fingerprints(scenarios, optimizers, tuned=bool(asked["tune"])),
        tune=asked["tune"] or 0,
        studies=asked["studies"],
        tuning_seeds=asked["tuning_seeds"],
        target=asked["target"],
    )
    request.check()
    plan.save(folder, "compare", request)


def _fingerprints(scenarios: Sequence[str], optimizers: Sequence[str], *, tuned: bool) -> tuple[tuple[str, str], ...]:
    """Of the user's own code, by path.

    Raises:
        DynvizError: What is to be tuned has no search space, or does not exist.
    """
    if not tuned:
        # An optimizer that cannot be made has a row that says so.
        files = {part.name for text in (*scenarios, *optimizers) for part in parse(text).parts}
        paths = [Path(name).expanduser().resolve() for name in sorted(files) if name.endswith(".py")]
        return tuple((str(path), CodeFile(path).fingerprint()) for path in paths)
    from dynviz.comparison.spaces import candidate
    from dynviz.comparison.tuned import one
    from dynviz.sweeps.launch import fingerprints

    tasks = [one("scenarios", scenario) for scenario in scenarios]
    candidates = [candidate(text) for text in optimizers]
    return tuple(fingerprints([*tasks, *(one.point([0.5] * len(one.space)) for one in candidates)]).items())


def _compare(folder: Path, form: str, asked: Mapping[str, Any]) -> None:
    """Run a comparison, or continue it, and print the table."""
    from dynviz.comparison import plan
    from dynviz.comparison.request import ComparisonRequest
    from dynviz.comparison.tuned import compare_tuned

    request = plan.load(folder, "compare", ComparisonRequest)
    for name in ("jobs", "cluster"):
        if asked[name] and not request.tune:
            raise click.UsageError(f"--{name} has no effect on a comparison without --tune")
    trust = comparing.trusted(request, asked["trust"]) if asked["resume"] else ()
    with comparing.ended_cleanly("compare", request, folder):
        if request.tune:
            with comparing.runner(request, folder, asked, trust=trust) as runner:
                rows = compare_tuned(request, folder, runner)
            _print(rows, form, folder, asked)
            return
        rows = _train(request, folder, trust, yes=asked["yes"])
        count = len(request.scenarios) * len(request.optimizers)
        if rows:
            _print(rows, form, folder, asked)
        if len(rows) < count:
            say(f"{len(rows)} of {count} optimizers are compared")
            raise KeyboardInterrupt


def _refuse_grids(scenarios: Sequence[str], optimizers: Sequence[str]) -> None:
    """See that every option has one value.

    Raises:
        DynvizError: One has several, which `dynviz sweep` takes.
    """
    for text in (*scenarios, *optimizers):
        for key, value in parse(text).options.items():
            if is_grid(value):
                words = ["dynviz", "sweep", scenarios[0], *(word for name in optimizers for word in ("-o", name))]
                raise DynvizError(f"{key}={value} is a grid; compare takes one value; for grids: {shlex.join(words)}")


def _train(request: "ComparisonRequest", folder: Path, trust: tuple[str, ...], *, yes: bool) -> "list[Row]":
    """Train with the hyperparameters that were given; fewer rows than there should be if that was stopped."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from dynviz.cli.console import console
    from dynviz.comparison.rows import against_best
    from dynviz.comparison.targets import Target
    from dynviz.comparison.untuned import compare as train

    shared = {name: getattr(request, name) for name in ("by", "seeds", "steps", "device", "record")}
    goal = Target.read(request.target) if request.target else None
    stderr = console()
    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=None), TimeElapsedColumn()
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        task = progress.add_task("", total=len(request.scenarios) * len(request.optimizers))
        rows: list[Row] = []

        def move(optimizer: str, share: float) -> None:
            progress.update(task, description=optimizer, completed=len(rows) + share)

        trained = train(
            request.scenarios, request.optimizers, folder, move, target=goal, trust=trust, yes=yes, **shared
        )
        # After Ctrl-C the table has the rows that were finished.
        with contextlib.suppress(KeyboardInterrupt):
            for row in trained:
                rows.append(row)  # noqa: PERF402 - the progress bar counts them meanwhile
    return against_best(rows)


def _print(rows: "Sequence[Row]", form: str, folder: Path, asked: Mapping[str, Any]) -> None:
    """Print the table to stdout, and what else there is to know to stderr."""
    if all(row.refused for row in rows):
        raise DynvizError("no optimizer ran: " + "; ".join(dict.fromkeys(row.refused for row in rows)))
    from dynviz.comparison import pages

    trees = [row.to_json() for row in rows]
    if form == "csv":
        say(pages.csv_text(trees).removesuffix("\n"), err=False)
    elif form == "json":
        say(pages.json_text(trees).removesuffix("\n"), err=False)
    else:
        comparison_table.show(rows, form)
    comparison_table.write_files(rows, asked)
    _draw(rows, folder, asked)
    say(f"see them with: dynviz play {shlex.join(_playable(rows, folder))}")


def _draw(rows: "Sequence[Row]", folder: Path, asked: Mapping[str, Any]) -> None:
    """Draw the curves of what is compared by, if a picture was asked for."""
    from dynviz.animation.export import animate
    from dynviz.recording import open_all

    if not asked["picture"]:
        return
    if len({row.scenario for row in rows}) > 1:
        raise click.UsageError("--picture draws the curves of one scenario")
    finished = [row for row in rows if not row.refused]
    tuned = any(row.settings for row in finished)
    sources = _playable(rows, folder) if tuned else [row.folder for row in finished]
    view, size = f"curves:channels=({finished[0].measure})", grammar.size(asked["size"])
    animate(open_all(sources), asked["picture"], view=view, size=size, theme=asked["theme"])
    say(f"wrote {asked['picture']}")


def _playable(rows: "Sequence[Row]", folder: Path) -> list[str]:
    if not any(row.settings for row in rows):
        return [str(folder)]
    # Each scenario has a sweep of the trials with which it was tuned, and one of those that count.
    return [f"{place}/evaluation" for place in dict.fromkeys(row.folder for row in rows)]
