"""`dynviz export`: recordings to a file, or every view of them to a folder."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynviz import plugins
from dynviz.cli import options
from dynviz.cli.replacing import may_write
from dynviz.cli.say import say
from dynviz.cli.stopping import stoppable
from dynviz.plugins import grammar
from dynviz.process.background import STOPPED

if TYPE_CHECKING:
    from dynviz.recording import Recording


TABLES = (".csv", ".parquet", ".nc")
"""Suffixes of files that hold numbers."""


@click.command(short_help="Draw runs to a file: gif, png, svg, pdf, mp4, html; or write a table: csv, parquet, nc.")
@click.argument("paths", nargs=-1, required=True, metavar="RUN... TARGET")
@click.option("--view", help="View to draw. [default: the scenario's first; all of them if TARGET is a folder]")
@click.option("--panel", metavar="TITLE|N", help="Draw this panel of the view alone, by title or by number from 1.")
@click.option(
    "--story", is_flag=True, help="For documents: one panel takes most of the picture, and at most two support it."
)
@click.option("--fps", type=click.FloatRange(min=0.1, max=50), help="Frames per second of an animation. [default: 10]")
@click.option(
    "--frames",
    type=click.IntRange(min=1),
    help="Number of frames. [default: 60; a still image shows the last step]",
)
@click.option(
    "--contact",
    type=click.IntRange(min=1),
    metavar="N",
    help="Draw a contact sheet of N frames, at most 100, as one png: the leading panel (or --panel) under one header.",
)
@click.option(
    "--steps",
    metavar="A:B",
    help="Draw only steps A to B (either can be left out), or a single step. [default: all]",
)
@click.option(
    "--size",
    default="640x480",
    show_default=True,
    metavar="WxH",
    help="Width and height in pixels; of each frame, in a contact sheet.",
)
@click.option("--theme", type=options.THEME, default="light", show_default=True, help="Colours to draw with.")
@click.option(
    "--background",
    type=click.Choice(["theme", "transparent"]),
    help="Colour behind the panels: the theme's, or none. [default: theme]",
)
@click.option(
    "--quality",
    type=click.Choice(["small", "balanced", "best"]),
    help="Trade-off between file size and fidelity, for formats with a choice. [default: balanced]",
)
@click.option(
    "--hold",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long the last frame of an animation stays. [default: 2.5]",
)
@click.option(
    "--pace",
    type=click.Choice(["motion", "steps"]),
    default="motion",
    show_default=True,
    help="What frames are evenly spaced in: what moves, or steps. Curves over steps alone always go by steps.",
)
@click.option(
    "--loop",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="How many times an animation plays; 0 repeats forever. [default: 0]",
)
@click.option(
    "--exporter",
    metavar="NAME[:key=value]",
    help="Exporter with options, or a file of yours (./mine.py). [default: the one named like TARGET's suffix]",
)
@click.option("--title", metavar="TEXT", default="", help="Title of the picture. [default: the scenario's]")
@click.option(
    "--caption",
    metavar="TEXT",
    default="",
    help="A sentence beside the title; with a full stop, it replaces the view's own.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="[RUN/]NAME=TEXT",
    help='Name of a recording in the picture, such as adamw="ours", or with the folder of its run where several runs '
    'have one of its name: voronoi/adamw="ours". Repeat for several.',
)
@click.option(
    "--language",
    metavar="FILE",
    help='Words of another language: a TOML file with lines such as "validation loss" = "Validierungsfehler".',
)
@click.option(
    "--publication",
    type=click.Choice(["column", "page"]),
    help="Draw a figure for a paper: a pdf or svg as wide as a column (3.25 in) or a page (6.75 in), in the shape of "
    "--size, with letters of 7 to 9 points.",
)
@click.option(
    "--font",
    metavar="NAME",
    help="Font of a pdf or svg, such as 'Liberation Serif'. [default: DejaVu Sans; with --publication STIXGeneral, "
    "which looks like Times]",
)
@click.option("--notes", is_flag=True, help="Show the notes made in the player (m), in panels over steps.")
@click.option("--alt", is_flag=True, help="Also describe the picture in words, in TARGET.alt.txt, for an alt text.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of processes that draw frames; the file is the same with any number.",
)
@click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar="NAME",
    help="Channel, or a pattern like 'term.*', to write to a table; repeat for several. [default: all; csv and "
    "parquet: those of at most 64 numbers a sample]",
)
@options.force
@click.option("--report", type=int, hidden=True)  # the descriptor on which a player awaits progress
def export(
    *,
    paths: tuple[str, ...],
    steps: str | None,
    size: str,
    contact: int | None,
    quality: str | None,
    background: str | None,
    loop: int | None,
    font: str | None,
    channels: tuple[str, ...],
    labels: tuple[str, ...],
    force: bool,
    report: int | None,
    **drawn: Any,
) -> None:
    """Draw runs or single recordings to TARGET; its suffix chooses the format (`dynviz list exporters`).

    Several recordings are drawn side by side or on the same axes, as the view has it. RUN@0,2 or RUN@0:4 selects lanes
    of a run, which are counted from 0. If TARGET is a folder or ends in /, every view of the scenario is drawn into
    it, as a gif or in the format of --exporter. If TARGET ends in .csv, .parquet or .nc (NetCDF), the recorded numbers
    are written, with lanes, seeds, hyperparameters and steps.

    A file that exists is replaced only with --force or, in a terminal, after you confirm.

    \b
    dynviz export runs/voronoi-adamw-l1-1 voronoi.gif
    dynviz export runs/voronoi-adamw-l1-1 last.png --view centers --steps 10000
    dynviz export runs/voronoi-adamw-l1-1 pictures/
    dynviz export runs/voronoi-adamw-l1-1 numbers.csv
    dynviz export runs/voronoi-adamw-l1-1 sheet.png --contact 12 --exporter png:columns=4,gap=0
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    if len(paths) < 2:
        raise click.UsageError("name one or more runs, then the file to write: dynviz export RUN out.gif")
    *runs, target = paths
    if drawn["exporter"] is None and Path(target).suffix.lower() in TABLES:
        _write_table(runs, Path(target), channels, force=force)
        return
    if channels:
        raise click.UsageError("--channel chooses what is written to a table: dynviz export RUN data.csv")
    to_folder = target.endswith("/") or Path(target).is_dir()
    if to_folder and drawn["view"]:
        raise click.UsageError(f"{target} is a folder, into which every view is drawn; for one view, name a file")
    if contact is not None:
        if drawn["frames"] is not None or _format(target, drawn["exporter"]) != "png":
            raise click.UsageError(
                "--contact N draws a png and takes no --frames: dynviz export RUN out.png --contact 12"
            )
        drawn["frames"] = contact
    drawn["labels"] = dict(map(_label, labels))
    drawn |= {"steps": grammar.step_range(steps) if steps else None, "size": grammar.size(size)}
    shared = {"quality": quality, "background": background, "loop": loop, "font": font}
    drawn |= {name: value for name, value in shared.items() if value is not None}
    from dynviz.recording import open_all

    recordings = open_all(runs, say)
    pictures = _views(recordings, Path(target), drawn) if to_folder else {Path(target): drawn}
    may_write(_files(pictures), force=force or report is not None)
    try:
        # Half-written files are removed, whether Ctrl-C or SIGTERM ends this.
        with stoppable() as heed:
            if to_folder:
                from dynviz.animation.export import make_folder

                make_folder(Path(target))
            for path, choices in pictures.items():
                _write(recordings, path, choices, report, heed)
    except KeyboardInterrupt:
        say(f"stopped before {target} was complete")
        sys.exit(STOPPED)


