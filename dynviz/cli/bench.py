"""`dynviz bench`: how long a step takes on this machine."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynviz import plugins
from dynviz.cli import options, repeating
from dynviz.cli.replacing import may_draw
from dynviz.cli.say import say
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.spec import parse

if TYPE_CHECKING:
    from dynviz.training.timing import StepTimes

STEPS = 10_000_000
"""A length that no measurement comes to the end of."""


PAGE = (
    ("voronoi", "adamw"),
    ("voronoi:hidden=50", "adamw"),
    ("matrix-sensing", "sgd"),
    ("matrix-recovery", "adamw"),
    ("surface:f=rosenbrock", "adamw"),
)
"""What is timed where nothing is named."""


@click.command(short_help="How long a step takes on this machine.")
@click.argument("scenario", required=False)
@options.optimizers()
@options.seeds("42")
@options.device
@options.dtype
@options.compiled(auto=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--picture",
    metavar="FILE",
    help="Draw, as a png, svg or pdf, the times against the option that has several values.",
)
@click.option("--theme", type=options.THEME, default="light", help="Colours of the picture.")
@click.option("--title", metavar="TEXT", default="", help="Title of the picture. [default: which update takes longest]")
@click.option(
    "--label",
    "names",
    multiple=True,
    metavar="NAME=TEXT",
    help='Name of an optimizer in the picture, such as adam="Adam", where it is named a second time adam-2="Adam, '
    'too"; or of the option, such as batch="batch size". Repeat for several.',
)
@options.force
def bench(
    *,
    scenario: str | None,
    optimizers: tuple[str, ...],
    seeds: str,
    device: str,
    dtype: str | None,
    compile: str,  # noqa: A002 - as the option is called
    as_json: bool,
    picture: str | None,
    theme: str,
    title: str,
    names: tuple[str, ...],
    force: bool,
) -> None:
    """Time the training steps of SCENARIO with each optimizer: a recorded step, and its gradient and update alone.

    Times are medians, in microseconds, of one step of all lanes together; on the CPU with one thread. Each stands
    beside that of a plain PyTorch loop: autograd and torch.optim.AdamW, one lane after the other, nothing recorded.
    Without SCENARIO a few bundled ones are timed. An option of SCENARIO may have several values, such as batch sizes.

    \b
    dynviz bench voronoi -o adamw -o ./mine.py
    dynviz bench matrix-recovery -o muon --seeds 0:64 --compile --json
    dynviz bench 'landscape:batch=[8,64,512]' -o adam -o shampoo --picture batch.png
    """  # noqa: D301
    if scenario:
        options.check_names(scenario, optimizers, "sweep")
    elif optimizers:
        raise click.UsageError("-o goes with a scenario: dynviz bench voronoi -o adamw")
    if (title or names) and picture is None:
        raise click.UsageError(f"--{'title' if title else 'label'} goes with --picture")
    scenarios = _scenarios(scenario) if scenario else {}
    jobs = [(name, optimizer) for name in scenarios for optimizer in optimizers] if scenario else PAGE
    option = _one_option(scenario, scenarios) if picture is not None else ""
    drawn = _Drawn(theme, title, option, _names(names, optimizers, option))
    may_draw(picture, force=force)

    from dynviz.plugins.grammar import seeds as read_seeds
    from dynviz.recording.metadata import Lane
    from dynviz.training import devices
    from dynviz.training.preparation import RunRequest
    from dynviz.training.timing import step_times

    lanes = tuple(map(Lane, read_seeds(seeds)))
    labels = _labels(optimizers)
    request = RunRequest(
        steps=STEPS, channels=(), device=devices.find(device), dtype=dtype or "", compiled=compile == "on"
    )
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, rule) in enumerate(jobs):
            plugin, place = plugins.load("optimizers", rule), Path(folder, str(number))
            times = step_times(plugins.load("scenarios", name), plugin, lanes, request, place)
            rows.append((name, replace(times, optimizer=labels.get(rule, times.optimizer))))
    if picture is not None:
        _draw(Path(picture), {name: scenarios[name][option] for name in scenarios}, rows, optimizers, drawn)
    if as_json:
        say(
            json.dumps([{"scenario": name} | asdict(row) | {"lanes": len(lanes)} for name, row in rows], indent=2),
            err=False,
        )
    else:
        _print(rows)


def _labels(optimizers: Sequence[str]) -> dict[str, str]:
    """What tells apart the optimizers that are named several times: what was written."""
    names = [parse(text).name for text in optimizers]
    return {text: text for text, name in zip(optimizers, names, strict=True) if names.count(name) > 1}


def _scenarios(scenario: str) -> dict[str, dict[str, Any]]:
    """The scenario with each combination of its options' values, and the values."""
    from dynviz.sweeps.grid import choices

    spec = parse(scenario)
    return {
        str(replace(spec, options=dict(choice.written))): dict(choice.written) for choice in choices("scenarios", spec)
    }


