"""`dynviz stop`: end the training of runs, as Ctrl-C would."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynviz.cli.say import say
from dynviz.errors import DynvizError

if TYPE_CHECKING:
    from dynviz.recording import Recording

PATIENCE = 10.0
"""Seconds to wait for training to end; between two blocks of steps it listens."""
GLANCE = 0.05
"""Seconds between two looks at a run that is ending."""


@click.command(short_help="End the training of runs, wherever it was started.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
def stop(*, runs: tuple[str, ...]) -> None:
    """End the training of each RUN after its current step, wherever it was started.

    All that was recorded stays, and `dynviz run --resume RUN` continues to the same bytes. The exit status is 1 where a
    run was not training, or has not ended within 10 seconds.

    \b
    dynviz stop runs/voronoi-adamw-1
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    from dynviz.recording import changes, open_all

    asked: dict[Path, list[Recording]] = {}
    idle = []
    for run in runs:
        live = [recording for recording in open_all([run], say) if recording.live]
        idle += [run] * (not live)
        for recording in live:
            asked.setdefault(recording.folder.parent, []).append(recording)
    for folder in asked:
        changes.ask(folder, changes.Request(action="stop"))
    late = [folder for folder, recordings in asked.items() if not _ended(folder, recordings)]
    for folder in late:
        say(f"{folder}: training has not ended yet; it does after its current block of steps")
    if idle:
        raise DynvizError(f"not training now: {', '.join(idle)}")
    if late:
        sys.exit(1)


def _ended(folder: Path, recordings: "list[Recording]") -> bool:
    """Wait for training to end, and say where it did; returns whether it has."""
    until = time.monotonic() + PATIENCE
    while any(recording.live for recording in recordings):
        if time.monotonic() > until:
            return False
        time.sleep(GLANCE)
    for recording in recordings:
        say(f"{folder / recording.folder.name}: {recording.status} at step {recording.recorded}", err=False)
    return True
