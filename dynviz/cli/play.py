"""`dynviz play`: runs in the player."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from dynviz import plugins
from dynviz.cli.say import pass_on, say
from dynviz.errors import DynvizError


@click.command(short_help="Watch and replay runs in the terminal.")
@click.argument("runs", nargs=-1, metavar="[RUN...]")
@click.option("--view", help="What is shown first. [default: the scenario's first]")
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True)
@click.option("--at", type=click.IntRange(0, 2**53), metavar="STEP", help="Where to begin.")
@click.option("--svg", is_flag=True, help="Print a picture of the player's screen instead.")
@click.option("--size", default="120x36", show_default=True, metavar="COLUMNSxROWS", help="Of that picture.")
def play(*, runs: tuple[str, ...], view: str | None, theme: str, at: int | None, svg: bool, size: str) -> None:
    """Show runs, or single recordings, in the terminal; those that still train are followed live.

    Several are shown side by side on one clock; RUN@LANES shows some lanes only. With no RUN, or with a folder that
    holds several, choose one from a list.

    \b
    dynviz play runs/voronoi-adamw-adamw-l1-1
    dynviz play runs/voronoi-sgd-1@0 runs/voronoi-adamw-1@0 --view curves
    dynviz play runs/voronoi-adamw-1 --svg > player.svg
    """  # noqa: D301
    if view:
        plugins.check("views", view)
    _check(runs)
    if svg:
        from dynviz.cli.show import columns_and_rows
        from dynviz.player.screenshot import portrait

        pass_on(portrait(runs, view=view, theme=theme, step=at, size=columns_and_rows(size)))
        return
    from dynviz.cli.live import is_terminal, show

    if not is_terminal():
        shown = shlex.join(runs) or "RUN"
        raise DynvizError(f"the player needs a terminal to play in; `dynviz show {shown}` prints a scene as text")
    sys.exit(show(runs, view=view, theme=theme, step=at))


def _check(runs: Sequence[str]) -> None:
    """See that all can be opened, before there is a screen."""
    from dynviz.player.runs import holds_runs
    from dynviz.recording import open_all

    if len(runs) != 1 or not holds_runs(Path(runs[0])):
        open_all(runs, say)
