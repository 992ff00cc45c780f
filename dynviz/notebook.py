"""How runs and sweeps go, shown in the notebook whose cell trains them. Importing this module in one turns it on."""

import html
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynviz.recording.metadata import Metadata
from dynviz.sweeps import progress as follow
from dynviz.sweeps.jobs import Job
from dynviz.sweeps.pool import JobReport
from dynviz.training import session

SECONDS = 0.2
"""Between two updates of the cell."""


@dataclass
class ProgressRow:
    """How far one recording, or a whole sweep, is.

    Attributes:
        label: What it is.
        total: The number of steps, or of jobs.
        done: How many of them are done.
        words: What stands behind the bar.
    """

    label: str
    total: int
    done: int = 0
    words: str = ""


class ProgressTable:
    """What the cell shows: a bar and some words for each."""

    def __init__(self, bars: Sequence[ProgressRow]) -> None:
        self.bars = bars

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        lines = (f"{bar.label}: {bar.done} of {bar.total}{bar.words}" for bar in self.bars)
        rows = (
            f"<tr><td>{html.escape(bar.label)}</td><td><progress value='{bar.done}' max='{bar.total}'></progress></td>"
            f"<td>{bar.done} of {bar.total}{html.escape(bar.words)}</td></tr>"
            for bar in self.bars
        )
        return {"text/plain": "\n".join(lines), "text/html": f"<table>{''.join(rows)}</table>"}


class Cell:
    """The output of the cell that runs; it is drawn again as things move on."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._drawn = 0.0

    def show(self, bars: Sequence[ProgressRow]) -> None:
        """Begin."""
        from IPython.display import display

        self._handle = display(ProgressTable(bars), display_id=True)  # type: ignore[no-untyped-call]

    def update(self, bars: Sequence[ProgressRow], *, now: bool = False) -> None:
        """Draw again, unless that was done a moment ago."""
        if self._handle is not None and (now or time.monotonic() - self._drawn > SECONDS):
            self._drawn = time.monotonic()
            self._handle.update(ProgressTable(bars))


class NotebookProgress(session.SilentProgress):
    """How a run goes: a bar for each recording."""

    def __init__(self) -> None:
        self._cell = Cell()
        self._bars: dict[str, ProgressRow] = {}
        self._begun = (0.0, 0)

    def begin(self, folder: Path, recordings: Sequence[Metadata], steps_done: Sequence[int]) -> None:  # noqa: ARG002
        self._begun = time.monotonic(), min(steps_done)
        self._bars = {
            metadata.label: ProgressRow(metadata.label, metadata.steps, done)
            for metadata, done in zip(recordings, steps_done, strict=True)
        }
        self._cell.show(list(self._bars.values()))

    def move(self, label: str, step: int, loss: float, steps: int) -> None:
        since, first = self._begun
        rate = (step - first) / max(time.monotonic() - since, 1e-9)
        bar = self._bars[label]
        bar.done, bar.total, bar.words = step, steps, f" steps, {rate:.0f} steps/s, loss {loss:.4g}"
        self._cell.update(list(self._bars.values()))

    def end(self) -> None:
        self._cell.update(list(self._bars.values()), now=True)


class NotebookListener(follow.SilentListener):
    """How a sweep goes: one bar of jobs."""

    def __init__(self) -> None:
        self._cell = Cell()
        self._bar = ProgressRow("sweep", 1)
        self._failed = 0

    def begin(self, folder: Path, jobs: Sequence[Job], finished: int) -> None:
        self._bar = ProgressRow(folder.name, len(jobs), finished, " jobs")
        self._cell.show([self._bar])

    def hear(self, report: JobReport) -> None:
        if report.kind in ("finished", "failed"):
            self._bar.done += 1
            self._failed += report.kind == "failed"
            self._bar.words = f" jobs, {self._failed} failed" if self._failed else " jobs"
        self._cell.update([self._bar])

    def end(self) -> None:
        self._cell.update([self._bar], now=True)


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this, and not a script or a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")


if in_notebook():
    session.default_progress = NotebookProgress
    follow.default_listener = NotebookListener
