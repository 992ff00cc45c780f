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
@click.option(
    "--mend", "mended", is_flag=True, help="Remove damaged parts, so that `dynviz run --resume` computes them again."
)
def check(*, runs: tuple[str, ...], mended: bool) -> None:
    """Compare recordings with the checksums that were stored while they were written, and report damage.

    The exit status is 1 if anything is damaged. With --mend, channels are cut before their first damaged sample and
    damaged checkpoints are moved aside; `dynviz run --resume` then computes what is missing, to the same bytes.

    \b
    dynviz check runs/voronoi-adamw-1
    dynviz check runs/* --mend
    """  # noqa: D301
    problems = 0
    folders = [folder for run in runs for folder in _folders(Path(run))]
    for run in runs:
        problems += _check_sweep(Path(run), mended=mended)
    for folder in folders:
        problems += _check(folder, mended=mended)
    many = "recording" if len(folders) == 1 else "recordings"
    words = {0: "no damage found", 1: "1 problem"}.get(problems, f"{problems} problems")
    say(f"{len(folders)} {many}: {words}", err=False)
    if problems:
        sys.exit(1)


def _check_sweep(folder: Path, *, mended: bool) -> int:
    """Check a sweep's list of jobs and its table, if it is one, and mend the table; gives the number of problems."""
    from dynviz.recording.run import SWEEP
    from dynviz.sweeps import table
    from dynviz.sweeps.jobs import SweepPlan
    from dynviz.sweeps.mending import rebuild

    if not (folder / SWEEP).exists():
        return 0
    try:
        SweepPlan.load(folder)
        SweepPlan.check_intact(folder)
        if table.is_intact(folder):
            return 0
        say(f"{folder / table.FILE} is not what was written: its checksum differs", err=False)
        if mended:
            rebuild(folder)
            say(f"{folder / table.FILE}: written again from the recordings", err=False)
    except DynvizError as error:
        say(str(error), err=False)
    return 1


def _check(folder: Path, *, mended: bool) -> int:
    """Check one recording, and mend it if asked to; gives its number of problems."""
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
        say(f"{folder}: not checked: it has no checksums yet, or was made by a dynviz that stored none", err=False)
    elif not report.problems and report.checked < recording.recorded:
        words = f"checked up to step {report.checked} of {recording.recorded}; later steps have no checksums yet"
        say(f"{folder}: {words}", err=False)
    if mended and report.lasting:
        say(f"{folder}: cannot be repaired: what is damaged cannot be computed again; put back a copy", err=False)
    elif mended and report.problems:
        checking.mend(report)
        say(f"{folder}: {_next(recording)}", err=False)
    return len(report.problems)


def _next(recording: "Recording") -> str:
    """What was mended, and what to do next."""
    if recording.status == "finished":
        return "the damaged parts were moved aside"
    return "the damaged parts were removed; `dynviz run --resume` computes them again"


def _folders(folder: Path) -> list[Path]:
    """The recordings of a run or a sweep, including those that cannot be read."""
    from dynviz.recording.layout import METADATA

    for pattern in (METADATA, f"*/{METADATA}", f"*/*/{METADATA}"):
        if recordings := sorted(path.parent for path in folder.glob(pattern)):
            return recordings
    raise DynvizError(f"no recording in {folder}; name the folder of a run, a recording or a sweep")
