"""`dynviz score`: optimizers scored over several tasks, by AlgoPerf's rules."""

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from dynviz import plugins
from dynviz.cli import comparing, options
from dynviz.cli.say import say
from dynviz.plugins import grammar

if TYPE_CHECKING:
    from dynviz.comparison.scoring import Score

PUBLISHED = {"published", "unit", "tau"} | comparing.DRAWN | comparing.OUTPUT
"""Options that published times take."""


@click.command(short_help="Score optimizers over several tasks with targets, by AlgoPerf's rules.")
@click.argument("scenarios", nargs=-1, metavar="SCENARIO...")
@options.optimizers("key=value or range")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="CHANNEL=VALUE",
    help="Value of a channel to reach: one for all scenarios, or one for each in their order.",
)
@click.option(
    "--ruleset",
    type=click.Choice(["external", "self"]),
    default="external",
    show_default=True,
    help="Tune with quasirandom points (external), or take each rule's defaults and train three times as long (self).",
)
@click.option(
    "--trials",
    type=click.IntRange(1, 2**16),
    default=5,
    show_default=True,
    help="Number of points of the search space in each study of the external ruleset.",
)
@click.option(
    "--studies",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help="Number of studies, each with other points and another seed; their median counts.",
)
@click.option(
    "--unit",
    type=click.Choice(["steps", "gradients", "seconds"]),
    default="steps",
    show_default=True,
    help="What time to the target is measured in; seconds are those of one lane on this machine.",
)
@click.option(
    "--tau",
    type=click.FloatRange(1, 1000, min_open=True),
    default=4.0,
    show_default=True,
    help="Largest ratio to the fastest optimizer that counts as solved.",
)
@options.steps
@options.device
@options.record
@options.out("score-<scenario>")
@click.option("--published", is_flag=True, help="Score the published times of AlgoPerf instead of training.")
@click.option("--picture", metavar="FILE", help="Draw the performance profiles as a png, svg or pdf.")
@click.option("--size", default="640x480", show_default=True, metavar="WxH", help="Width and height of the picture.")
@click.option("--theme", type=options.THEME, default="light", show_default=True, help="Colours of the picture.")
@comparing.workers
@comparing.resume
@options.trust
@options.large
@comparing.files
@click.pass_context
def score(
    context: click.Context,
    /,
    *,
    scenarios: tuple[str, ...],
    optimizers: tuple[str, ...],
    **asked: Any,
) -> None:
    """Score optimizers by how fast they reach a target on each SCENARIO, and print the scores.

    With the external ruleset, each study trains every optimizer at several quasirandom points of its search space, and
    the fastest one counts; with self, each rule trains once with its own defaults, for up to three times as long. The
    time on a task is the median over the studies, and infinite where the target was missed. Divided by the fastest
    optimizer's time on that task, it gives the performance profile: the share of tasks solved within a factor tau of
    the fastest. The score is the area under it, 1 for the fastest on all tasks. Beside it stand the lowest and highest
    score if one task is left out: with few tasks, a single one may decide.

    \b
    dynviz score surface:f=rosenbrock surface:f=booth -o adam -o sgd --target loss=0.01 --picture profiles.png
    dynviz score voronoi:model=labels surface -o adamw -o muon --target val_loss=0.4 --target loss=0.01
    dynviz score --published --unit steps
    """  # noqa: D301
    given = options.written(context)
    options.check_cluster(given)
    comparing.check_drawn(asked, given)
    if asked["published"]:
        _published(asked, given)
        return
    if asked["resume"]:
        comparing.check_resumed(given - comparing.DRAWN)
        folder = Path(asked["resume"])
    else:
        if not scenarios or not optimizers or not asked["targets"]:
            raise click.UsageError(
                "name scenarios, optimizers with -o and a --target, or add --resume DIR, or --published"
            )
        if "trust" in given:
            raise click.UsageError("--trust goes with --resume; files named on the command line run without it")
        if asked["ruleset"] == "self" and "trials" in given:
            raise click.UsageError("--trials has no effect with --ruleset self, in which nothing is tuned")
        for scenario in scenarios:
            plugins.check("scenarios", scenario)
        for optimizer in optimizers:
            plugins.check("optimizers", optimizer)
        folder = comparing.free_folder("score", scenarios[0], asked["out"])
        _begin(folder, scenarios, optimizers, asked)
    _run(folder, asked)


def _begin(folder: Path, scenarios: Sequence[str], optimizers: Sequence[str], asked: Mapping[str, Any]) -> None:
    from dynviz.comparison import plan
    from dynviz.comparison.score import ScoreRequest
    from dynviz.comparison.spaces import candidate
    from dynviz.comparison.tuned import one
    from dynviz.sweeps.launch import fingerprints

    tuned = asked["ruleset"] == "external"
    candidates = [candidate(text, tuned=tuned) for text in optimizers]
    tasks = [one("scenarios", scenario) for scenario in scenarios]
    request = ScoreRequest(
        plan.absolute(scenarios),
        plan.absolute(optimizers),
        tuple(range(asked["studies"])),
        asked["steps"],
        asked["device"],
        record=asked["record"],
        files=tuple(fingerprints([*tasks, *(known.point([0.5] * len(known.space)) for known in candidates)]).items()),
        targets=asked["targets"],
        ruleset=asked["ruleset"],
        trials=asked["trials"],
        unit=asked["unit"],
        tau=asked["tau"],
    )
    request.check()
    plan.save(folder, "score", request)


