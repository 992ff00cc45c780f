"""`dynviz compare`: optimizers beside each other on one scenario, as a table."""

import contextlib
import csv
import io
import itertools
import json
import math
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynviz import plugins
from dynviz.cli import options
from dynviz.cli.say import say
from dynviz.errors import DynvizError
from dynviz.plugins import grammar
from dynviz.process.background import STOPPED

if TYPE_CHECKING:
    from rich.table import Table

    from dynviz.sweeps.comparison import Row


@click.command(short_help="Train with several optimizers and print a table of results.")
@click.argument("scenario")
@options.optimizers(default="all that are bundled")
@options.seeds("0:8")
@options.steps
@options.device
@options.out("compare-<scenario>")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare(
    *,
    scenario: str,
    optimizers: tuple[str, ...],
    seeds: str,
    steps: int | None,
    device: str,
    out: str | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Train SCENARIO with one optimizer after the other, and say how far each came, how fast, with what memory.

    The loss is the mean of the last twentieth of the steps: the median over the seeds, and their middle half. A seed
    that diverged counts as infinitely bad.

    \b
    dynviz compare surface:f=rosenbrock
    dynviz compare voronoi:model=labels -o adamw -o muon -o sgd:lr=0.1 --seeds 0:8 --csv > table.csv
    """  # noqa: D301
    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two formats: give one of them")
    plugins.check("scenarios", scenario)
    for optimizer in optimizers:
        plugins.check("optimizers", optimizer)
    # What the scenario refuses is refused before there is a folder.
    plugins.load("scenarios", scenario).make()
    with _reserved(scenario, out) as folder:
        _compare(scenario, optimizers, folder, as_csv=as_csv, as_json=as_json, seeds=seeds, steps=steps, device=device)


def _compare(
    scenario: str, optimizers: Sequence[str], folder: Path, *, as_csv: bool, as_json: bool, **options: Any
) -> None:
    chosen = optimizers or tuple(plugins.files("optimizers"))
    rows = _train(scenario, chosen, folder, **options)
    stopped = len(rows) < len(chosen)
    if stopped and not rows:
        say("stopped before the first optimizer came to its end")
        sys.exit(STOPPED)
    if all(row.refused for row in rows) and not stopped:
        raise DynvizError("no optimizer ran: " + "; ".join(dict.fromkeys(row.refused for row in rows)))
    if as_csv:
        say(_csv(rows).removesuffix("\n"), err=False)
    elif as_json:
        say(json.dumps([row.to_json() for row in rows], indent=2), err=False)
    else:
        from rich.text import Text

        from dynviz.cli.console import console

        stdout = console(err=False)
        stdout.print(_table(rows))
        for row in rows:
            if row.refused:
                stdout.print(Text.assemble((row.optimizer, "bold"), f" did not run: {row.refused}", style="dim"))
            if row.fallback:
                stdout.print(Text.assemble((row.optimizer, "bold"), f" takes {row.fallback}", style="dim"))
    say(f"see them with: dynviz play {shlex.quote(str(folder))}")
    if stopped:
        say(f"stopped; {len(rows)} of {len(chosen)} optimizers are compared")
        sys.exit(STOPPED)


def _train(scenario: str, optimizers: Sequence[str], folder: Path, **options: Any) -> "list[Row]":
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from dynviz.cli.console import console
    from dynviz.sweeps.comparison import compare as train
    from dynviz.sweeps.comparison import sorted_rows

    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=None), TimeElapsedColumn()
    with Progress(*columns, console=console(), transient=True) as progress:
        task = progress.add_task("", total=len(optimizers))
        done: list[Row] = []

        def told(optimizer: str, share: float) -> None:
            progress.update(task, description=optimizer, completed=len(done) + share)

        # Ctrl-C: the table is of those that were done.
        with contextlib.suppress(KeyboardInterrupt):
            for row in train(scenario, optimizers, folder, told, **options):
                done.append(row)  # noqa: PERF402 - how many are done is said while the next one trains
    return sorted_rows(done)


@contextlib.contextmanager
def _reserved(scenario: str, out: str | None) -> Iterator[Path]:
    """A folder that nobody else takes meanwhile; it comes to be with the first run in it."""
    from dynviz.recording import staging

    name = Path(grammar.parse(scenario).name).stem
    numbered = (Path(f"runs/compare-{name}-{number}") for number in itertools.count(1))
    if out and os.path.lexists(out):
        raise DynvizError(f"{out} is there already; name a folder that is not")
    free = (place for place in numbered if not os.path.lexists(place) and not staging.reserved(place))
    folder = Path(out) if out else next(free)
    with staging.beside(folder):
        yield folder


def _table(rows: "Sequence[Row]") -> "Table":
    from rich import filesize
    from rich.table import Table
    from rich.text import Text

    from dynviz.charts.caption import significant

    table = Table(box=None, pad_edge=False, header_style="dim")
    # Where there is little room names are folded, and no number is.
    table.add_column("optimizer", style="bold", overflow="fold")
    validated = any(not math.isnan(row.validation) for row in rows)
    heads = ["loss", "middle half", *(["validation"] if validated else []), "diverged", "µs a step", "state"]
    for name in heads:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        if row.refused:
            continue
        low, high = row.spread
        cells = [
            _loss(row.loss),
            f"{_loss(low)} to {_loss(high)}" if low < high else "",
            *([_loss(row.validation)] if validated else []),
            f"{row.diverged} of {row.lanes}" if row.diverged else "",
            significant(row.microseconds),
            filesize.decimal(row.state_bytes) if row.state_bytes else "0",
        ]
        table.add_row(Text(row.optimizer), *cells)
    return table


def _loss(value: float) -> str:
    from dynviz.charts.caption import significant

    return "diverged" if math.isinf(value) else "" if math.isnan(value) else significant(value)


def _csv(rows: "Sequence[Row]") -> str:
    trees = [row.to_json() for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(trees[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(trees)
    return text.getvalue()
