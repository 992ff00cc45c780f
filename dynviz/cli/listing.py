"""`dynviz list`: what there is, by kind."""

import functools
import inspect
import itertools
from collections.abc import Callable
from pathlib import Path

import click

from dynviz import plugins
from dynviz.cli.explanation import explain, print_table
from dynviz.cli.say import say
from dynviz.errors import DynvizError, unknown
from dynviz.plugins import zoo
from dynviz.plugins.schedule_shapes import SHAPES
from dynviz.plugins.schedules import usage

RUNS, SCHEDULES = "runs", "schedules"


@click.command("list", short_help="List scenarios, optimizers, views and more, and explain them.")
@click.argument("kind", required=False)
@click.argument("names", nargs=-1, metavar="[NAME]...")
def listing(kind: str | None, names: tuple[str, ...]) -> None:
    """List what there is, or explain things by NAME: their options, and what a scenario records.

    KIND is scenarios, optimizers, modifiers, schedules, views, exporters, detectors or runs.

    \b
    dynviz list
    dynviz list optimizers
    dynviz list optimizers adamw lion     their options, with types and defaults
    dynviz list optimizers zoo            those of pytorch_optimizer
    dynviz list scenarios surface         its options, channels and views
    dynviz list schedules                 how a hyperparameter can change with the step
    """  # noqa: D301
    tables: dict[str, Callable[[], list[tuple[str, str]]]]
    tables = {plural: functools.partial(_summaries, plural) for plural in plugins.KINDS}
    tables |= {SCHEDULES: _schedules, RUNS: _runs}
    if kind is None:
        for title, rows in tables.items():
            say(title, err=False, bold=True)
            print_table(rows(), indent=2)
    elif kind not in tables:
        raise unknown("kind", kind, tables)
    elif not names:
        print_table(tables[kind]())
    elif kind in (SCHEDULES, RUNS):
        raise click.UsageError(f"`dynviz list {kind}` takes no name")
    for place, name in enumerate(names):
        if place:
            say("", err=False)
        if (kind, name) == ("optimizers", "zoo"):
            print_table(zoo.summaries())
        elif kind:
            explain(kind, name)


def _schedules() -> list[tuple[str, str]]:
    return [(usage(name), (inspect.getdoc(shape) or "").split("\n")[0]) for name, shape in SHAPES.items()]


def _summaries(plural: str) -> list[tuple[str, str]]:
    return [(name, plugins.summary(file)) for name, file in plugins.files(plural).items()]


def _runs() -> list[tuple[str, str]]:
    folders = sorted(folder for folder in Path(RUNS).glob("*/") if not folder.name.startswith("."))
    if not folders:
        # Readers of recordings take NumPy, which takes as long to import as all else that is listed.
        return []

    from dynviz.player.runs import find, holds_runs
    from dynviz.recording import Run
    from dynviz.recording.run import is_sweep

    rows = []
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
