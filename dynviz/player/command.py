"""The command line that exports the current picture."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.recording import open_all


@frozen
class Picture:
    """What is shown, in the terms of `dynviz export`.

    Attributes:
        sources: The sources of the recordings.
        view: A name with options, or a path.
        panel: The title or number of the only panel shown; empty for all.
        theme: `light` or `dark`.
        step: The step that is shown.
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
        """A name for the exported file, without a suffix."""
        run = Path(self.sources[0].partition("@")[0] if self.sources else "dynviz").absolute()
        stem = run.parent.name if (run / "run.json").exists() and run.parent.name else run.name
        panel = self.panel.partition(",")[0] if not self.panel.isdecimal() else f"panel {self.panel}"
        parts = [stem, Path(self.view.partition(":")[0]).stem, panel]
        return "-".join(part.replace(" ", "-") for part in parts if part)

    def arguments(self, target: str, steps: str = "", size: str = "", theme: str = "") -> list[str]:
        """The arguments of `dynviz`."""
        arguments = ["export", *map(_near, together(self.sources)), target, "--view", self.view]
        for option, value in (("--panel", self.panel), ("--steps", steps), ("--size", size), ("--theme", theme)):
            arguments += [option, value] if value else []
        return arguments

    def still(self) -> str:
        """The command line that exports the current picture."""
        target = f"{self.name}-{self.step}.png"
        return shlex.join(["dynviz", *self.arguments(target, str(self.step), theme=self.theme)])


def together(sources: Sequence[str]) -> tuple[str, ...]:
    """The run instead of its recordings, if they are all of its recordings in order."""
    runs = {str(Path(source).parent) for source in sources}
    if len(runs) != 1:
        return tuple(sources)
    try:
        whole = open_all(runs)
    except DynvizError:
        return tuple(sources)
    return tuple(runs) if [recording.source for recording in whole] == list(sources) else tuple(sources)


def panel_name(titles: Sequence[str], index: int) -> str:
    """The name of a panel on the command line: its title, or its number if the title is not unique.

    >>> panel_name(["prediction", "prediction", "loss"], 1), panel_name(["loss", "scale"], 1)
    ('2', 'scale')
    """
    title = titles[index]
    return title if titles.count(title) == 1 and not title.isdecimal() and title else str(index + 1)


def _near(source: str) -> str:
    """The path, relative to the working directory if it is inside it."""
    path = os.path.relpath(source)
    return source if path.startswith("..") else path
