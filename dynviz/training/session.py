"""One run from beginning to end: its recordings are made side by side, in one folder."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from dynviz.errors import DynvizError, in_words, one_line_for_users
from dynviz.process.signals import answered
from dynviz.recording.metadata import Metadata
from dynviz.training import devices
from dynviz.training.control import Control
from dynviz.training.trainer import CAPACITY, Trainer

BLOCK_SECONDS = 0.2
"""How long training holds samples back from the files, and how long it takes to heed an interruption."""


class Interrupted(KeyboardInterrupt):
    """A run was stopped by Ctrl-C or SIGTERM: cleanly the first time, at once the second.

    Attributes:
        folder: The run's.
        step: How far the slowest recording came.
    """

    def __init__(self, folder: Path, step: int) -> None:
        super().__init__(f"stopped at step {step}; {folder} goes on with --resume")
        self.folder = folder
        self.step = step


class Progress(Protocol):
    """Who hears how a run goes."""

    def does(self, words: str) -> None:
        """Something is being done before training starts that takes a while."""
        ...

    def begin(self, folder: Path, recordings: Sequence[Metadata], steps_done: Sequence[int]) -> None:
        """Everything is checked and training starts."""
        ...

    def move(self, label: str, step: int, loss: float) -> None:
        """A recording has come to this step; `loss` is the mean of its lanes' that are finite."""
        ...

    def end(self) -> None:
        """Training is over, in whatever way."""
        ...


class SilentProgress:
    """Progress that nobody hears."""

    def does(self, words: str) -> None:
        pass

    def begin(self, folder: Path, recordings: Sequence[Metadata], steps_done: Sequence[int]) -> None:
        pass

    def move(self, label: str, step: int, loss: float) -> None:
        pass

    def end(self) -> None:
        pass


default_progress: Callable[[], Progress] = SilentProgress
"""Makes who hears of a run that names nobody; a notebook's display puts itself in this place."""


def train(folder: Path, trainers: Sequence[Trainer], progress: Progress) -> None:
    """Train all recordings of a run, block by block so that all come to each step together.

    Raises:
        Interrupted: Ctrl-C or SIGTERM came; every recording has a checkpoint where it stopped, unless it came twice.
        DynvizError: A file could not be written.
    """
    begun = [trainer.step for trainer in trainers]
    counts = {id(trainer): 8.0 for trainer in trainers}
    try:
        _say_apart(trainers, progress)
        progress.begin(folder, [trainer.writer.metadata for trainer in trainers], begun)
        with devices.reproducible(), one_line_for_users(), _signals() as stopped:
            control = Control(folder, trainers)
            for trainer in _open(trainers):
                control.listen()
                if stopped.is_set() or control.stopping:
                    break
                allowed = control.steps(trainer)
                if allowed == 0:
                    control.wait()
                    continue
                start = time.perf_counter()
                before = trainer.step
                trainer.advance(min(max(int(counts[id(trainer)]), 1), allowed or CAPACITY))
                seconds = max(time.perf_counter() - start, 1e-6)
                pace = (trainer.step - before) / seconds
                counts[id(trainer)] = min(pace * BLOCK_SECONDS / len(trainers), 2 * counts[id(trainer)], CAPACITY)
                progress.move(trainer.writer.metadata.label, trainer.step, mean_loss(trainer))
                if trainer.finished:
                    trainer.writer.status("finished")
        _leave(folder, trainers)
    except Interrupted:
        raise
    except KeyboardInterrupt:
        # The second one: what was written can be read, and the run goes on from the last checkpoint.
        raise Interrupted(folder, min(trainer.step for trainer in trainers)) from None
    except Exception as error:
        for trainer in trainers:
            if trainer.writer.metadata.status == "running":
                with contextlib.suppress(DynvizError):
                    trainer.writer.status("failed", in_words(error))
        raise
    finally:
        progress.end()
        for trainer in trainers:
            trainer.close()


def mean_loss(trainer: Trainer) -> float:
    """The mean of the last losses that are finite, NaN where none is."""
    finite = trainer.loss[abs(trainer.loss) < float("inf")]
    return float(finite.mean()) if finite.size else float("nan")


def _say_apart(trainers: Sequence[Trainer], progress: Progress) -> None:
    """Say which lanes are not stacked, and why: they train more slowly."""
    for trainer in trainers:
        if trainer.lanes.apart:
            label = trainer.writer.metadata.label
            progress.does(f"the lanes of {label} train one by one, which is slower: {trainer.lanes.apart}")


def _open(trainers: Sequence[Trainer]) -> Iterator[Trainer]:
    """The trainer that is furthest behind, again and again, until all have finished."""
    while waiting := [trainer for trainer in trainers if not trainer.finished]:
        yield min(waiting, key=lambda trainer: trainer.step)


def _leave(folder: Path, trainers: Sequence[Trainer]) -> None:
    unfinished = [trainer for trainer in trainers if not trainer.finished]
    for trainer in unfinished:
        trainer.checkpoint()
        trainer.writer.status("interrupted")
    if unfinished:
        raise Interrupted(folder, min(trainer.step for trainer in unfinished))


@contextlib.contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets, so that a block of steps is finished first; a second one stops at once."""
    stopped = threading.Event()

    def stop() -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    with answered(stop):
        yield stopped
