"""Which views there are for recordings: what the scenario suggests, and every other one that opens."""

from collections.abc import Sequence

from dynviz import plugins
from dynviz.animation.drawing import open_film, suggested
from dynviz.recording import Recording


class Views:
    """Names of views, in the order of their tabs.

    Attributes:
        names: The one that was asked for, those that the scenario suggests, then others that were found to open.
    """

    def __init__(self, asked: str | None) -> None:
        self._asked = [asked] if asked else []
        self.names: tuple[str, ...] = tuple(self._asked)
        self._untried: list[str] = []

    def suggest(self, recordings: Sequence[Recording]) -> None:
        """Take what the scenarios suggest, and try the others again later."""
        self.names = tuple(dict.fromkeys([*self._asked, *suggested(recordings), *self.names]))
        self._untried = [name for name in plugins.files("views") if name not in self.names]

    @property
    def untried(self) -> bool:
        """Whether there are views left to try."""
        return bool(self._untried)

    def try_next(self, recordings: Sequence[Recording]) -> None:
        """Open one view of those that nobody suggests; if it opens, it gets a tab."""
        if not self._untried:
            return
        name = self._untried.pop(0)
        try:
            open_film(recordings, name)
        except Exception:  # that it does not suit is the answer
            return
        self.names = (*self.names, name) if name not in self.names else self.names
