"""Requests to a run while it trains: changes of hyperparameters, pausing, single steps, stopping."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording.changes import Request, RequestReader, ask
from dynviz.training.trainer import Trainer

GLANCE = 0.1
"""Seconds between two looks at the requests of a run that is paused."""


class Control:
    """Reads the requests in a run's folder and in the folders of its recordings.

    Attributes:
        paused: Whether training is paused.
        stopping: Whether it was asked to stop.
    """

    def __init__(self, folder: Path, trainers: Sequence[Trainer], say: Callable[[str], None]) -> None:
        """Begin to listen.

        Args:
            folder: The run's.
            trainers: Of its recordings.
            say: Hears which changes are refused, and why.
        """
        self._trainers, self._say = trainers, say
        self._run = RequestReader(folder)
        self._recordings = [RequestReader(trainer.writer.folder) for trainer in trainers]
        # What was asked of an earlier process is over, but for changes that nobody answered.
        asked = [request.action for _, request in self._run.new() if request.action in ("pause", "continue", "step")]
        if asked and asked[-1] != "continue":
            # Who reads the requests sees from the last one whether training is paused.
            with contextlib.suppress(DynvizError):
                ask(folder, Request(action="continue"))
            self._run.new()
        for trainer, requests in zip(trainers, self._recordings, strict=True):
            for number, request in requests.new():
                if request.action == "set" and number >= trainer.answered:
                    self._change(trainer, request, number)
        self.paused = False
        self.stopping = False
        self._until: int | None = None

    def listen(self) -> None:
        """Act on requests made since the last call."""
        for trainer, requests in zip(self._trainers, self._recordings, strict=True):
            for number, request in requests.new():
                if request.action == "set" and number >= trainer.answered:
                    self._change(trainer, request, number)
                else:
                    self._heed(request)
        for _, request in self._run.new():
            self._heed(request)

    def _change(self, trainer: Trainer, request: Request, number: int) -> None:
        change = trainer.change(request, number)
        if change.refused:
            label = trainer.writer.metadata.label
            self._say(f"{label}: {change.name} was not changed: {change.refused}")

    def _heed(self, request: Request) -> None:
        if request.action == "stop":
            self.stopping = True
        elif request.action == "lengthen":
            # A recording that is finished ends where it ended; a run as a whole is resumed to be made longer.
            if not any(trainer.finished or trainer.steps >= request.steps for trainer in self._trainers):
                for trainer in self._trainers:
                    trainer.lengthen(request.steps)
        elif request.action == "step":
            self.paused = True
            self._until = self._slowest() + request.steps
        elif request.action in ("pause", "continue"):
            self.paused, self._until = request.action == "pause", None

    def steps(self, trainer: Trainer) -> int | None:
        """The number of steps that a trainer may take now; None for any number."""
        if not self.paused:
            return None
        return max(0, (self._until or 0) - trainer.shown)

    def wait(self) -> None:
        """Wait for a moment."""
        time.sleep(GLANCE)

    def _slowest(self) -> int:
        return min(trainer.shown for trainer in self._trainers)
