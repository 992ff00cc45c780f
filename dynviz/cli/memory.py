"""`dynviz memory`: how much optimizers keep beside the parameters."""

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynviz import plugins
from dynviz.cli import options, repeating
from dynviz.cli.replacing import may_draw
from dynviz.cli.say import say
from dynviz.errors import DynvizError

if TYPE_CHECKING:
    from dynviz.training.state_sizes import StateSize

TRANSFORMER = "37000x1024,72*1024x1024,12*1024x4096,12*4096x1024"
"""The matrices of the big transformer of Vaswani et al. 2017: a shared embedding, attention, and layers of 4096."""
MOST = 10_000
"""Tensors, at most."""
SHAPE = re.compile(r"(?:(?P<count>[1-9][0-9]*)\*)?(?P<sizes>[1-9][0-9]*(?:x[1-9][0-9]*)*)")


@click.command(short_help="How much optimizers keep beside the parameters.")
@click.argument("scenario", required=False)
@options.optimizers(required=True)
@click.option(
    "--shapes",
    help="Shapes of the parameters, instead of a scenario's: '37000x1024,12*1024x4096'. [default: the big transformer "
    "of 2017]",
)
@click.option(
    "--picture", metavar="FILE", help="Draw it as a png, svg or pdf, with how it grows with the size of a matrix."
)
@click.option("--theme", type=options.THEME, default="light", help="Colours of the picture.")
@options.force
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def memory(
    *,
    scenario: str | None,
    optimizers: tuple[str, ...],
    shapes: str | None,
    picture: str | None,
    theme: str,
    force: bool,
    as_json: bool,
) -> None:
    """Count what each optimizer keeps for the parameters of SCENARIO, or for --shapes.

    Nothing is trained: the rule's own first state is made, of tensors without memory. Numbers are counted, in copies
    of the parameters, and the bytes that the rule holds them in; some hold float64 for the sake of their arithmetic.

    \b
    dynviz memory -o adam -o adafactor -o shampoo -o sketchy:rank=256
    dynviz memory landscape:model=cnn -o adam -o shampoo
    """  # noqa: D301
    if scenario and shapes:
        raise click.UsageError("SCENARIO and --shapes both say what the parameters are; give one of them")
    for name in optimizers:
        plugins.check("optimizers", name)
    may_draw(picture, force=force)

    from dynviz.charts.memory import BYTES, KeptState, scene, sides
    from dynviz.training.state_sizes import state_size

    shaped = _of(scenario) if scenario else _read(shapes or TRANSFORMER)
    rules = [plugins.load("optimizers", name) for name in optimizers]
    sizes = [state_size(rule, shaped) for rule in rules]
    if as_json:
        trees = [{"optimizer": name, **vars(size)} for name, size in zip(optimizers, sizes, strict=True)]
        say(json.dumps(trees, indent=2), err=False)
    else:
        _print(optimizers, sizes)
    if picture is not None:
        from dynviz.pixels import saving

        drawn = [
            KeptState(
                rule.label,
                name,
                sum(size.numbers.values()) / size.parameters,
                sum(size.held.values()) / (BYTES * size.parameters),
                [sum(state_size(rule, [(side, 4 * side)]).numbers.values()) for side in sides()],
            )
            for name, rule, size in zip(optimizers, rules, sizes, strict=True)
        ]
        title = scenario or ("given shapes" if shapes else "the big transformer of 2017")
        results = [vars(one) for one in drawn]
        made = repeating.recipe({}, Path(picture).suffix.lower(), results)
        saving.save(scene(f"What optimizers keep for {title}", drawn), Path(picture), saving.SIZE, theme, recipe=made)


def _of(scenario: str) -> list[tuple[int, ...]]:
    """The shapes of a scenario's parameters."""
    from dynviz.plugins.grammar import seeds

    (seed,) = seeds("42")
    task = plugins.load("scenarios", scenario).make().build(seed)
    return [tuple(value.shape) for value in task.parameters.values()]


def _read(text: str) -> list[tuple[int, ...]]:
    """Shapes as they are written: `37000x1024,12*1024x4096`.

    Raises:
        DynvizError: They are not understood.
    """
    shapes: list[tuple[int, ...]] = []
    for part in text.split(","):
        match = SHAPE.fullmatch(part.strip())
        if match is None:
            raise DynvizError(f"{part.strip()!r} is no shape; write them like 1024x4096 or 12*1024x4096, with commas")
        shape = tuple(map(int, match["sizes"].split("x")))
        shapes += [shape] * int(match["count"] or 1)
    if not 0 < sum(map(math.prod, shapes)) < 10**15 or len(shapes) > MOST:
        raise DynvizError(f"--shapes={text} has too many numbers or tensors; write up to {MOST} of 1e15 in all")
    return shapes


def _print(optimizers: tuple[str, ...], sizes: "list[StateSize]") -> None:
    from rich import filesize
    from rich.table import Table

    from dynviz.charts.numbers import significant
    from dynviz.cli.console import console

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("optimizer", style="bold", overflow="fold")
    for name in ("numbers", "copies of the parameters", "held in"):
        table.add_column(name, justify="right")
    table.add_column("of these", overflow="fold")
    for name, size in zip(optimizers, sizes, strict=True):
        numbers = sum(size.numbers.values())
        parts = ", ".join(f"{part} {significant(count / size.parameters)}" for part, count in size.numbers.items())
        held = filesize.decimal(sum(size.held.values()))
        table.add_row(name, significant(numbers), significant(numbers / size.parameters), held, parts)
    printed = console(err=False)
    printed.print(table)
    say(f"the parameters: {significant(sizes[0].parameters)} numbers, {filesize.decimal(4 * sizes[0].parameters)}")
