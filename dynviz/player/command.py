"""The command that makes the picture that is shown."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording import open_all


@dataclass(frozen=True)
class Picture:
    """What is shown, as `dynviz export` is told.

    Attributes:
        sources: Of the recordings.
        view: A name with options, or a path.
        panel: The title or the number of a panel alone; empty for all.
        theme: `light` or `dark`.
        step: Which one is shown.
        recorded: The newest step.
    """

    sources: tuple[str, ...]
    view: str
    panel: str
    theme: str
    step: int
    recorded: int

    @property
    def name(self) -> str:
        """A name for a file of it, without a suffix."""
        run = Path(self.sources[0].partition("@")[0] if self.sources else "dynviz").absolute()
        stem = run.parent.name if (run / "run.json").exists() and run.parent.name else run.name
        panel = self.panel.partition(",")[0] if not self.panel.isdecimal() else f"panel {self.panel}"
        parts = [stem, Path(self.view.partition(":")[0]).stem, panel]
        return "-".join(part.replace(" ", "-") for part in parts if part)

    def arguments(self, target: str, steps: str = "", size: str = "", theme: str = "") -> list[str]:
        """What comes after `dynviz`."""
        found = ["export", *map(_near, together(self.sources)), target, "--view", self.view]
        for option, value in (("--panel", self.panel), ("--steps", steps), ("--size", size), ("--theme", theme)):
            found += [option, value] if value else []
        return found

    def still(self) -> str:
        """The command, as it is typed, that draws the picture as it is now."""
        target = f"{self.name}-{self.step}.png"
        return shlex.join(["dynviz", *self.arguments(target, str(self.step), theme=self.theme)])


def together(sources: Sequence[str]) -> tuple[str, ...]:
    """The run for its recordings, where they are all of them and in their order."""
    runs = {str(Path(source).parent) for source in sources}
    if len(runs) != 1:
        return tuple(sources)
    try:
        whole = open_all(runs)
    except DynvizError:
        return tuple(sources)
    return tuple(runs) if [each.source for each in whole] == list(sources) else tuple(sources)


def panel_name(titles: Sequence[str], index: int) -> str:
    """What a panel is asked for by: its title, or its number where others have the same.

    >>> panel_name(["prediction", "prediction", "loss"], 1), panel_name(["loss", "scale"], 1)
    ('2', 'scale')
    """
    title = titles[index]
    return title if titles.count(title) == 1 and not title.isdecimal() and title else str(index + 1)


def _near(source: str) -> str:
    """The path as it is shortest: from here, where it is below."""
    path = os.path.relpath(source)
    return source if path.startswith("..") else path
