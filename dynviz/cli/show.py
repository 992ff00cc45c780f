"""`dynviz show`: a summary of a run, or one scene of it as text."""

import os
import re
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

import click

from dynviz import plugins
from dynviz.cells.depth import Depth, detect
from dynviz.cli import options
from dynviz.cli.say import pass_on, say
from dynviz.errors import DynvizError

if TYPE_CHECKING:
    from dynviz.cells.cells import Cells
    from dynviz.film import Film
    from dynviz.graphics.support import GraphicsChoice
    from dynviz.recording import Recording
    from dynviz.scene.marks import Scene

SIZE = (100, 30)
"""Columns and rows where there is no terminal."""
LARGEST = (1000, 500)


@click.command(short_help="Summarise a run, or print one of its scenes as text.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--view", help="View to draw; `dynviz list views` prints them. [default: the scenario's first]")
@click.option("--panel", metavar="TITLE|N", help="Draw this panel of the view alone, by title or by number from 1.")
@click.option("--at", metavar="STEP", help="Step to draw, or end. [default: the last recorded]")
@click.option("--size", metavar="COLUMNSxROWS", help="Size in characters. [default: the terminal's, else 100x30]")
@click.option("--theme", type=options.THEME, default="dark", show_default=True, help="Colours to draw with.")
@options.shown(
    "--color",
    click.Choice(["auto", *get_args(Depth)]),
    "auto",
    "Number of colours the terminal has: auto finds out, true is 24-bit colour, none prints plain text.",
)
@click.option("--svg", "as_svg", is_flag=True, help="Print an SVG image instead of text.")
@click.option("--text", "as_text", is_flag=True, help="Print plain characters without colours.")
@options.graphics
@click.option(
    "--sensitivity",
    is_flag=True,
    help="Train again from the start and from a start moved by 1 float32 ulp, and print whether the run is chaotic.",
)
@options.trust
def show(
    *,
    runs: tuple[str, ...],
    view: str | None,
    panel: str | None,
    at: str | None,
    size: str | None,
    theme: str,
    color: str,
    as_svg: bool,
    as_text: bool,
    graphics: "GraphicsChoice | None",
    sensitivity: bool,
    trust: tuple[str, ...],
) -> None:
    """Summarise a run: settings, final values, events.

    With --view, --panel, --at, --size, --svg, --text or --graphics, print one scene: as a picture in a terminal that
    shows pictures, else in characters. The output is plain text unless it goes to a terminal or --color is given. The
    same recording and options print the same bytes every time, so scenes can be used in tests and documents.

    \b
    dynviz show runs/voronoi-adamw-l1-1
    dynviz show runs/voronoi-adamw-l1-1 --view curves --at 4000 --size 100x30
    dynviz show runs/voronoi-adamw-l1-1@0 --view centers --svg > centers.svg
    dynviz show runs/surface-sgd-1 --sensitivity
    """  # noqa: D301
    if as_svg and as_text:
        raise click.UsageError("--svg and --text are two output formats; choose one")
    if graphics and (as_svg or as_text):
        raise click.UsageError("--graphics is about pictures in a terminal; --svg and --text print none")
    if view:
        plugins.check("views", view)
    asked = _size(size)
    from dynviz.recording import open_all

    recordings = open_all(runs, say)
    if sensitivity:
        _print_sensitivity(recordings, trust)
        return
    depth = _depth("none" if as_text else color)
    if not (as_svg or as_text or any(option is not None for option in (view, panel, at, size, graphics))):
        _print_summaries(recordings, theme, depth)
        return
    if as_svg:
        from dynviz.cells.svg import svg

        scene = _scene(recordings, (view, panel), at)
        pass_on(svg(_cells(scene, asked, theme), f"{scene.title}, step {scene.step}"))
        return
    from dynviz.cli.still import StillGraphics, picture

    # A depth that is asked for is about characters.
    choice = "cells" if as_text or (graphics is None and color != "auto") else graphics
    with StillGraphics(choice, depth) as still:
        scene = _scene(recordings, (view, panel), at)
        support = still.support()
    if support is not None:
        pass_on(picture(scene, asked, theme, support))
    else:
        pass_on(_lines(_cells(scene, asked, theme), depth, bold=not as_text and _knows_bold()))


