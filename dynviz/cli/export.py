"""`dynviz export`: recordings to a file, or every view of them to a folder."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynviz import plugins
from dynviz.cli.say import say
from dynviz.cli.stopping import stoppable
from dynviz.plugins import grammar
from dynviz.process.background import STOPPED

if TYPE_CHECKING:
    from dynviz.recording import Recording


@click.command(short_help="Draw runs to a file: gif, png, svg, pdf, mp4, html and more.")
@click.argument("paths", nargs=-1, required=True, metavar="RUN... TARGET")
@click.option("--view", help="What to draw. [default: the scenario's first; for a folder all]")
@click.option("--panel", metavar="TITLE|N", help="One panel of the view alone, large.")
@click.option("--fps", type=click.FloatRange(min=0.1, max=50), help="Frames a second. [default: 10]")
@click.option("--frames", type=click.IntRange(min=1), help="How many. [default: 100; for png 1, more make a sheet]")
@click.option(
    "--contact",
    type=click.IntRange(min=1),
    metavar="N",
    help="A sheet of N key frames, at most 100: the same as --frames N for png.",
)
@click.option("--steps", metavar="A:B", help="Only these steps; one step for a still picture.")
@click.option("--size", default="800x600", show_default=True, metavar="WxH", help="In pixels.")
@click.option("--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True)
@click.option("--background", type=click.Choice(["theme", "transparent"]), help="Behind the panels. [default: theme]")
@click.option("--quality", type=click.Choice(["small", "balanced", "best"]), help="[default: balanced]")
@click.option("--hold", type=click.FloatRange(min=0), metavar="SECONDS", help="For the last frame. [default: 1]")
@click.option("--loop", type=click.IntRange(0, 65535), metavar="N", help="How often it plays. [default: 0, for ever]")
@click.option("--exporter", metavar="NAME[:key=value]", help="Or ./mine.py. [default: the one of TARGET's suffix]")
@click.option("--alt", is_flag=True, help="Write what is seen in words, too: out.alt.txt.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that draw.")
@click.option("--report", type=int, hidden=True)  # where a player waits to hear of it
def export(
    *,
    paths: tuple[str, ...],
    steps: str | None,
    size: str,
    contact: int | None,
    quality: str | None,
    background: str | None,
    loop: int | None,
    report: int | None,
    **drawn: Any,
) -> None:
    """Draw runs, or single recordings, to TARGET; its suffix says the format.

    Several are drawn side by side, or overlaid on the same axes. RUN@0,2 or RUN@0:4 means these lanes only. A TARGET
    that is a folder, or ends in /, gets every view of the scenario as a gif, or as what --exporter says.

    \b
    dynviz export runs/voronoi-adamw-l1-1 voronoi.gif
    dynviz export runs/voronoi-adamw-l1-1 last.png --view centers --steps 10000
    dynviz export runs/voronoi-adamw-l1-1 pictures/
    dynviz export runs/voronoi-adamw-l1-1 sheet.png --contact 12 --exporter png:columns=4,gap=0
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    if len(paths) < 2:
        raise click.UsageError("name one run or more, then the file to write: dynviz export RUN out.gif")
    *runs, target = paths
    to_folder = target.endswith("/") or Path(target).is_dir()
    if to_folder and drawn["view"]:
        raise click.UsageError(f"{target} is a folder, which gets every view; name a file for {drawn['view']}")
    if contact is not None:
        if drawn["frames"] is not None or _format(target, drawn["exporter"]) != "png":
            raise click.UsageError(
                "--contact N makes a sheet of N frames, as png: dynviz export RUN out.png --contact 12"
            )
        drawn["frames"] = contact
    drawn |= {"steps": grammar.step_range(steps) if steps else None, "size": grammar.size(size)}
    shared = {"quality": quality, "background": background, "loop": loop}
    drawn |= {name: value for name, value in shared.items() if value is not None}
    from dynviz.recording import open_all

    recordings = open_all(runs, say)
    try:
        # What is half written vanishes, however it is asked to end.
        with stoppable():
            if to_folder:
                _write_views(recordings, Path(target), drawn, report)
            else:
                _write(recordings, Path(target), drawn, report)
    except KeyboardInterrupt:
        say(f"stopped before {target} was complete")
        sys.exit(STOPPED)


def _write(recordings: "list[Recording]", target: Path, drawn: dict[str, Any], report: int | None) -> None:
    from dynviz.animation.export import alt_file, animate
    from dynviz.cli.progress import ExportProgress, ExportReports

    shown = 0

    def count(done: int, frames: int) -> None:
        nonlocal shown
        shown = frames
        progress(done, frames)

    with ExportProgress(target.name) if report is None else ExportReports(report) as progress:
        animate(recordings, target, progress=count, **drawn)
    if shown < (drawn["frames"] or 0):
        say(
            f"{target.name} has {shown} frames, not {drawn['frames']}: there are no more recorded steps to show; "
            "a run records more often with --record 'NAME:every=N'"
        )
    say(str(target), err=False)
    if drawn["alt"]:
        say(str(alt_file(target)), err=False)


def _write_views(recordings: "list[Recording]", folder: Path, drawn: dict[str, Any], report: int | None) -> None:
    from dynviz.animation.drawing import suggested
    from dynviz.animation.export import make_folder

    views = suggested(recordings)
    make_folder(folder)
    suffix = _format("a.gif", drawn["exporter"])
    for view in views:
        _write(recordings, folder / f"{view}.{suffix}", drawn | {"view": view}, report)


def _format(target: str, exporter: str | None) -> str:
    """What the files are: what the exporter is called, or else the target's suffix."""
    if exporter is not None:
        return plugins.load("exporters", exporter).stem
    return Path(target).suffix.removeprefix(".").lower()
