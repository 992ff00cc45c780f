"""`dynviz check`: whether recordings are as they were written."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynviz.cli.say import say
from dynviz.errors import DynvizError

if TYPE_CHECKING:
    from dynviz.recording import Recording


@click.command(short_help="Check recordings for damage, and repair what can be repaired.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--mend", "mended", is_flag=True, help="Remove damaged parts, so that resuming makes them again.")
def check(*, runs: tuple[str, ...], mended: bool) -> None:
    """Compare recordings with the checksums that were kept while they grew, and name what is damaged.

    Exit status 1 where anything is. With --mend, channels are cut before their first damaged sample, and damaged
    checkpoints are moved aside; `dynviz run --resume` then makes what is missing again, to the same bytes.

    \b
    dynviz check runs/voronoi-adamw-1
    dynviz check runs/* --mend
    """  # noqa: D301
    problems = 0
    folders = [folder for run in runs for folder in _folders(Path(run))]
    for run in runs:
        problems += _check_sweep(Path(run))
    for folder in folders:
        problems += _check(folder, mended=mended)
    many = "recording" if len(folders) == 1 else "recordings"
    words = {0: "no damage found", 1: "1 problem"}.get(problems, f"{problems} problems")
    say(f"{len(folders)} {many}: {words}", err=False)
    if problems:
        sys.exit(1)


def _check_sweep(folder: Path) -> int:
    """Check the file that remembers a sweep's jobs, where there is one; how many problems it has."""
    from dynviz.recording.run import SWEEP
    from dynviz.sweeps.jobs import SweepPlan

    if not (folder / SWEEP).exists():
        return 0
    try:
        SweepPlan.load(folder)
        SweepPlan.check_intact(folder)
    except DynvizError as error:
        say(str(error), err=False)
        return 1
    return 0


def _check(folder: Path, *, mended: bool) -> int:
    """Check one recording, and mend it where that is asked; how many problems it has."""
    from dynviz.recording import Recording, checking

    try:
        recording = Recording(folder)
    except DynvizError as error:
        say(str(error), err=False)
        return 1
    report = checking.check(recording)
    for problem in report.problems:
        say(f"{folder}: {problem}", err=False)
    if report.checked is None:
        say(f"{folder}: it has no checksums yet, or an older dynviz made it", err=False)
    elif not report.problems and report.checked < recording.recorded:
        say(f"{folder}: there are checksums up to step {report.checked} of {recording.recorded}", err=False)
    if mended and report.lasting:
        say(f"{folder}: it cannot be mended, for nothing makes run.json again", err=False)
    elif mended and report.problems:
        checking.mend(report)
        say(f"{folder}: {_next(recording)}", err=False)
    return len(report.problems)


def _next(recording: "Recording") -> str:
    """What is to be done with a recording that was mended."""
    if recording.status == "finished":
        return "what is damaged was moved aside"
    return "what is damaged was taken out; `dynviz run --resume` makes it again"


def _folders(folder: Path) -> list[Path]:
    """The recordings of a run or a sweep, those too that cannot be read."""
    from dynviz.recording.layout import METADATA

    for pattern in (METADATA, f"*/{METADATA}", f"*/*/{METADATA}"):
        found = sorted(path.parent for path in folder.glob(pattern))
        if found:
            return found
    raise DynvizError(f"there is no recording in {folder}: give the folder of a run, a recording or a sweep")
