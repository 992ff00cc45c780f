"""The views available for recordings: those that scenarios suggest, and any others that open."""

from collections.abc import Sequence

from dynviz import plugins
from dynviz.animation.drawing import suggested
from dynviz.recording import Recording


class Views:
    """The views, in the order of their tabs.

    Attributes:
        names: The requested view, those that scenarios suggest, then others that could be opened.
        untried: Bundled views that no scenario suggests and that have not been tried yet.
    """

    def __init__(self, asked: str | None) -> None:
        self._asked = (asked,) if asked else ()
        self.names: tuple[str, ...] = self._asked
        self.untried: list[str] = []

    def suggest(self, recordings: Sequence[Recording]) -> None:
        """Add the views that scenarios suggest, and schedule all others to be tried again."""
        self.add(*self._asked, *suggested(recordings), *self.names, first=True)
        self.untried = [name for name in plugins.files("views") if name not in self.names]

    def add(self, *names: str, first: bool = False) -> None:
        """Add tabs for views."""
        self.names = tuple(dict.fromkeys([*names, *self.names] if first else [*self.names, *names]))
