"""Running one job of a sweep to its end, and the main loop of a process that runs jobs."""

import contextlib
import itertools
import json
import os
import signal
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from dynviz.errors import DynvizError, has_traceback, in_words
from dynviz.process.child import Requests, answering
from dynviz.recording import Run, disk, layout, schema
from dynviz.recording.disk import Folder
from dynviz.recording.metadata import Metadata
from dynviz.recording.values import encode
from dynviz.sweeps.jobs import Job, Settings, read_job

LET_GO = 10.0
"""Seconds to wait for the process that trained this job before, which ends after its present block of steps."""
OFTEN = 0.2
"""Seconds between two messages about how far a job is."""
ASIDE = "aside"
"""The folder in a sweep's where the leftovers of jobs are kept that were killed before their recordings were whole."""
ERRORS = "errors"
"""The folder in a sweep's where tracebacks are kept of jobs that failed in their user's code or unforeseen."""


def perform(folder: Path, job: Job, settings: Settings, trust: Sequence[str], progress: Any) -> None:
    """Train a job's lanes: start them, continue them, or find that they are finished.

    Args:
        folder: The sweep's.
        job: The job.
        settings: The settings that all jobs share.
        trust: The user's own code that may run; see `dynviz.plugins.trust`.
        progress: Receives progress; see `dynviz.training.session.Progress`.

    Raises:
        DynvizError: The job is impossible.
        KeyboardInterrupt: It was stopped, and can be resumed.
    """
    from dynviz import training

    run = folder / job.name
    if run.is_symlink():
        raise DynvizError(f"{run} is a link, which is not followed; put the run itself there, or remove the link")
    if not any(run.glob(f"*/{layout.METADATA}")):
        move_aside(folder, job.name)
        shared: dict[str, Any] = asdict(settings)
        shared |= {"compile": shared.pop("compiled"), "yes": True, "progress": progress}
        training.run(job.scenario, job.optimizer, lanes=job.lanes, out=run, **shared)
    elif not finished(run):
        _wait(run)
        if not finished(run):
            training.resume(run, trust=trust, progress=progress)


def move_aside(folder: Path, name: str) -> None:
    """Free the name of a job that was killed before its recording was whole; what it left may be somebody's."""
    if not (folder / name).exists():
        return
    with Folder(folder) as sweep, sweep.folder(ASIDE, make=True) as aside:
        names = (f"{name}-{number}" for number in itertools.count(1))
        place = next(free for free in names if not (aside.path / free).exists())
        try:
            os.rename(name, place, src_dir_fd=sweep.fd, dst_dir_fd=aside.fd)
        except OSError as error:
            raise disk.unwritable(folder / name, error) from error


def finished(run: Path) -> bool:
    """Whether a job's run is finished."""
    try:
        opened = Run(run)
    except DynvizError:
        return False
    return not opened.problems and all(recording.status == "finished" for recording in opened.recordings)


def _wait(run: Path) -> None:
    end = time.monotonic() + LET_GO
    while any(recording.live for recording in Run(run).recordings) and time.monotonic() < end:
        time.sleep(OFTEN)


class SweepGone(KeyboardInterrupt):
    """The sweep was killed, which ends its jobs as if they were interrupted."""


class _Answers:
    """Tells the sweep how a job goes, a line of JSON each."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._last_time = 0.0

    def say(self, kind: str, **more: Any) -> None:
        try:
            self._pipe.write(json.dumps({"kind": kind, **more}).encode() + b"\n")
            self._pipe.flush()
        except BrokenPipeError:
            raise SweepGone from None

    def does(self, words: str) -> None:
        """A sweep says what is trained, not what is done before."""

    def begin(self, folder: Path, recordings: Sequence[Metadata], steps_done: Sequence[int]) -> None:  # noqa: ARG002
        self.say("moved", step=min(steps_done), steps=recordings[0].steps)

    def move(self, label: str, step: int, loss: float, steps: int) -> None:  # noqa: ARG002
        now = time.monotonic()
        if now - self._last_time > OFTEN or step == steps:
            self._last_time = now
            self.say("moved", step=step, steps=steps, loss=loss)

    def end(self) -> None:
        """What ended it is said by who asked for it."""


def work(given: Mapping[str, Any]) -> None:
    """Run the jobs from stdin, one line of JSON each: the main loop of a process in a pool.

    Args:
        given: The sweep's folder, the settings that all jobs share, and what is trusted, see `perform`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = Settings(**given["settings"] | {"record": tuple(given["settings"]["record"])})
    with answering() as pipe, contextlib.suppress(SweepGone):
        answers = _Answers(pipe)
        for line in Requests():
            if not _do(Path(given["folder"]), from_line(line), settings, given["trust"], answers):
                break


def _do(folder: Path, job: Job, settings: Settings, trust: Sequence[str], answers: _Answers) -> bool:
    """Whether this process may do another job."""
    try:
        perform(folder, job, settings, trust, answers)
    except KeyboardInterrupt:
        answers.say("stopped", leaves=True)
        return False
    except DynvizError as error:
        if has_traceback(error):
            with contextlib.suppress(DynvizError):
                _keep_traceback(folder, job)
        answers.say("failed", message=str(error))
        return True
    except Exception as error:  # a scenario is anybody's code
        message = in_words(error)
        with contextlib.suppress(DynvizError):
            _keep_traceback(folder, job)
            message += f" (see {folder / ERRORS / job.name}.txt)"
        # After what nobody foresaw, another process does the next job.
        answers.say("failed", message=message, leaves=True)
        return False
    answers.say("finished")
    return True


def _keep_traceback(folder: Path, job: Job) -> None:
    with (
        Folder(folder) as sweep,
        sweep.folder(ERRORS, make=True) as errors,
        errors.replacing(f"{job.name}.txt") as file,
    ):
        file.write(traceback.format_exc().encode(errors="replace"))


def to_line(job: Job) -> bytes:
    """A job as a line for the process that runs it."""
    return json.dumps(encode(asdict(job), job.name)).encode() + b"\n"


def from_line(line: bytes) -> Job:
    """The job in a line."""
    return schema.check(read_job, json.loads(line), "a job")
