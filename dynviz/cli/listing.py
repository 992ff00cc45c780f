"""`dynviz list`: what there is."""

import dataclasses
import itertools
import shutil
import textwrap
from pathlib import Path
from typing import Any

import click

from dynviz import plugins
from dynviz.cli.say import say
from dynviz.errors import DynvizError, unknown
from dynviz.plugins import zoo
from dynviz.plugins.options import MISSING
from dynviz.text import clean

RUNS = "runs"


@click.command("list", short_help="What there is, and what options it takes.")
@click.argument("kind", required=False)
@click.argument("name", required=False)
def listing(kind: str | None, name: str | None) -> None:
    """Print what there is: scenarios, optimizers, views, exporters, runs.

    \b
    dynviz list
    dynviz list optimizers
    dynviz list optimizers adamw-l1       its options: type, default and what each is
    dynviz list optimizers zoo            those of pytorch_optimizer
    """  # noqa: D301
    if kind is None:
        for plural in plugins.KINDS:
            say(plural, err=False, bold=True)
            _table(_summaries(plural), indent=2)
        say(RUNS, err=False, bold=True)
        _table(_runs(), indent=2)
    elif kind not in {*plugins.KINDS, RUNS}:
        raise unknown("kind", kind, [*plugins.KINDS, RUNS])
    elif kind == RUNS:
        if name is not None:
            raise click.UsageError("`dynviz list runs` takes no name")
        _table(_runs())
    elif name is None:
        _table(_summaries(kind))
    elif (kind, name) == ("optimizers", "zoo"):
        _table(zoo.summaries())
    else:
        _options(kind, name)


def _summaries(plural: str) -> list[tuple[str, str]]:
    return [(name, plugins.summary(file)) for name, file in plugins.files(plural).items()]


def _runs() -> list[tuple[str, str]]:
    from dynviz.player.runs import find, holds_runs
    from dynviz.recording import Run
    from dynviz.recording.run import is_sweep

    rows = []
    folders = sorted(folder for folder in Path(RUNS).glob("*/") if not folder.name.startswith("."))
    # A comparison's folder holds a run for each optimizer.
    within = [sorted(run.folder for run in find(folder)) if holds_runs(folder) else [folder] for folder in folders]
    for folder in itertools.chain.from_iterable(within):
        try:
            if is_sweep(folder):
                rows.append((str(folder), _sweep(folder)))
                continue
            run = Run(folder)
            words = [f"{label} {recording.status}" for label, recording in run.items()]
            missing = [f"{label}: {recording.missing}" for label, recording in run.items() if recording.missing]
            rows.append((str(folder), "; ".join([", ".join(words), *missing, *run.problems])))
        except DynvizError as error:
            rows.append((str(folder), f"cannot be read: {error}"))
    return rows


def _sweep(folder: Path) -> str:
    """How far a sweep is."""
    from dynviz.sweeps.jobs import SweepPlan
    from dynviz.sweeps.work import finished

    jobs = SweepPlan.load(folder).jobs
    done = sum(finished(folder / job.name) for job in jobs)
    many = "job" if len(jobs) == 1 else "jobs"
    return f"sweep of {len(jobs)} {many}, " + ("finished" if done == len(jobs) else f"{done} finished")


def _options(plural: str, name: str) -> None:
    plugin = plugins.load(plural, name)
    for part in plugin.parts or (plugin,):
        file = Path(part.file) if part.file else plugins.files(part.kind.plural).get(part.name)
        if file:
            say(plugins.summary(file), err=False)
        elif part.name.startswith(zoo.PREFIX):
            say(zoo.summary(part.target), err=False)
    if plural == "exporters":
        from dynviz.frame import format_of

        say(str(format_of(plugin.target)), err=False)
    rows = [(option.name, option.type_name, _shown(option.default), option.help) for option in plugin.options.values()]
    if not rows:
        say("It has no options.", err=False)
    else:
        say("", err=False)
        _table([("option", "type", "default", ""), *rows])
    if plural == "optimizers":
        _fallbacks(plugin)


def _fallbacks(plugin: plugins.Plugin) -> None:
    """Print what a rule does with parameters of shapes that it is not made for."""
    from dynviz.rule import fallbacks

    required = any(option.default is MISSING for option in plugin.options.values())
    if required or not dataclasses.is_dataclass(plugin.target):
        return
    rows = list(fallbacks(plugin.make()).items())
    if rows:
        say("", err=False)
        _table([("parameter", "takes"), *rows])


def _shown(default: Any) -> str:
    if default is MISSING:
        return "required"
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return f"({', '.join(_shown(value) for value in default)})"
    return str(default)


def _table(rows: list[Any], indent: int = 0) -> None:
    """Print rows in columns; the last column is folded at the terminal's width."""
    if not rows:
        return
    rows = [tuple(map(clean, row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lead = indent + sum(width + 2 for width in widths)
    room = max(shutil.get_terminal_size((100, 24)).columns - lead, 30)
    for row in rows:
        cells = "".join(cell.ljust(width + 2) for cell, width in zip(row[:-1], widths, strict=True))
        lines = textwrap.wrap(row[-1], room) or [""]
        say((" " * indent + cells + lines[0]).rstrip(), err=False)
        for line in lines[1:]:
            say(" " * lead + line, err=False)
