"""Optimizers compared on scenarios with the hyperparameters that were given."""

import itertools
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dynviz import training
from dynviz.comparison.rows import Row, row_of, state_bytes
from dynviz.comparison.targets import Target, lane_results
from dynviz.errors import DynvizError, in_words
from dynviz.plugins.trust import Trusted
from dynviz.recording import Run, disk, files
from dynviz.recording.metadata import Metadata
from dynviz.sweeps.work import finished

TIMES = "times.json"
"""The file in which a comparison keeps how long steps took, which recordings do not hold."""


class Watch:
    """Measures how long training takes, and reports its progress; a `Progress` of training."""

    def __init__(self, report: Callable[[float], None]) -> None:
        self.seconds = 0.0
        self.before = 0
        """Steps that were there before: those of a run that is continued."""
        self._report = report
        self._begun = time.perf_counter()

    def does(self, words: str) -> None:
        """Ignore work before training, which is not timed."""

    def begin(self, folder: Path, recordings: Sequence[Metadata], steps_done: Sequence[int]) -> None:  # noqa: ARG002
        self.before = min(steps_done)
        self._begun = time.perf_counter()

    def move(self, label: str, step: int, loss: float, steps: int) -> None:  # noqa: ARG002
        self._report(step / steps)

    def end(self) -> None:
        self.seconds = time.perf_counter() - self._begun


def compare(
    scenarios: Sequence[str],
    optimizers: Sequence[str],
    folder: Path,
    report: Callable[[str, float], None],
    *,
    by: str = "",
    target: Target | None = None,
    trust: Trusted = (),
    **options: Any,
) -> Iterator[Row]:
    """Train scenarios with one optimizer after the other; what is there already is continued or taken as it is.

    Args:
        scenarios: As for `dynviz.run`.
        optimizers: Likewise.
        folder: The folder in which each run gets a folder.
        report: Called with the optimizer that is training and the fraction of its run that is done.
        by: The channel that optimizers are ranked by; by default the loss on unseen data, else the training loss.
        target: The value to reach.
        trust: The user's own code that may run when a run is continued.
        options: Options of `dynviz.run`, for example `seeds` and `steps`.

    Yields:
        A row for each combination; one that is refused says why, and the others continue.

    Raises:
        DynvizError: A channel to compare by is not recorded, or the file of times is damaged.
    """
    times = _Times(folder / TIMES)
    for number, (scenario, optimizer) in enumerate(itertools.product(scenarios, optimizers), 1):
        watch = Watch(lambda share, optimizer=optimizer: report(optimizer, share))  # type: ignore[misc]
        report(optimizer, 0.0)
        named = (scenario, optimizer) if len(scenarios) > 1 else (optimizer,)
        out = folder / "-".join([f"{number:02}", *map(_file_name, named)])
        try:
            if not finished(out):
                if out.exists():
                    training.resume(out, trust=trust, progress=watch)
                else:
                    training.run(scenario, optimizer, out=out, progress=watch, **options)
                times.keep(out.name, watch)
            recording = Run(out).recordings[0]
        except Exception as error:  # a rule is anybody's code
            begun = str(out) if out.exists() else ""
            yield Row(optimizer, refused=in_words(error), scenario=scenario, folder=begun)
            continue
        lanes = len(recording.seeds)
        yield row_of(
            optimizer,
            lane_results(recording, by, target),
            microseconds=times.microseconds(out.name) / lanes,
            state_bytes=state_bytes(recording) // lanes,
            folder=str(recording.folder.parent),
            fallback=recording.metadata.fallback,
            scenario=scenario,
        )


class _Times:
    """How long a step of each run takes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._known: dict[str, float] = {name: float(value) for name, value in json.loads(files.read(file)).items()}
        except FileNotFoundError:
            self._known = {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DynvizError(f"cannot read {file}: {error}; remove it, and times are left out") from error

    def keep(self, name: str, watch: Watch) -> None:
        """Keep the time of a run that has just been finished."""
        steps = Run(self._file.parent / name).recordings[0].total - watch.before
        self._known[name] = 1e6 * watch.seconds / steps
        with disk.replacing(self._file) as file:
            file.write(json.dumps(self._known, indent=1).encode())

    def microseconds(self, name: str) -> float:
        """Of a step of all lanes; NaN where the process was killed before it could write that down."""
        return self._known.get(name, math.nan)


def _file_name(text: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_.+" else "-" for sign in text)
