"""Requests from the player to the training processes, and their answers."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dynviz.charts.numbers import significant
from dynviz.player.words import grouped
from dynviz.recording import Recording, changes
from dynviz.recording.changes import Action, Change, Request, RequestReader

PATIENCE = 10.0
"""Seconds after which a missing answer is reported."""


class TrainingControl:
    """Pauses training, takes single steps, changes hyperparameters, and collects the answers.

    Attributes:
        paused: Whether training is paused, according to the last request by anyone.
    """

    def __init__(self, recordings: Sequence[Recording], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._recordings, self._clock = recordings, clock
        self._requests = {folder: RequestReader(folder) for folder in map(run_folder, recordings)}
        self._stands = dict.fromkeys(self._requests, False)
        self._awaited: dict[tuple[Path, int], float] = {}

    @property
    def live(self) -> list[Recording]:
        """The recordings that are being trained."""
        return [recording for recording in self._recordings if recording.live]

    @property
    def paused(self) -> bool:
        return any(self._stands.values())

    def look(self) -> None:
        """Read new requests."""
        for folder, requests in self._requests.items():
            for _, request in requests.new():
                if request.action in ("pause", "step", "continue"):
                    self._stands[folder] = request.action != "continue"

    def ask(self, action: Action, steps: int = 1) -> bool:
        """Send a request to all running training; returns whether there is any.

        Raises:
            DynvizError: The request cannot be written.
        """
        folders = dict.fromkeys(run_folder(recording) for recording in self.live)
        for folder in folders:
            changes.ask(folder, Request(action=action, steps=steps))
        self.look()
        return bool(folders)

    def change(self, recording: Recording, request: Request) -> None:
        """Request another value of a hyperparameter; the outcome appears in `answers`.

        Raises:
            DynvizError: The request cannot be written.
        """
        self._awaited[recording.folder, changes.ask(recording.folder, request)] = self._clock() + PATIENCE

    def answers(self) -> list[str]:
        """New outcomes of requested changes, in words.

        Raises:
            DynvizError: The answers cannot be read.
        """
        words = [
            _in_words(change, folder.name)
            for folder in {folder for folder, _ in self._awaited}
            for change in changes.load(folder)
            if self._awaited.pop((folder, change.request), None) is not None
        ]
        for folder, number in [key for key, until in self._awaited.items() if self._clock() > until]:
            del self._awaited[folder, number]
            words.append(f"{folder.name}: no answer yet; the change takes effect once the run trains its next steps")
        return words


def run_folder(recording: Recording) -> Path:
    """The folder of the run that a recording is part of."""
    return recording.folder.parent


def _in_words(change: Change, label: str) -> str:
    lane = "" if change.lane is None else f" of lane {change.lane}"
    if change.refused:
        return f"{label}: {change.name}{lane} was not changed: {change.refused}"
    before = "" if change.old is None else f" from {significant(change.old)}"
    new = significant(change.new)
    return f"{label}: {change.name}{lane} changes{before} to {new} after step {grouped(change.step)}"
