"""`dynviz bench`: what dynviz reaches on this machine, beside the plain way of doing the same."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynviz.cli.say import say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dynviz.bench.figure import Figure

PARTS = ("training", "exports", "screens")


@click.command(short_help="How fast this machine is, each figure beside the plain way.")
@click.argument("parts", nargs=-1, type=click.Choice(PARTS), metavar="[training|exports|screens]...")
@click.option("--quick", is_flag=True, help="Fewer and shorter measurements: about a minute.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench(*, parts: tuple[str, ...], quick: bool, as_json: bool) -> None:
    """Measure how fast this machine trains, records, draws and plays, each beside the plain way of doing it.

    Ratios are medians of pairs that follow each other, so that other work on the machine harms both. Training is
    measured on the CPU with one thread, and on a GPU where there is one.

    \b
    dynviz bench --quick
    dynviz bench training --json > speed.json
    """  # noqa: D301
    figures = _measure(parts or PARTS, quick=quick)
    if as_json:
        say(json.dumps({"machine": _machine(), "figures": [each.to_json() for each in figures]}, indent=2), err=False)
    else:
        from dynviz.cli.console import console

        stdout = console(err=False)
        stdout.print(*_tables(figures), sep="\n")
        stdout.print(", ".join(f"{name} {value}" for name, value in _machine().items()), style="dim")


def _measure(parts: Sequence[str], *, quick: bool) -> "list[Figure]":
    from importlib import import_module

    found: list[Figure] = []
    from dynviz.cli.console import console

    with tempfile.TemporaryDirectory() as folder, console().status("") as status:
        for part in parts:
            status.update(f"measuring {part}")
            where = Path(folder, part)
            where.mkdir()
            for figure in import_module(f"dynviz.bench.{part}").figures(where, quick=quick):
                found.append(figure)
                status.update(f"measuring {part}, {len(found)} done")
    return found


def _tables(figures: "Sequence[Figure]") -> "Iterator[RenderableType]":
    """A table for each plain way that figures are beside, with columns that stand under each other."""
    from rich.table import Table
    from rich.text import Text

    rows = [_row(each) for each in figures]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for plain, group in groupby(zip(figures, rows, strict=True), key=lambda pair: pair[0].plain):
        table = Table(box=None, pad_edge=False, show_header=False)
        for width, justify in zip(widths, ("left", "left", "right", "left", "left"), strict=True):
            table.add_column(justify=justify, min_width=width)  # type: ignore[arg-type]
        for each, (name, device, value, unit, target) in group:
            style = {True: "green", False: "red", None: ""}[each.reached]
            table.add_row(name, device, Text(value, style), unit, target, style="dim" if each.skipped else "")
        yield Text(f"beside {plain}" if plain else "", "dim italic")
        yield table


def _row(figure: "Figure") -> tuple[str, str, str, str, str]:
    from dynviz.charts.caption import significant

    target = f"{'≤' if figure.most else '≥'} {significant(figure.target)}" if figure.target == figure.target else ""
    value, unit = ("", figure.skipped) if figure.skipped else (significant(figure.value), figure.unit)
    return figure.name, figure.device, value, unit, target


def _machine() -> dict[str, str]:
    import os
    import platform
    from importlib.metadata import version

    return {
        "cores": str(os.cpu_count()),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy")},
    }
