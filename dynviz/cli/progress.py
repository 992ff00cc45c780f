"""What the commands say while they work, on stderr: bars in a terminal, lines elsewhere."""

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich import filesize
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from dynviz.cli.console import console
from dynviz.cli.say import say
from dynviz.recording.metadata import Hyperparameter, Metadata

LINE_SECONDS = 10.0
"""Between lines where there is no terminal."""


class _Narrow:
    """The same a little narrower: a terminal that echoes ^C at its right edge would break the line."""

    def __init__(self, content: RenderableType) -> None:
        self._content = content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self._content, options.update_width(max(options.max_width - 5, 20)))


class _Bars(Progress):
    def get_renderables(self) -> Iterable[RenderableType]:
        yield _Narrow(self.make_tasks_table(self.tasks))


class TrainingProgress:
    """How training goes: a bar for each recording, with steps/s, loss and time left."""

    def __init__(self) -> None:
        self._console = console()
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._steps: dict[str, int] = {}
        self._begun: dict[str, tuple[float, int]] = {}
        self._said = 0.0

    def does(self, words: str) -> None:
        """Say what is done before training starts."""
        say(words)

    def begin(self, folder: Path, recordings: Sequence[Metadata], steps_done: Sequence[int]) -> None:
        """Say what will be trained and written, and start the bars."""
        first = recordings[0]
        given = ", ".join(f"{name} {_shown(value)}" for name, value in first.scenario.given.items())
        lanes = (
            f"{len(first.lanes)} lanes (seeds {_ranges(first.seeds)})"
            if len(first.lanes) > 1
            else f"seed {first.seeds[0]}"
        )
        size = sum(sum(each.channel_bytes.values()) for each in recordings)
        where = f"{first.device} ({first.device_name})" if first.device_name else first.device
        say(
            f"{first.scenario.name}{' with ' + given if given else ''}: {first.steps} steps, {lanes}, on {where}; "
            f"up to {filesize.decimal(size)} and checkpoints to {folder}"
        )
        for each in recordings:
            say(f"  {each.label}: {describe(each.hyperparameters)}")
        now = self._said = time.monotonic()
        for each, done in zip(recordings, steps_done, strict=True):
            self._begun[each.label] = (now, done)
            self._steps[each.label] = each.steps
        if self._console.is_terminal:
            self._bars = _Bars(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]:>12} {task.fields[loss]:>12}"),
                TimeRemainingColumn(compact=True),
                TextColumn("left"),
                console=self._console,
            )
            for each, done in zip(recordings, steps_done, strict=True):
                self._tasks[each.label] = self._bars.add_task(
                    each.label, total=each.steps, completed=done, rate="", loss=""
                )
            self._bars.start()

    def move(self, label: str, step: int, loss: float) -> None:
        """Show how far a recording is."""
        now = time.monotonic()
        since, first = self._begun[label]
        rate = (step - first) / max(now - since, 1e-9)
        if self._bars is not None:
            self._bars.update(self._tasks[label], completed=step, rate=f"{rate:.0f} steps/s", loss=f"loss {loss:.4g}")
        elif now - self._said > LINE_SECONDS or step == self._steps[label]:
            self._said = now
            left = (self._steps[label] - step) / max(rate, 1e-9)
            say(f"{label}: step {step} of {self._steps[label]}, {rate:.0f} steps/s, loss {loss:.4g}, {left:.0f} s left")

    def end(self) -> None:
        """Leave the bars as they are."""
        if self._bars is not None:
            self._bars.stop()


class ExportReports(contextlib.nullcontext["ExportReports"]):
    """How an export goes, for the program that started it: a line of JSON for each frame."""

    def __init__(self, descriptor: int) -> None:
        """Write to an open file."""
        super().__init__(self)
        self._descriptor = descriptor

    def __call__(self, done: int, count: int) -> None:
        """Say that `done` of `count` frames are drawn; nobody may listen any more."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, json.dumps({"done": done, "count": count}).encode() + b"\n")


class ExportProgress:
    """How an export goes: frames drawn."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._console = console()
        self._bars: Progress | None = None
        self._task = TaskID(0)

    def __call__(self, done: int, count: int) -> None:
        """Show that `done` of `count` frames are drawn."""
        if not self._console.is_terminal:
            return
        if self._bars is None:
            columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=None), MofNCompleteColumn())
            self._bars = Progress(
                *columns, TextColumn("frames"), TimeRemainingColumn(compact=True), console=self._console
            )
            self._task = self._bars.add_task(self._name, total=count)
            self._bars.start()
        self._bars.update(self._task, completed=done)

    def __enter__(self) -> "ExportProgress":
        """Nothing is shown before the first frame."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the bar as it is."""
        if self._bars is not None:
            self._bars.stop()


def describe(values: Mapping[str, Hyperparameter]) -> str:
    """All hyperparameters: those written, those of the protocol, and the rule's own defaults.

    >>> describe({"lr": Hyperparameter(0.01, "protocol"), "eps": Hyperparameter(1e-8, "default")})
    'protocol: lr 0.01; default: eps 1e-08'
    """
    groups = []
    for source in ("given", "protocol", "default"):
        named = ", ".join(f"{name} {_shown(each.value)}" for name, each in values.items() if each.source == source)
        if named:
            groups.append(f"{source}: {named}")
    return "; ".join(groups)


def _shown(value: object) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _ranges(seeds: Sequence[int]) -> str:
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(str(seed) for seed in seeds)
