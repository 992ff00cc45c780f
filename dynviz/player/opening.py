"""Opening recordings: what a player begins with, and others while the present ones are shown."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from dynviz.player.runs import holds_runs
from dynviz.player.selection import Selection, selection
from dynviz.player.work import Work
from dynviz.recording import Recording, open_all
from dynviz.recording.run import is_sweep

RUNS = "runs"
"""The default folder of runs to list."""

Opened = tuple[list[Recording], Selection]


class Opening:
    """The recordings that are being opened, if any."""

    def __init__(self) -> None:
        self._begun: tuple[int, float] | None = None

    def words(self, now: float) -> str:
        """What is being opened and for how long; empty if nothing is."""
        if self._begun is None:
            return ""
        count, since = self._begun
        return f"opening {count} recording{'s' * (count != 1)}, {now - since:.1f} s   esc cancel"

    def begin(
        self,
        sources: Sequence[str],
        chosen: Selection | None,
        now: float,
        work: Work,
        take: Callable[[Future[Opened]], None],
    ) -> None:
        """Open recordings, unless it is cancelled or others are opened meanwhile.

        Args:
            sources: Of the recordings.
            chosen: Which of all lanes they are; found out if None.
            now: The present time.
            work: Runs slow functions.
            take: Gets the recordings, or why there are none.
        """
        begun = self._begun = len(sources), now

        def taken(outcome: Future[Opened]) -> None:
            if self._begun is begun:
                self._begun = None
                take(outcome)

        work("open", partial(opened, sources, chosen), taken)

    def cancel(self) -> bool:
        """Drop what is being opened; returns whether anything was."""
        begun, self._begun = self._begun, None
        return begun is not None


def opened(sources: Sequence[str], chosen: Selection | None = None) -> Opened:
    """Recordings, and which lanes of all they are."""
    recordings = open_all(sources)
    return recordings, chosen or selection(recordings)


def root_and_view(sources: Sequence[str], view: str | None) -> tuple[Path | None, str | None]:
    """What a player begins with: the folder of runs to list, if it lists any, and the view, if it is known.

    Args:
        sources: Runs and recordings, `FOLDER` or `FOLDER@LANES`; none, or a folder of runs, shows a list.
        view: The view that was asked for; by default a sweep is shown as a map.
    """
    only = sources[0] if len(sources) == 1 else None
    root = Path(only) if only is not None and holds_runs(Path(only)) else None if sources else Path(RUNS)
    return root, "map" if view is None and only is not None and is_sweep(only) else view
