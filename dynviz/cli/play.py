"""`dynviz play`: runs in the player."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from dynviz import plugins
from dynviz.cli import options
from dynviz.cli.say import pass_on, say
from dynviz.errors import DynvizError


@click.command(short_help="Watch and replay runs in the terminal.")
@click.argument("runs", nargs=-1, metavar="[RUN...]")
@click.option("--view", help="View to open with. [default: the scenario's first]")
@click.option(
    "--theme",
    type=options.THEME,
    help="Colours of the player. [default: as set, see `dynviz config`; else those of the terminal]",
)
@options.graphics
@click.option(
    "--at",
    type=click.IntRange(0, 2**53),
    metavar="STEP",
    help="Step to open at, paused. [default: plays from the first step, or follows a run in training; with --svg the "
    "last]",
)
@click.option("--svg", is_flag=True, help="Print the player's screen as an SVG image instead of opening it.")
@click.option(
    "--size", default="120x36", show_default=True, metavar="COLUMNSxROWS", help="Size of that image in characters."
)
def play(
    *,
    runs: tuple[str, ...],
    view: str | None,
    theme: str | None,
    graphics: str | None,
    at: int | None,
    svg: bool,
    size: str,
) -> None:
    """Replay runs or single recordings in the terminal; runs that are still training are followed live.

    Several runs play side by side, step for step. RUN@0,2 or RUN@0:4 selects lanes of a run, which are counted from 0.
    Without a RUN, or with a folder that holds several, choose from a list.

    \b
    dynviz play runs/voronoi-adamw-adamw-l1-1
    dynviz play runs/voronoi-sgd-1@0 runs/voronoi-adamw-1@0 --view curves
    dynviz play runs/voronoi-adamw-1 --svg > player.svg
    """  # noqa: D301
    if view:
        plugins.check("views", view)
    check_runs(runs)
    if svg:
        from dynviz.cli.show import columns_and_rows
        from dynviz.tapes.still import screen_svg

        pass_on(screen_svg(runs, view=view, theme=theme or "dark", step=at, size=columns_and_rows(size)))
        return
    from dynviz.cli.live import is_terminal, show

    if not is_terminal():
        shown = shlex.join(runs) or "RUN"
        raise DynvizError(f"the player needs a terminal; `dynviz show {shown}` works without one")
    sys.exit(show(runs, view=view, theme=theme, graphics=graphics, step=at))


def check_runs(runs: Sequence[str]) -> None:
    """Open all of them once, so that an error is printed before the player takes the screen."""
    from dynviz.player.runs import holds_runs
    from dynviz.recording import open_all
    from dynviz.recording.run import begun_runs, is_sweep

    if len(runs) != 1 or not holds_runs(Path(runs[0])):
        # Of a sweep that has no runs yet, the player awaits them.
        open_all([run for run in runs if not is_sweep(run) or begun_runs(Path(run))], say)
