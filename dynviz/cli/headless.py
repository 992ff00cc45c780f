"""Training in this process: progress on stderr, and one line about how it ended."""

import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynviz.cli.consent import resume_command
from dynviz.cli.divergence import divergence
from dynviz.cli.say import say
from dynviz.cli.stopping import stoppable
from dynviz.errors import DynvizError
from dynviz.process.background import STOPPED, Reports, keep_traceback

if TYPE_CHECKING:
    from dynviz.recording import Recording, Run


def train(function: str, report: int | None, **asked: Any) -> None:
    """Train, and print the run's folder.

    Args:
        function: The name of one in `dynviz.training`: `run`, `resume`, `fork`.
        report: The descriptor on which a player awaits progress, see `BackgroundRun`.
        asked: The keyword arguments of that function.
    """
    from dynviz.cli.progress import TrainingProgress

    reports, progress = None if report is None else Reports(report), TrainingProgress()
    try:
        with stoppable() as heed:
            folder = _train(function, {**asked, "progress": reports or progress}, reports, heed)
    except KeyboardInterrupt as stopped:
        words = stopped_at(getattr(stopped, "folder", None), getattr(stopped, "step", 0))
        if reports:
            reports.stopped(words)
        say(words)
        sys.exit(STOPPED)
    except Exception as error:
        if reports:
            reports.failed(error)
        elif isinstance(error, DynvizError) and (where := keep_traceback(progress.folder, error)):
            raise DynvizError(f"{error}{where}") from error
        raise
    if reports:
        reports.finished()
    for line in divergence(folder):
        say(line)
    say(f"see it with: {finished(folder)}")
    say(str(folder), err=False)


def stopped_at(folder: Path | None, step: int) -> str:
    """The message for a run that was stopped, with the command that resumes it."""
    if folder is None:
        return "stopped before training began; nothing was written"
    return f"stopped at step {step}; continue with: {resume_command(folder)}"


def finished(folder: Path) -> str:
    """The command that draws a run."""
    return f"dynviz export {shlex.quote(str(folder))} {shlex.quote(folder.name)}.gif"


def _train(function: str, asked: Mapping[str, Any], reports: Reports | None, heed: Callable[[], None]) -> Path:
    # Imported last, as torch takes over a second: mistakes that show without it have been refused by now.
    from dynviz import training

    heed()
    if reports:
        reports.does("preparing the task")
    trained: Run | Recording = getattr(training, function)(**asked)
    return trained.folder
