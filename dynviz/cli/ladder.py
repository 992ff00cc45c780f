"""`dynviz ladder`: changes stacked on one another, and what each does to the time to a target."""

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynviz import plugins
from dynviz.cli import comparing, options
from dynviz.cli.say import say
from dynviz.plugins import grammar
from dynviz.plugins.spec import parse

if TYPE_CHECKING:
    from dynviz.comparison.ladder import LadderRequest, Rung


@click.command(short_help="Stack changes on an optimizer, and see which shorten the time to a target.")
@click.argument("scenario", required=False)
@click.option("-o", "--optimizer", metavar="NAME[:key=value,...]", help="Optimizer to start from.")
@click.option(
    "--change",
    "changes",
    multiple=True,
    metavar="CHANGE",
    help="Change stacked on the last one: momentum=0.9, +MODIFIER:key=value, NAME:key=value or scenario.key=value.",
)
@click.option("--target", metavar="CHANNEL=VALUE", help="Value of a channel to reach.")
@click.option(
    "--at",
    "sizes",
    multiple=True,
    metavar="key=value",
    help="Size of the scenario at which all is tried, as its options; repeat for several sizes.",
)
@click.option(
    "--unit",
    type=click.Choice(["steps", "gradients", "seconds"]),
    default="steps",
    show_default=True,
    help="What time to the target is measured in; seconds are those of one lane on this machine.",
)
@options.seeds("0:8")
@options.steps
@options.device
@options.record
@options.out("ladder-<scenario>")
@click.option("--picture", metavar="FILE", help="Draw the bars as a png, svg or pdf.")
@click.option("--size", default="640x480", show_default=True, metavar="WxH", help="Width and height of the picture.")
@click.option("--theme", type=options.THEME, default="light", show_default=True, help="Colours of the picture.")
@comparing.workers
@comparing.resume
@options.trust
@options.large
@comparing.files
@click.pass_context
def ladder(context: click.Context, /, *, scenario: str | None, **asked: Any) -> None:
    """Train SCENARIO with an optimizer, then with changes stacked on it one by one, and print the time to a target.

    Each change is compared with the rung below it, seed by seed: it helps or hurts where the 95 % bootstrap interval of
    the ratio of their times excludes 1, and is within the noise otherwise. With several sizes (--at) the table says
    whether what helps at one size helps at another.

    \b
    dynviz ladder surface:f=rosenbrock -o sgd:lr=1e-3 --change momentum=0.9 --change nesterov=true --target loss=0.01
    dynviz ladder voronoi -o sgd:lr=3 --change momentum=0.9 --change adamw:lr=0.01 --change +sam:rho=0.01 \\
        --at hidden=64 --at hidden=512 --target val_loss=0.45 --steps 3000 --picture ladder.png
    """  # noqa: D301
    given = options.written(context)
    options.check_cluster(given)
    comparing.check_drawn(asked, given)
    if asked["resume"]:
        comparing.check_resumed(given - comparing.DRAWN)
        folder = Path(asked["resume"])
    else:
        if not (scenario and asked["optimizer"] and asked["changes"] and asked["target"]):
            raise click.UsageError("name a scenario, an optimizer with -o, a --change and a --target, or add --resume")
        if "trust" in given:
            raise click.UsageError("--trust goes with --resume; files named on the command line run without it")
        plugins.check("scenarios", scenario)
        plugins.check("optimizers", asked["optimizer"])
        folder = comparing.free_folder("ladder", scenario, asked["out"])
        _begin(folder, scenario, asked)
    _run(folder, asked)


