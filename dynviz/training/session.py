"""One run from beginning to end: its recordings are created side by side, in one folder."""

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
        folder: The folder of the run.
        step: The newest recorded step, of the recording that has come least far.
    """

    def __init__(self, folder: Path, step: int) -> None:
        super().__init__(f"stopped at step {step}; continue {folder} with --resume")
        self.folder = folder
        self.step = step


class Progress(Protocol):
    """Receives the progress of a run."""

    def does(self, words: str) -> None:
        """Something is being done before training starts that takes a while; or a change is refused."""
        ...

    def begin(self, folder: Path, recordings: Sequence[Metadata], steps_done: Sequence[int]) -> None:
        """Everything has been checked, and training starts."""
        ...

    def move(self, label: str, step: int, loss: float, steps: int) -> None:
        """A recording has come to this of its steps; `loss` is the mean of its lanes' that are finite."""
        ...

    def end(self) -> None:
        """Training has ended, successfully or not."""
        ...


class SilentProgress:
    """Ignores all progress."""

    def does(self, words: str) -> None:
        pass

    def begin(self, folder: Path, recordings: Sequence[Metadata], steps_done: Sequence[int]) -> None:
        pass

    def move(self, label: str, step: int, loss: float, steps: int) -> None:
        pass

    def end(self) -> None:
        pass


default_progress: Callable[[], Progress] = SilentProgress
"""Makes who hears of a run that names nobody; a notebook's display puts itself in this place."""


def train(folder: Path, trainers: Sequence[Trainer], progress: Progress) -> None:
    """Train all recordings of a run, block by block, so that they advance together.

    Raises:
        Interrupted: Ctrl-C or SIGTERM came; every recording has a checkpoint where it stopped, unless it came twice.
        DynvizError: A file could not be written.
    """
    begun = [trainer.shown for trainer in trainers]
    counts = {id(trainer): 8.0 for trainer in trainers}
    try:
        _say_apart(trainers, progress)
        progress.begin(folder, [trainer.writer.metadata for trainer in trainers], begun)
        with devices.reproducible(), one_line_for_users(), _signals() as stopped:
            control = Control(folder, trainers, progress.does)
            for trainer in _open(trainers):
                control.listen()
                if stopped.is_set() or control.stopping:
                    break
                allowed = control.steps(trainer)
                if allowed == 0:
                    control.wait()
                    continue
                start = time.perf_counter()
                before = trainer.shown
                count = max(int(counts[id(trainer)]), 1)
                trainer.advance(min(count, allowed or CAPACITY), exactly=allowed is not None)
                seconds = max(time.perf_counter() - start, 1e-6)
                pace = (trainer.shown - before) / seconds
                counts[id(trainer)] = min(pace * BLOCK_SECONDS / len(trainers), 2 * counts[id(trainer)], CAPACITY)
                metadata = trainer.writer.metadata
                progress.move(metadata.label, trainer.shown, mean_loss(trainer), metadata.steps)
                if trainer.finished:
                    trainer.writer.status("finished")
        _leave(folder, trainers)
    except Interrupted:
        raise
    except KeyboardInterrupt:
        # The second one: what was written can be read, and the run goes on from the last checkpoint.
        raise Interrupted(folder, min(map(_recorded, trainers))) from None
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


def _recorded(trainer: Trainer) -> int:
    """The newest recorded step, as readers count: the present state is sampled when the next step begins."""
    return trainer.shown if trainer.finished else max(trainer.shown - 1, 0)


def mean_loss(trainer: Trainer) -> float:
    """The mean of the last losses that are finite; NaN if none is."""
    loss = trainer.output.loss
    finite = loss[abs(loss) < float("inf")]
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
        yield min(waiting, key=lambda trainer: trainer.shown)


def _leave(folder: Path, trainers: Sequence[Trainer]) -> None:
    unfinished = [trainer for trainer in trainers if not trainer.finished]
    for trainer in unfinished:
        trainer.checkpoint()
        trainer.writer.status("interrupted")
    if unfinished:
        raise Interrupted(folder, min(map(_recorded, unfinished)))


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
