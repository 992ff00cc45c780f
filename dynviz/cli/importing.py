"""`dynviz import`: logs of other programs as recordings."""

import click

from dynviz.cli import options
from dynviz.cli.say import say
from dynviz.text import listed


@click.command(name="import", short_help="Turn logs of TensorBoard, Weights & Biases and CSV into recordings.")
@click.argument("sources", nargs=-1, required=True, metavar="DIR...")
@options.out("DIR")
def importing(*, sources: tuple[str, ...], out: str | None) -> None:
    """Read the scalars that other programs logged, and write them as a run that can be played, drawn and compared.

    DIR is a folder with event files of TensorBoard, offline runs of Weights & Biases (run-ID.wandb) or CSV files, or
    such a file itself. Each of their runs becomes a recording. The new folder's path is printed to stdout.

    \b
    dynviz import lightning_logs --out theirs
    dynviz play theirs
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    from dynviz.imports.launch import import_runs

    run = import_runs(sources, out)
    for label, recording in run.items():
        say(f"{label}: {recording.total} steps of {listed(recording.channels, 8)}")
    say(str(run.folder), err=False)