def _begin(folder: Path, scenario: str, asked: Mapping[str, Any]) -> None:
    from dynviz.comparison import plan
    from dynviz.comparison.ladder import LadderRequest, combinations, stack
    from dynviz.comparison.targets import Target, recorded
    from dynviz.sweeps.launch import fingerprints

    channel = Target.read(asked["target"]).channel
    request = LadderRequest(
        plan.absolute([scenario]),
        plan.absolute([asked["optimizer"]]),
        grammar.seeds(asked["seeds"]),
        asked["steps"],
        asked["device"],
        record=recorded(asked["record"], [channel]),
        by="loss",
        changes=asked["changes"],
        sizes=asked["sizes"],
        target=asked["target"],
        unit=asked["unit"],
    )
    # Whatever a plug-in refuses is refused before anything is trained.
    rungs = [pair for size in request.sizes or ("",) for pair in combinations(stack(request, size))]
    files = tuple(fingerprints([plugin for pair in rungs for plugin in pair]).items())
    plan.save(folder, "ladder", LadderRequest(**{**vars(request), "files": files}))


def _run(folder: Path, asked: Mapping[str, Any]) -> None:
    from dynviz.comparison import plan
    from dynviz.comparison.ladder import LadderRequest, climb

    request = plan.load(folder, "ladder", LadderRequest)
    trust = comparing.trusted(request, asked["trust"]) if asked["resume"] else ()
    with (
        comparing.ended_cleanly("ladder", request, folder),
        comparing.runner(request, folder, asked, trust=trust) as runner,
    ):
        rungs = climb(request, folder, runner)
    _show(request, rungs, asked)


def _show(request: "LadderRequest", rungs: "list[Rung]", asked: Mapping[str, Any]) -> None:
    from dynviz.charts import caption
    from dynviz.cli import tables
    from dynviz.comparison import ladder_picture, pictures
    from dynviz.comparison.ladder import survival
    from dynviz.comparison.pages import PageTable
    from dynviz.comparison.targets import Target

    target, scenario = Target.read(request.target), Path(parse(request.scenarios[0]).name).stem
    until = f"until the {caption.words(target.channel)} is {target.value:g}"
    title, drawn = f"{scenario}: {request.unit} {until}", f"{request.unit.capitalize()} {until}"
    pages, width = [], shutil.get_terminal_size((100, 24)).columns
    for size in dict.fromkeys(rung.size for rung in rungs):
        header, cells = _columns([rung for rung in rungs if rung.size == size], request.unit)
        if size:
            say(size, err=False, bold=True)
        for line in tables.lines(header, cells, width):
            say(line, err=False)
        pages.append(PageTable(size or request.scenarios[0], header, cells))
    verdicts = survival(rungs)
    comparing.say_wrapped(verdicts, width)
    scene = ladder_picture.picture(rungs, drawn, request.unit)
    words = ladder_picture.description(rungs, request.unit)
    svg = pictures.svg(scene, grammar.size(asked["size"]), words) if asked["html"] else ""
    trees = [rung.to_json() for rung in rungs]
    comparing.write_files(asked, trees, title, verdicts, pages, picture=svg)
    values = {
        "scenario": request.scenarios[0],
        "optimizer": request.optimizers[0],
        "seeds": ",".join(map(str, request.seeds)),
        **{
            name: getattr(request, name) for name in ("changes", "target", "sizes", "unit", "steps", "record", "device")
        },
    }
    counted = [{**tree, "microseconds": None} for tree in trees]
    comparing.draw(scene, words, asked, values, None if request.unit == "seconds" else counted)


def _columns(rungs: "list[Rung]", unit: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    from dynviz.charts.numbers import significant

    counted = rungs[0].counted if rungs[0].examples else ""
    header = ("change", unit, "ratio", "95 % interval", "verdict", "missed", "µs/step", *([counted] if counted else []))

    def number(value: float) -> str:
        return "missed" if math.isinf(value) else significant(value)

    cells = [
        (
            rung.change,
            number(rung.time.value),
            *(("", "") if not rung.number else _ratio(rung)),
            rung.effect,
            f"{rung.missed} of {len(rung.steps)}" if rung.missed else "",
            significant(rung.microseconds) if math.isfinite(rung.microseconds) else "",
            *([number(rung.examples)] if counted else []),
        )
        for rung in rungs
    ]
    return header, cells


def _ratio(rung: "Rung") -> tuple[str, str]:
    from dynviz.charts.numbers import significant

    ratio = rung.ratio
    return significant(ratio.value), f"{significant(ratio.low)} to {significant(ratio.high)}"
