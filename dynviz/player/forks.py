"""Forks started in the player, until they can be shown."""

from pathlib import Path
from typing import TYPE_CHECKING

from dynviz.frozen import frozen

if TYPE_CHECKING:
    from dynviz.process.background import BackgroundRun


@frozen
class ForkJob:
    """A fork: the step and the arguments for `dynviz fork`."""

    step: int
    arguments: tuple[str, ...]


class Forks:
    """Processes that train forks.

    Attributes:
        running: The processes that were still running at the last check.
    """

    def __init__(self) -> None:
        self.running: list[BackgroundRun] = []
        self._awaited: list[tuple[BackgroundRun, int]] = []

    def begin(self, job: ForkJob) -> None:
        """Start a fork.

        Raises:
            DynvizError: The system starts no further process.
        """
        from dynviz.process.background import BackgroundRun

        trainer = BackgroundRun.start(job.arguments, "fork")
        self.running.append(trainer)
        self._awaited.append((trainer, job.step))

    @property
    def doing(self) -> str:
        """The progress of forks that cannot be shown yet, in words."""
        return f"forking at step {self._awaited[0][1]}: {self._awaited[0][0].doing}" if self._awaited else ""

    def look(self) -> tuple[list[tuple[Path, int]], list[str]]:
        """The folders and steps of forks that have begun since the last check, and why others failed."""
        begun, failed = [], []
        for trainer in self.running:
            trainer.poll()
        for trainer, step in tuple(self._awaited):
            if trainer.folder is not None:
                begun.append((trainer.folder, step))
            elif trainer.exit_code is not None:
                failed.append(f"no fork at step {step}: {trainer.message or 'it ended before training began'}")
            else:
                continue
            self._awaited.remove((trainer, step))
        self.running = [trainer for trainer in self.running if trainer.exit_code is None]
        return begun, failed

    def stop(self) -> None:
        """Terminate all forks."""
        for trainer in self.running:
            trainer.stop()