def _run(folder: Path, asked: Mapping[str, Any]) -> None:
    from dynviz.comparison import plan
    from dynviz.comparison.score import ScoreRequest, measure_times
    from dynviz.comparison.scoring import scores

    request = plan.load(folder, "score", ScoreRequest)
    trust = comparing.trusted(request, asked["trust"]) if asked["resume"] else ()
    with (
        comparing.ended_cleanly("score", request, folder),
        comparing.runner(request, folder, asked, trust=trust) as runner,
    ):
        times = measure_times(request, folder, runner)
    studies = f"{len(request.seeds)} {'study' if len(request.seeds) == 1 else 'studies'}"
    trials = f"{request.trials} {'trial' if request.trials == 1 else 'trials'}"
    rule = f"{studies} of {trials}" if request.ruleset == "external" else f"self-tuning, {studies}"
    tasks = f"{len(request.tasks)} small {'task' if len(request.tasks) == 1 else 'tasks'}"
    title = f"{tasks} of dynviz, {rule}: not AlgoPerf's workloads"
    values = {
        "scenarios": request.scenarios,
        "studies": len(request.seeds),
        "published": False,
        **{name: getattr(request, name) for name in ("optimizers", "steps", "record", "targets", "ruleset", "trials")},
        **{name: getattr(request, name) for name in ("unit", "tau", "device")},
    }
    _show(scores(times, request.tau), request.unit, title, asked, values)


def _published(asked: Mapping[str, Any], given: set[str]) -> None:
    from dynviz.comparison import published
    from dynviz.comparison.scoring import scores

    if idle := given - PUBLISHED:
        raise click.UsageError(f"--published scores times that are known; it takes no {', '.join(sorted(idle))}")
    if asked["unit"] == "gradients":
        raise click.UsageError("times were published in seconds and in steps")
    unit: Literal["seconds", "steps"] = asked["unit"] if "unit" in given else "seconds"
    title = f"AlgoPerf's self-tuning leaderboard, {len(published.TASKS)} workloads"
    notes = {name: f"{pair[unit == 'steps']:.4f}" for name, pair in published.SCORES.items()}
    known = scores(published.times(unit), asked["tau"])
    _show(known, unit, title, asked, {"unit": unit, "tau": asked["tau"]}, published=notes)


def _show(
    scored: "Sequence[Score]",
    unit: str,
    title: str,
    asked: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    published: Mapping[str, str] | None = None,
) -> None:
    """Print scores, and write the files that were asked for; `values` are what the picture's recipe says."""
    from dynviz.cli import tables
    from dynviz.comparison import pictures
    from dynviz.comparison.pages import PageTable

    names = list(scored[0].times)
    header, cells = _columns(scored, published)
    width = shutil.get_terminal_size((100, 24)).columns
    for line in tables.lines(header, cells, width):
        say(line, err=False)
    legend = [f"{number}: {_task(name)}" for number, name in enumerate(names, 1)]
    legend.append(f"Times in {unit}, of {title}.")
    comparing.say_wrapped(legend, width)
    scene, words = pictures.profiles(scored, values["tau"], title, unit), pictures.description(scored)
    svg = pictures.svg(scene, grammar.size(asked["size"]), words) if asked["html"] else ""
    intro = [title + ".", "The score is the area under the performance profile, divided by its length."]
    tables_of_page = [PageTable("Scores", header, cells, legend)]
    trees = [_tree(score) for score in scored]
    comparing.write_files(asked, trees, "Scores", intro, tables_of_page, picture=svg)
    measured = unit == "seconds" and not published
    comparing.draw(scene, words, asked, values, None if measured else trees)


def _task(name: str) -> str:
    """A task in words; of a published workload its data, model and target."""
    from dynviz.comparison.published import WORKLOADS

    known = WORKLOADS.get(name)
    if known is None:
        return name
    budget = f"{known.budget:,}".replace(",", " ")
    return f"{name}: {known.task}, {known.model} on {known.data}, {known.metric} {known.target:g}, budget {budget} s"


def _columns(
    scored: "Sequence[Score]", published: Mapping[str, str] | None
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    from dynviz.charts.numbers import significant

    tasks = list(scored[0].times)
    known = ("published",) if published else ()
    several = ("without a task",) if len(tasks) > 1 else ()
    header = ("optimizer", "score", *known, *several, *(str(number) for number in range(1, len(tasks) + 1)))
    cells = [
        (
            score.optimizer,
            f"{score.score:.4f}",
            *([published.get(score.optimizer, "")] if published else []),
            *(["{:.2f} to {:.2f}".format(*score.spread)] if several else []),
            *("missed" if math.isinf(score.times[task]) else significant(score.times[task]) for task in tasks),
        )
        for score in scored
    ]
    return header, cells


def _tree(score: "Score") -> dict[str, Any]:
    """A flat tree of JSON values: what is infinite becomes null."""
    tree: dict[str, Any] = {"optimizer": score.optimizer, "score": score.score}
    tree |= {"score_low": score.spread[0], "score_high": score.spread[1]}
    for name, values in (("time", score.times), ("ratio", score.ratios), ("score without", score.without)):
        tree |= {f"{name}: {task}": None if math.isinf(value) else value for task, value in values.items()}
    return tree
