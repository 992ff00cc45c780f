"""`dynviz bench`: what dynviz reaches on this machine, beside the plain way of doing the same."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

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
        click.echo(json.dumps({"machine": _machine(), "figures": [each.to_json() for each in figures]}, indent=2))
    else:
        from rich.console import Console

        console = Console(highlight=False)
        console.print(_table(figures))
        console.print(", ".join(f"{name} {value}" for name, value in _machine().items()), style="dim")


def _measure(parts: Sequence[str], *, quick: bool) -> "list[Figure]":
    from importlib import import_module

    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder, console.status("") as status:
        for part in parts:
            status.update(f"measuring {part}")
            where = Path(folder, part)
            where.mkdir()
            for figure in import_module(f"dynviz.bench.{part}").figures(where, quick=quick):
                found.append(figure)
                status.update(f"measuring {part}, {len(found)} done")
    return found


def _table(figures: "Sequence[Figure]") -> "Table":
    from rich.table import Table

    from dynviz.scene.caption import significant

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", style="bold")
    table.add_column("on")
    for name in ("reached", "target"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("beside", style="dim")
    for each in figures:
        target = f"{'≤' if each.most else '≥'} {significant(each.target)}" if each.target == each.target else ""
        if each.skipped:
            table.add_row(each.name, each.device, "", target, each.skipped, style="dim")
            continue
        style = {True: "green", False: "red", None: ""}[each.reached]
        value = f"{significant(each.value)} {each.unit}"
        table.add_row(each.name, each.device, f"[{style}]{value}[/]" if style else value, target, each.plain)
    return table


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
