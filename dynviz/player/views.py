"""Which views there are for recordings: those the scenario suggests, and every other one that opens."""

from collections.abc import Sequence

from dynviz import plugins
from dynviz.animation.drawing import suggested
from dynviz.recording import Recording


class Views:
    """Names of views, in the order of their tabs.

    Attributes:
        names: The view that was asked for, those the scenarios suggest, then others that turned out to open.
        untried: Bundled views that nobody suggests and that have not been tried yet.
    """

    def __init__(self, asked: str | None) -> None:
        self._asked = (asked,) if asked else ()
        self.names: tuple[str, ...] = self._asked
        self.untried: list[str] = []

    def suggest(self, recordings: Sequence[Recording]) -> None:
        """Add what the scenarios suggest; all other views are to be tried again."""
        self.add(*self._asked, *suggested(recordings), *self.names, first=True)
        self.untried = [name for name in plugins.files("views") if name not in self.names]

    def add(self, *names: str, first: bool = False) -> None:
        """Give views a tab."""
        self.names = tuple(dict.fromkeys([*names, *self.names] if first else [*self.names, *names]))
