"""Optimizers compared on scenarios: the loss they reach, the time of a step, and the size of their state."""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dynviz import training
from dynviz.charts.trend import middle_of_all
from dynviz.errors import in_words
from dynviz.recording import Recording
from dynviz.recording.metadata import Metadata
from dynviz.rule import NOISE
from dynviz.sweeps.table import LAST, UNSEEN
from dynviz.training.trees import from_arrays


@dataclass(frozen=True)
class Row:
    """What one optimizer came to.

    Attributes:
        optimizer: As it was asked for.
        loss: At the end, the median over the lanes; one that diverged counts as infinite.
        spread: Lower and upper quartile, likewise.
        validation: The loss on unseen data at the end, likewise; NaN where the scenario measures none.
        diverged: How many lanes diverged.
        lanes: How many there were.
        microseconds: Of wall time, a lane and step, recording included.
        state_bytes: What the optimizer keeps between steps beside the parameters, a lane, in their precision.
        folder: The run's.
        refused: Why it did not run; empty where it did.
        fallback: What it does where it is not made for a parameter's shape; empty where it is.
        scenario: On which, as it was asked for.
    """

    optimizer: str
    loss: float = math.inf
    spread: tuple[float, float] = (math.inf, math.inf)
    validation: float = math.nan
    diverged: int = 0
    lanes: int = 0
    microseconds: float = math.nan
    state_bytes: int = 0
    folder: str = ""
    refused: str = ""
    fallback: str = ""
    scenario: str = ""

    def to_json(self) -> dict[str, Any]:
        """A tree without what JSON cannot hold: a number that is not finite is null."""
        tree = {"scenario": self.scenario, **asdict(self)}
        low, high = tree.pop("spread")
        tree |= {"loss_low": low, "loss_high": high}
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in tree.items()
        }


class Watch:
    """Times how long training takes, and tells how far it is; a `Progress` of training."""

    def __init__(self, told: Callable[[float], None]) -> None:
        self.seconds = 0.0
        self._told = told
        self._steps, self._begun = 1, time.perf_counter()

    def does(self, words: str) -> None:
        """What is done before training is not timed."""

    def begin(self, folder: Path, recordings: Sequence[Metadata], steps_done: Sequence[int]) -> None:  # noqa: ARG002
        self._steps, self._begun = recordings[0].steps, time.perf_counter()

    def move(self, label: str, step: int, loss: float) -> None:  # noqa: ARG002
        self._told(step / self._steps)

    def end(self) -> None:
        self.seconds = time.perf_counter() - self._begun


def compare(
    scenarios: Sequence[str],
    optimizers: Sequence[str],
    folder: Path,
    told: Callable[[str, float], None],
    **options: Any,
) -> Iterator[Row]:
    """Train scenarios with one optimizer after the other.

    Args:
        scenarios: As for `dynviz.run`.
        optimizers: Likewise.
        folder: Where the runs go, one folder each.
        told: Hears which optimizer is at work, and which share of it is done.
        options: Of `dynviz.run`, for example `seeds`, `steps`.

    Yields:
        A row for each; one that is refused says why, and the others go on.
    """
    for number, (scenario, optimizer) in enumerate(itertools.product(scenarios, optimizers), 1):
        watch = Watch(lambda share, optimizer=optimizer: told(optimizer, share))  # type: ignore[misc]
        told(optimizer, 0.0)
        named = (scenario, optimizer) if len(scenarios) > 1 else (optimizer,)
        out = folder / "-".join([f"{number:02}", *map(_file_name, named)])
        try:
            run = training.run(scenario, optimizer, out=out, progress=watch, **options)
        except Exception as error:  # a rule is anybody's code
            yield Row(optimizer, refused=in_words(error), scenario=scenario)
            continue
        yield replace(row(optimizer, next(iter(run.values())), watch.seconds), scenario=scenario)


def _file_name(text: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_.+" else "-" for sign in text)


def row(optimizer: str, recording: Recording, seconds: float) -> Row:
    """What a finished recording comes to."""
    lanes = len(recording.seeds)
    diverged = sorted({event.lane for event in recording.events() if event.kind == "diverged"})

    def quartiles(values: NDArray[np.float64]) -> list[float]:
        values[diverged] = np.inf
        return [float(value) for value in middle_of_all(values[None])[:, 0]]

    losses = recording["loss"][-max(1, int(LAST * len(recording["loss"]))) :]
    with np.errstate(invalid="ignore", over="ignore"):
        low, middle, high = quartiles(losses.mean(axis=0, dtype=np.float64))
    unseen = next((recording[name][-1] for name in UNSEEN if name in recording), None)
    return Row(
        optimizer,
        middle,
        (low, high),
        math.nan if unseen is None else quartiles(unseen.astype(np.float64))[1],
        len(diverged),
        lanes,
        1e6 * seconds / lanes / recording.total,
        _state_bytes(recording) // lanes,
        str(recording.folder.parent),
        fallback=recording.metadata.fallback,
    )


def sorted_rows(rows: Sequence[Row]) -> list[Row]:
    """The best first, those of which half the lanes diverged after them, those that did not run last."""
    return sorted(rows, key=lambda row: (bool(row.refused), row.loss, row.diverged))


def _state_bytes(recording: Recording) -> int:
    """The size of the optimizer's tensors in the last checkpoint, all in the precision of the parameters.

    What an optimizer keeps in float64 only for the sake of its own arithmetic is not charged to the method.
    """
    checkpoints = recording.checkpoints()
    if not checkpoints:
        return 0
    tree = from_arrays(recording.checkpoint(checkpoints[-1]), torch.device("cpu"))
    return sum(_bytes(stack["optimizer"], stack["theta"].itemsize) for stack in tree["crew"])


def _bytes(node: Any, size: int) -> int:
    if isinstance(node, torch.Tensor):
        return node.numel() * (size if node.is_floating_point() else node.itemsize)
    if isinstance(node, Mapping):
        # Noise is in the state and kept from no step to the next.
        node = [value for key, value in node.items() if key != NOISE]
    return sum(_bytes(part, size) for part in node) if isinstance(node, list | tuple) else 0
