"""The views available for recordings: those that scenarios suggest, and any others that open."""

from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from dynviz import plugins
from dynviz.animation.drawing import ANYWHERE, open_film, suggested
from dynviz.player.work import Work
from dynviz.recording import Recording, Snapshot


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
        self._trying = False
        self._unsuited: set[str] = set()

    def suggest(self, recordings: Sequence[Recording]) -> None:
        """Add the views that scenarios suggest, and schedule all others to be tried again."""
        self._unsuited.clear()
        self.add(*self._asked, *suggested(recordings), *self.names, first=True)
        self._trying = False
        self.untried = [name for name in plugins.files("views") if name not in self.names]

    def add(self, *names: str, first: bool = False) -> None:
        """Add tabs for views."""
        self.names = tuple(dict.fromkeys([*names, *self.names] if first else [*self.names, *names]))

    def instead_of(self, view: str, before: str = "") -> str:
        """Take the tab from a view that does not suit; returns the view to show, `before` if it can be, "" for none."""
        self._unsuited.add(view)
        left = [name for name in (before, *self.names, ANYWHERE) if name and name not in self._unsuited]
        if left:
            self.names = tuple(name for name in self.names if name != view)
            self.add(left[0])
        return left[0] if left else ""

    @property
    def untested(self) -> bool:
        """Whether there is a view to try now."""
        return bool(self.untried) and not self._trying

    def try_one(self, recordings: Sequence[Recording], work: Work) -> None:
        """Try an untried view; if it opens, it gets a tab."""
        self._trying, untried = True, self.untried
        name = untried.pop(0)

        def take(opened: Future[Any]) -> None:
            # By now, other recordings may be shown.
            if self.untried is untried:
                self._trying = False
                if opened.exception() is None:
                    self.add(name)

        work("try", partial(open_film, [Snapshot(recording) for recording in recordings], name), take)
