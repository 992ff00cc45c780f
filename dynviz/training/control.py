"""What is asked of a run while it trains: other values of hyperparameters, a pause, single steps, an end."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording.changes import Request, RequestReader, ask
from dynviz.training.trainer import Trainer

GLANCE = 0.1
"""Seconds between two looks at the requests of a run that is paused."""


class Control:
    """Listens to the requests in a run's folder and in those of its recordings.

    Attributes:
        paused: Whether training stands still.
        stopping: Whether it was asked to end.
    """

    def __init__(self, folder: Path, trainers: Sequence[Trainer]) -> None:
        self._trainers = trainers
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
                    trainer.change(request, number)
        self.paused = False
        self.stopping = False
        self._until: int | None = None

    def listen(self) -> None:
        """Heed what was asked since the last time."""
        for trainer, requests in zip(self._trainers, self._recordings, strict=True):
            for number, request in requests.new():
                if request.action == "set" and number >= trainer.answered:
                    trainer.change(request, number)
                else:
                    self._heed(request)
        for _, request in self._run.new():
            self._heed(request)

    def _heed(self, request: Request) -> None:
        if request.action == "stop":
            self.stopping = True
        elif request.action == "step":
            self.paused = True
            self._until = self._slowest() + request.steps
        elif request.action in ("pause", "continue"):
            self.paused, self._until = request.action == "pause", None

    def steps(self, trainer: Trainer) -> int | None:
        """How many steps a trainer may take now; None for as many as it likes."""
        if not self.paused:
            return None
        return max(0, (self._until or 0) - trainer.step)

    def wait(self) -> None:
        """Stand still for a moment."""
        time.sleep(GLANCE)

    def _slowest(self) -> int:
        return min(trainer.step for trainer in self._trainers)
