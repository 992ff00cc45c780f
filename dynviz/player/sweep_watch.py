"""Sweeps whose runs begin one after the other while the player shows them."""

from collections.abc import Sequence
from pathlib import Path

from dynviz.recording.lock import held
from dynviz.recording.run import begun_runs, is_sweep, planned_runs


class SweepWatch:
    """The sweeps among some sources.

    Attributes:
        sources: All sources.
        begun: How many of the sweeps' runs had begun at the last look.
        planned: How many runs the sweeps are made of.
        trained: Whether a process trained them at the last look.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self.sources = tuple(sources)
        self._folders = [Path(source) for source in sources if is_sweep(source)]
        self.begun, self.planned, self.trained = 0, 0, False
        self.look()

    def look(self) -> bool:
        """Look at the folders; returns whether runs have begun since."""
        before = self.begun
        # In this order: a run that begins after the count is found at the next look.
        self.trained = any(map(held, self._folders))
        self.planned = sum(map(planned_runs, self._folders))
        self.begun = sum(len(begun_runs(folder)) for folder in self._folders)
        return self.begun != before

    @property
    def complete(self) -> bool:
        """Whether all runs have begun."""
        return self.begun >= self.planned

    @property
    def status(self) -> str:
        """The status of the sweeps beside that of their runs: `running`, `interrupted`, or none."""
        return "running" if self.trained else "" if self.complete else "interrupted"

    @property
    def ready(self) -> tuple[str, ...]:
        """The sources that can be opened: all but sweeps that have no runs yet."""
        waiting = {str(folder) for folder in self._folders if not begun_runs(folder)}
        return tuple(source for source in self.sources if str(Path(source)) not in waiting)

    def words(self, seconds: float) -> str:
        """What is awaited before a sweep has runs."""
        if self.trained:
            return f"waiting for the first of the sweep's {self.planned} runs, {seconds:.1f} s"
        folders = " ".join(str(folder) for folder in self._folders)
        return f"none of the sweep's {self.planned} runs has begun, nothing trains it: dynviz sweep --resume {folders}"
