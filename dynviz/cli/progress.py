"""Progress on stderr: bars in a terminal, lines elsewhere."""

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich import filesize
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from dynviz.charts.caption import several
from dynviz.cli.console import console
from dynviz.cli.say import say
from dynviz.recording.metadata import Hyperparameter, Lane, Metadata, Origin

ORIGINS = {"given": "given", "protocol": "set by scenario", "default": "default"}
"""Where a hyperparameter came from, in words."""
LINE_SECONDS = 10.0
"""Seconds between progress lines where there is no terminal."""


class _Narrow:
    """Content that leaves room at the right edge, where a terminal that echoes ^C would break the line."""

    def __init__(self, content: RenderableType) -> None:
        self._content = content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self._content, options.update_width(max(options.max_width - 5, 20)))


class _Bars(Progress):
    def get_renderables(self) -> Iterable[RenderableType]:
        yield _Narrow(self.make_tasks_table(self.tasks))


class TrainingProgress:
    """Progress of training: a bar for each recording, with steps/s, loss and time left."""

    def __init__(self) -> None:
        self._console = console()
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, tuple[float, int]] = {}
        self.folder: Path | None = None
        self._last_line = 0.0

    def does(self, words: str) -> None:
        """Name what happens before training starts."""
        say(words)

    def begin(self, folder: Path, recordings: Sequence[Metadata], steps_done: Sequence[int]) -> None:
        """Print what will be trained and written, and start the bars."""
        self.folder = folder
        first = recordings[0]
        given = ", ".join(f"{name} {_shown(value)}" for name, value in first.scenario.given.items())
        seeds = sorted(set(first.seeds))
        told = f"seed{'s' * (len(seeds) > 1)} {_ranges(seeds)}"
        lanes = f"{len(first.lanes)} lanes ({told})" if len(first.lanes) > 1 else told
        size = sum(sum(recording.channel_bytes.values()) for recording in recordings)
        where = f"{first.device} ({first.device_name})" if first.device_name else first.device
        say(
            f"{first.scenario.name}{' with ' + given if given else ''}: {first.steps} steps, {lanes}, on {where}; "
            f"writes up to {filesize.decimal(size)} and checkpoints to {folder}"
        )
        for recording in recordings:
            say(f"  {recording.label}: {describe(recording.hyperparameters, recording.lanes)}")
            if recording.origin is not None:
                say(f"  {recording.label} continues {forked(recording.origin)}")
            if recording.fallback:
                say(f"  {recording.label} takes {recording.fallback}")
        now = self._last_line = time.monotonic()
        for recording, done in zip(recordings, steps_done, strict=True):
            self._begun[recording.label] = (now, done)
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
            for recording, done in zip(recordings, steps_done, strict=True):
                self._tasks[recording.label] = self._bars.add_task(
                    recording.label, total=recording.steps, completed=done, rate="", loss=""
                )
            self._bars.start()

    def move(self, label: str, step: int, loss: float, steps: int) -> None:
        """Show how far a recording is."""
        now = time.monotonic()
        since, first = self._begun[label]
        rate = (step - first) / max(now - since, 1e-9)
        if self._bars is not None:
            bar = self._tasks[label]
            self._bars.update(bar, completed=step, total=steps, rate=f"{rate:.0f} steps/s", loss=f"loss {loss:.4g}")
        elif now - self._last_line > LINE_SECONDS or step == steps:
            self._last_line = now
            left = (steps - step) / max(rate, 1e-9)
            say(f"{label}: step {step} of {steps}, {rate:.0f} steps/s, loss {loss:.4g}, {left:.0f} s left")

    def end(self) -> None:
        """Leave the bars as they are."""
        if self._bars is not None:
            self._bars.stop()


class ExportReports(contextlib.nullcontext["ExportReports"]):
    """Progress of an export, for the program that started it: a line of JSON for each frame."""

    def __init__(self, descriptor: int) -> None:
        """Write to an open file."""
        super().__init__(self)
        self._descriptor = descriptor

    def __call__(self, done: int, count: int) -> None:
        """Report that `done` of `count` frames are drawn; the reader may have gone."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, json.dumps({"done": done, "count": count}).encode() + b"\n")


class ExportProgress:
    """Progress of an export: frames drawn, or what else is counted."""

    def __init__(self, name: str, counted: str = "frames") -> None:
        self._name, self._counted = name, counted
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
                *columns, TextColumn(self._counted), TimeRemainingColumn(compact=True), console=self._console
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


def forked(origin: Origin) -> str:
    """Where a fork comes from, what is different, and what became of the optimizer's state.

    >>> forked(Origin(folder="/a/adam", sha256="", step=9, lanes=(0,), changes={"lr": "0.1"}, state={"m": "kept"}))
    '/a/adam from step 9 with lr 0.1 (state: m kept)'
    """
    changes = ", ".join(f"{name} {value}" for name, value in origin.changes.items()) or "nothing changed"
    state = ", ".join(f"{name} {fate}" for name, fate in origin.state.items()) or "none"
    inexact = f"; inexact: {origin.inexact}" if origin.inexact else ""
    return f"{origin.folder} from step {origin.step} with {changes} (state: {state}){inexact}"


def describe(values: Mapping[str, Hyperparameter], lanes: Sequence[Lane] = ()) -> str:
    """All hyperparameters by origin: given by the user, set by the scenario, or the rule's defaults.

    >>> describe({"lr": Hyperparameter(0.01, "protocol"), "eps": Hyperparameter(1e-8, "default")})
    'set by scenario: lr 0.01; default: eps 1e-08'
    >>> describe({"lr": Hyperparameter(0.1, "given")}, [Lane(0, {"lr": 0.1}), Lane(0, {"lr": 0.2})])
    'given: lr 0.1 or 0.2'
    """
    groups = []
    for source, words in ORIGINS.items():
        named = ", ".join(
            f"{name} {_of_lanes(name, value, lanes)}" for name, value in values.items() if value.source == source
        )
        if named:
            groups.append(f"{words}: {named}")
    return "; ".join(groups)


def _of_lanes(name: str, value: Hyperparameter, lanes: Sequence[Lane]) -> str:
    """The value of a hyperparameter, or the values that lanes have."""
    own = list(dict.fromkeys(lane.hyperparameters.get(name, value.value) for lane in lanes)) or [value.value]
    return several(own) if len(own) > 1 else _shown(own[0])


def _shown(value: object) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _ranges(seeds: Sequence[int]) -> str:
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(str(seed) for seed in seeds)
