"""`dynviz bench`: how long a step takes on this machine."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynviz import plugins
from dynviz.cli import options
from dynviz.cli.say import say

if TYPE_CHECKING:
    from dynviz.training.timing import StepTimes

STEPS = 10_000_000
"""A length that no measurement comes to the end of."""


@click.command(short_help="How long a step takes on this machine.")
@click.argument("scenario")
@options.optimizers(required=True)
@options.seeds("42")
@options.device
@options.dtype
@options.compiled
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def bench(
    *,
    scenario: str,
    optimizers: tuple[str, ...],
    seeds: str,
    device: str,
    dtype: str | None,
    compile: bool,  # noqa: A002 - as the option is called
    as_json: bool,
) -> None:
    """Time the training steps of SCENARIO with each optimizer: a recorded step, and its gradient and update alone.

    Times are medians, in microseconds, of one step of all lanes together; on the CPU with one thread.

    \b
    dynviz bench voronoi -o adamw -o ./mine.py
    dynviz bench matrix-recovery -o muon --seeds 0:64 --compile --json
    """  # noqa: D301
    plugins.check("scenarios", scenario)
    for optimizer in optimizers:
        plugins.check("optimizers", optimizer)

    from dynviz.plugins.grammar import seeds as read_seeds
    from dynviz.recording.metadata import Lane
    from dynviz.training import devices
    from dynviz.training.preparation import RunRequest
    from dynviz.training.timing import step_times

    lanes = tuple(map(Lane, read_seeds(seeds)))
    request = RunRequest(steps=STEPS, channels=(), device=devices.find(device), dtype=dtype or "", compiled=compile)
    task = plugins.load("scenarios", scenario)
    with tempfile.TemporaryDirectory() as folder:
        times = [
            step_times(task, plugins.load("optimizers", optimizer), lanes, request, Path(folder, str(number)))
            for number, optimizer in enumerate(optimizers)
        ]
    if as_json:
        say(json.dumps([asdict(row) | {"lanes": len(lanes)} for row in times], indent=2), err=False)
    else:
        _print(times)


def _print(times: "list[StepTimes]") -> None:
    from rich.table import Table

    from dynviz.charts.numbers import significant
    from dynviz.cli.console import console

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("optimizer", style="bold", overflow="fold")
    for name in ("µs a step", "gradient alone", "update alone"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in times:
        table.add_row(row.optimizer, *map(significant, (row.recorded, row.gradient, row.update)))
    console(err=False).print(table)
