"""`dynviz compare`: a table of what optimizers reach on scenarios."""

import contextlib
import csv
import io
import itertools
import json
import math
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynviz import plugins
from dynviz.cli import options
from dynviz.cli.say import say
from dynviz.errors import DynvizError
from dynviz.plugins.grammar import is_grid, parse
from dynviz.process.background import STOPPED

if TYPE_CHECKING:
    from dynviz.sweeps.comparison import Row


@click.command(short_help="Train with several optimizers and print a table of results.")
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@options.optimizers(default="all that are bundled")
@options.seeds("0:8")
@options.steps
@options.device
@options.out("compare-<scenario>")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "latex", "csv", "json"]),
    default="text",
    show_default=True,
    help="Format of the table. latex needs the package booktabs; csv and json have all columns, unrounded.",
)
def compare(
    *,
    scenarios: tuple[str, ...],
    optimizers: tuple[str, ...],
    out: str | None,
    form: str,
    **asked: Any,
) -> None:
    """Train every SCENARIO with one optimizer after the other, and print a table of results.

    The loss is the mean over the last 5 % of the steps; the table has the median over the seeds and their quartiles. A
    seed that diverged counts as infinitely bad. Times are per lane and step, recording included; state is the memory
    that the optimizer keeps per lane, beside the parameters.

    \b
    dynviz compare surface:f=rosenbrock
    dynviz compare surface:f=rosenbrock surface:f=booth -o adamw -o sgd --format markdown
    dynviz compare voronoi:model=labels -o adamw -o muon -o sgd:lr=0.1 --format csv > table.csv
    """  # noqa: D301
    for scenario in scenarios:
        plugins.check("scenarios", scenario)
    for optimizer in optimizers:
        plugins.check("optimizers", optimizer)
    _refuse_grids(scenarios, optimizers)
    # What a scenario refuses is refused before there is a folder.
    for scenario in scenarios:
        plugins.load("scenarios", scenario).make()
    chosen = optimizers or tuple(plugins.files("optimizers"))
    with _reserved(scenarios[0], out) as folder:
        rows = _train(scenarios, chosen, folder, **asked)
        _print(rows, form, folder, missing=len(scenarios) * len(chosen) - len(rows))


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


def _train(scenarios: Sequence[str], optimizers: Sequence[str], folder: Path, **options: Any) -> "list[Row]":
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from dynviz.cli.console import console
    from dynviz.sweeps.comparison import compare as train
    from dynviz.sweeps.comparison import sorted_rows

    stderr = console()
    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=None), TimeElapsedColumn()
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        task = progress.add_task("", total=len(scenarios) * len(optimizers))
        rows: list[Row] = []

        def move(optimizer: str, share: float) -> None:
            progress.update(task, description=optimizer, completed=len(rows) + share)

        # After Ctrl-C the table has the rows that were finished.
        with contextlib.suppress(KeyboardInterrupt):
            for row in train(scenarios, optimizers, folder, move, **options):
                rows.append(row)  # noqa: PERF402 - the progress bar counts them meanwhile
    return [row for scenario in scenarios for row in sorted_rows([row for row in rows if row.scenario == scenario])]


def _print(rows: "Sequence[Row]", form: str, folder: Path, *, missing: int) -> None:
    """Print the table to stdout, and what else there is to know to stderr."""
    if missing and not rows:
        say("stopped before the first optimizer was finished")
        sys.exit(STOPPED)
    if all(row.refused for row in rows) and not missing:
        raise DynvizError("no optimizer ran: " + "; ".join(dict.fromkeys(row.refused for row in rows)))
    if form == "csv":
        say(_csv(rows).removesuffix("\n"), err=False)
    elif form == "json":
        say(json.dumps([row.to_json() for row in rows], indent=2), err=False)
    else:
        _print_table(rows, form)
    say(f"see them with: dynviz play {shlex.quote(str(folder))}")
    if missing:
        say(f"stopped; {len(rows)} of {len(rows) + missing} optimizers are compared")
        sys.exit(STOPPED)


def _print_table(rows: "Sequence[Row]", form: str) -> None:
    from dynviz.cli import tables

    finished = [row for row in rows if not row.refused]
    several = len({row.scenario for row in rows}) > 1
    if form == "text":
        width = shutil.get_terminal_size((100, 24)).columns
        for scenario, group in itertools.groupby(finished, key=lambda row: row.scenario):
            if several:
                say(scenario, err=False, bold=True)
            header, cells = _columns(list(group))
            for line in tables.lines(header, cells, width):
                say(line, err=False)
    else:
        header, cells = _columns(finished)
        if several:
            header = ("scenario", *header)
            cells = [(row.scenario, *texts) for row, texts in zip(finished, cells, strict=True)]
        write = tables.markdown if form == "markdown" else tables.latex
        say("\n".join(write(header, cells, 1 + several)), err=False)
    notes = {row: f"did not run: {row.refused}" if row.refused else f"takes {row.fallback}" for row in rows}
    for note in dict.fromkeys(f"{row.optimizer} {note}" for row, note in notes.items() if row.refused or row.fallback):
        # A document has no place for notes.
        say(note, err=form != "text")


@contextlib.contextmanager
def _reserved(scenario: str, out: str | None) -> Iterator[Path]:
    """A folder that no other command takes meanwhile; the first run in it creates it."""
    from dynviz.recording import staging

    name = Path(parse(scenario).name).stem
    numbered = (Path(f"runs/compare-{name}-{number}") for number in itertools.count(1))
    if out and os.path.lexists(out):
        raise DynvizError(f"{out} exists already; choose another folder")
    free = (place for place in numbered if not os.path.lexists(place) and not staging.reserved(place))
    folder = Path(out) if out else next(free)
    with staging.beside(folder):
        yield folder


def _columns(rows: "Sequence[Row]") -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The header of a table, and its rows: a name, then numbers."""
    from rich import filesize

    from dynviz.charts.numbers import significant

    validated = any(not math.isnan(row.validation) for row in rows)
    unseen = ("validation",) if validated else ()
    header = ("optimizer", "loss", "quartiles", *unseen, "diverged", "µs/step", "state")
    cells = []
    for row in rows:
        low, high = row.spread
        cells.append(
            (
                row.optimizer,
                _loss(row.loss),
                f"{_loss(low)} to {_loss(high)}" if low < high else "",
                *([_loss(row.validation)] if validated else []),
                f"{row.diverged} of {row.lanes}" if row.diverged else "",
                significant(row.microseconds),
                filesize.decimal(row.state_bytes) if row.state_bytes else "0",
            )
        )
    return header, cells


def _loss(value: float) -> str:
    from dynviz.charts.numbers import significant

    return "diverged" if math.isinf(value) else "" if math.isnan(value) else significant(value)


def _csv(rows: "Sequence[Row]") -> str:
    trees = [row.to_json() for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(trees[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(trees)
    return text.getvalue()