def _one_option(scenario: str | None, scenarios: Mapping[str, Mapping[str, Any]]) -> str:
    """The option that has several values.

    Raises:
        DynvizError: None has, or several have, or they are no numbers above zero.
    """
    values = [*scenarios.values()]
    names = [name for name in (values[0] if values else ()) if len({str(one[name]) for one in values}) > 1]
    if len(names) != 1:
        what = f"{scenario} has {len(names)}" if scenario else "no scenario is named"
        raise DynvizError(
            f"--picture draws times against one option with several values, and {what}; write it like "
            f"'landscape:batch=[8,64,512]'"
        )
    try:
        ascending = all(float(one[names[0]]) > 0 for one in values)
    except ValueError:
        ascending = False
    if not ascending:
        raise DynvizError(f"--picture draws times against numbers above zero, which {names[0]} does not have")
    return names[0]


@frozen
class _Drawn:
    """How times are drawn.

    Attributes:
        theme: Colours.
        title: Of the picture.
        option: What they are drawn against.
        names: Words for optimizers, as written after -o, and for the option.
    """

    theme: str
    title: str
    option: str
    names: Mapping[str, str]


def _names(labels: Sequence[str], optimizers: Sequence[str], option: str) -> dict[str, str]:
    """The words of --label for what they name: for optimizers as they were written, and for the option."""
    known = {option: option}
    for place, text in enumerate(optimizers):
        name = parse(text).name
        count = sum(parse(other).name == name for other in optimizers[: place + 1])
        known[name if count == 1 else f"{name}-{count}"] = text
    named = {}
    for label in labels:
        name, equals, words = label.partition("=")
        if not (name and equals and words):
            raise click.UsageError(f'--label {label} is not understood; write NAME=TEXT, such as --label adam="Adam"')
        if name not in known:
            raise click.UsageError(f"--label {label} names nothing in the picture; there are {', '.join(known)}")
        named[known[name]] = words
    drawn = [named.get(text, text) for text in optimizers]
    if len(set(drawn)) < len(drawn):
        raise click.UsageError("two optimizers of the picture have one name; give them names of their own with --label")
    return named


def _draw(
    file: Path,
    values: Mapping[str, Any],
    rows: "Sequence[tuple[str, StepTimes]]",
    optimizers: Sequence[str],
    drawn: _Drawn,
) -> None:
    """Draw the times against an option; the gradient's is the least of those measured beside each optimizer."""
    from dynviz.charts.step_times import TimedSteps, scene
    from dynviz.pixels import saving

    by_name: dict[str, list[StepTimes]] = {}
    for name, row in rows:
        by_name.setdefault(name, []).append(row)
    order = sorted(by_name, key=lambda name: float(values[name]))
    labels = [drawn.names.get(text, row.optimizer) for text, row in zip(optimizers, by_name[order[0]], strict=True)]
    measured = TimedSteps(
        drawn.option,
        [float(values[name]) for name in order],
        [min(row.gradient for row in by_name[name]) for name in order],
        {label: [by_name[name][place].update for name in order] for place, label in enumerate(labels)},
        words=drawn.names.get(drawn.option, ""),
        variants=len(labels) == 2 and len({parse(text).name for text in optimizers}) == 1,
    )
    made = repeating.recipe({}, file.suffix.lower(), None)
    task = plugins.load("scenarios", rows[0][0]).make().build(42)
    picture = scene(task.title or parse(rows[0][0]).name, measured, drawn.title)
    saving.save(picture, file, saving.SIZE, drawn.theme, recipe=made, small=True)


def _print(rows: "list[tuple[str, StepTimes]]") -> None:
    from dynviz.charts.numbers import significant
    from dynviz.cli import tables

    header = ("scenario optimizer", "µs a step", "gradient alone", "update alone", "plain PyTorch", "times as fast")
    cells = []
    for name, row in rows:
        numbers = (row.recorded, row.gradient, row.update, row.plain, row.plain / row.recorded)
        cells.append((f"{name} {row.optimizer}", *map(significant, numbers)))
    for line in tables.lines(header, cells, shutil.get_terminal_size((100, 24)).columns):
        say(line, err=False)