def _write_table(runs: list[str], target: Path, channels: tuple[str, ...], *, force: bool) -> None:
    """Write numbers rather than a picture."""
    if drawing := options.written(click.get_current_context()) - {"paths", "channels", "force", "report"}:
        raise click.UsageError(f"--{min(drawing)} is about pictures; {target} is a table of numbers")
    from dynviz.recording import open_all

    recordings = open_all(runs, say)
    may_write([target], force=force)
    from dynviz.animation.export import write_whole
    from dynviz.tables.writing import write

    write_whole(target, lambda file: write(recordings, file, channels, say))
    say(str(target), err=False)


def _label(text: str) -> tuple[str, str]:
    name, equals, label = text.partition("=")
    if not (name and equals and label):
        raise click.UsageError(f'--label {text} is not understood; write NAME=TEXT, such as --label adamw="ours"')
    return name, label


def _write(
    recordings: "list[Recording]", target: Path, drawn: dict[str, Any], report: int | None, heed: Callable[[], None]
) -> None:
    from dynviz.animation.export import alt_file, animate
    from dynviz.cli.progress import ExportProgress, ExportReports

    shown = 0

    def count(done: int, frames: int) -> None:
        nonlocal shown
        shown = frames
        heed()
        progress(done, frames)

    with ExportProgress(target.name) if report is None else ExportReports(report) as progress:
        animate(recordings, target, progress=count, **drawn)
    if shown < (drawn["frames"] or 0):
        say(
            f"{target.name} has {shown} frame{'s' * (shown != 1)}, not {drawn['frames']}: "
            "there are no more recorded steps to show; a run records more often with --record 'NAME:every=N'"
        )
    say(str(target), err=False)
    if drawn["alt"]:
        say(str(alt_file(target)), err=False)


def _views(recordings: "list[Recording]", folder: Path, drawn: dict[str, Any]) -> dict[Path, dict[str, Any]]:
    """The file of every view that the scenario suggests, with the options that draw it."""
    from dynviz.animation.drawing import suggested

    suffix = _format("a.gif", drawn["exporter"])
    return {folder / f"{view}.{suffix}": drawn | {"view": view} for view in suggested(recordings)}


def _files(pictures: dict[Path, dict[str, Any]]) -> Iterator[Path]:
    """All files that are written for some pictures."""
    from dynviz.animation.export import alt_file

    for target, drawn in pictures.items():
        yield target
        if drawn["alt"]:
            yield alt_file(target)


def _format(target: str, exporter: str | None) -> str:
    """The format that is written: the exporter's name if one is given, else the target's suffix."""
    if exporter is not None:
        return plugins.load("exporters", exporter).stem
    return Path(target).suffix.removeprefix(".").lower()