def _print_sensitivity(recordings: "Sequence[Recording]", trust: Sequence[str]) -> None:
    from dynviz.cli import consent

    allowed = consent.of_recordings(recordings, trust, optimizers=True)
    from dynviz.training.sensitivity import sensitivity

    for recording in recordings:
        say(f"{recording.folder}: {sensitivity(recording, allowed)}", err=False)


def _scene(recordings: "Sequence[Recording]", shown: tuple[str | None, str | None], at: str | None) -> "Scene":
    """One step of a view, or of one of its panels."""
    from dynviz.animation.drawing import open_film, suggested

    view, panel = shown
    film = open_film(recordings, view or suggested(recordings)[0], panel)
    return film.scene(_step(film, at))


def _cells(scene: "Scene", size: tuple[int, int], theme: str) -> "Cells":
    from dynviz.cells.canvas import CellCanvas

    return CellCanvas(*size, theme).draw(scene)


def _step(film: "Film", at: str | None) -> int:
    first, last = int(film.steps[0]), int(film.steps[-1])
    if at is None or at == "end":
        return last
    if not re.fullmatch(r"\d{1,18}", at, re.ASCII):
        raise DynvizError(f"--at takes a step from {first} to {last}, or end; not {at!r}")
    if not first <= int(at) <= last:
        raise DynvizError(f"this view has no step {at}; it has steps {first} to {last}")
    return int(at)


def _size(text: str | None) -> tuple[int, int]:
    """Columns and rows: those asked for, else the terminal's but for the line of the prompt."""
    if text is None:
        if not sys.stdout.isatty():
            return SIZE
        columns, rows = shutil.get_terminal_size(SIZE)
        return min(columns, LARGEST[0]), min(max(rows - 1, 1), LARGEST[1])
    return columns_and_rows(text)


def columns_and_rows(text: str) -> tuple[int, int]:
    """Read the size of a screen.

    Raises:
        DynvizError: The text is not a size, or too small or too large to draw.
    """
    match = re.fullmatch(r"(\d{1,9})[x×](\d{1,9})", text.strip(), re.ASCII)
    if not match:
        raise DynvizError(f"invalid size {text!r}; write COLUMNSxROWS, such as 100x30")
    from dynviz.cells.canvas import LEAST

    columns, rows = int(match.group(1)), int(match.group(2))
    if columns < LEAST[0] or rows < LEAST[1] or columns > LARGEST[0] or rows > LARGEST[1]:
        raise DynvizError(
            f"size {text} is out of range; it can be {LEAST[0]}x{LEAST[1]} to {LARGEST[0]}x{LARGEST[1]} characters"
        )
    return columns, rows


def _depth(color: str) -> Depth:
    depth: Depth = detect(os.environ, sys.stdout) if color == "auto" else color  # type: ignore[assignment]
    return depth


def _knows_bold() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}


def _lines(cells: "Cells", depth: Depth, *, bold: bool) -> str:
    from dynviz.cells.encode import Encoder

    lines = Encoder(cells.palette, depth, bold=bold or depth != "none").rows(cells)
    if depth == "none" and not bold:
        lines = [line.rstrip() for line in lines]
    return "".join(f"{line}\n" for line in lines)


def _print_summaries(recordings: "Sequence[Recording]", theme: str, depth: Depth) -> None:
    """One after the other, those of a run together."""
    from itertools import groupby

    from dynviz.cli.paint import painter
    from dynviz.cli.summary import summary

    bold = depth != "none" or _knows_bold()
    width = shutil.get_terminal_size(SIZE).columns if sys.stdout.isatty() else SIZE[0]
    systems = {"true": "truecolor", "256": "256", "16": "standard", "none": "standard"}
    from dynviz.cli.console import console

    terminal = console(
        err=False,
        width=max(width, 40),
        color_system=systems[depth] if bold else None,
        force_terminal=bold,
        no_color=depth == "none",
    )
    with terminal.capture() as captured:
        for index, (_, run) in enumerate(groupby(recordings, key=lambda recording: recording.folder.parent)):
            if index:
                terminal.print()
            terminal.print(summary(list(run), painter(theme, depth)))
    pass_on("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
