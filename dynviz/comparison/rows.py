"""The rows of a comparison: what one optimizer reaches on one scenario, and how far that is from the best."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import torch

from dynviz.charts.trend import middle_of_all
from dynviz.comparison.statistics import Estimate, bootstrap_interval, correlation, median, paired_difference
from dynviz.comparison.targets import LaneResult
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.rule import NOISE
from dynviz.training.trees import from_arrays

Verdict: TypeAlias = Literal["", "best", "worse", "within noise", "too few seeds"]


@frozen
class Row:
    """The result of one optimizer on one scenario.

    Attributes:
        optimizer: The optimizer as given.
        loss: Final loss, the median over the lanes; a lane that diverged counts as infinite.
        spread: Lower and upper quartile of the final loss.
        validation: Final loss on unseen data, likewise; NaN if the scenario measures none.
        diverged: Number of lanes that diverged.
        lanes: Number of lanes.
        microseconds: Wall time per lane and step, recording included.
        state_bytes: Size of the optimizer's state per lane, in the precision of the parameters.
        folder: The folder of the run; empty if it did not begin.
        refused: Why it did not run to its end; empty if it did.
        fallback: What it does with parameters of unsupported shapes; empty if there are none.
        scenario: The scenario as given.
        measure: The channel that optimizers are ranked by.
        higher: Whether higher values of it are better.
        values: Its final value in each lane, by study and then by seed; infinite (of a measure of which higher is
            better, minus infinity) where the lane diverged.
        studies: The number of studies; each has tuned the optimizer anew.
        interval: Median of the values, with its bootstrap interval over studies and seeds.
        difference: The median of the paired differences to the best optimizer, with its interval; above 0 is worse.
        correlation: Correlation of the values with those of the best optimizer, over pairs that are finite.
        verdict: What the difference says.
        reached: Number of lanes that reached the target.
        target_steps: Median number of steps to the target; infinite if half of the lanes missed it, NaN without one.
        settings: The settings that were chosen by tuning, one for each study.
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
    measure: str = "loss"
    higher: bool = False
    values: tuple[float, ...] = ()
    studies: int = 1
    interval: Estimate | None = None
    difference: Estimate | None = None
    correlation: float = math.nan
    verdict: Verdict = ""
    reached: int = 0
    target_steps: float = math.nan
    settings: tuple[str, ...] = ()

    @property
    def cost(self) -> float:
        """The median of the values, lower being better; infinite if there is none."""
        if self.interval is None:
            return math.inf
        return -self.interval.value if self.higher else self.interval.value

    def to_json(self) -> dict[str, Any]:
        """A tree of JSON values: a number that is not finite becomes null."""
        tree = {"scenario": self.scenario, **asdict(self)}
        low, high = tree.pop("spread")
        tree |= {"loss_low": low, "loss_high": high}
        tree |= _flat("value", tree.pop("interval")) | _flat("difference", tree.pop("difference"))
        tree["values"], tree["settings"] = [_plain(value) for value in self.values], list(self.settings)
        return {key: _plain(value) for key, value in tree.items()}


def _flat(name: str, estimate: Mapping[str, float] | None) -> dict[str, float]:
    known = estimate or dict.fromkeys(("value", "low", "high"), math.nan)
    return {name: known["value"], f"{name}_low": known["low"], f"{name}_high": known["high"]}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def row_of(optimizer: str, results: Sequence[LaneResult], studies: int = 1, **more: Any) -> Row:
    """The row of lanes that trained to their end.

    Args:
        optimizer: The optimizer as given.
        results: The results of its lanes, by study and then by seed.
        studies: The number of studies.
        more: Further fields of the row.
    """
    first = results[0]
    losses = np.array([math.inf if result.diverged else result.loss for result in results])
    low, middle, high = (float(value) for value in middle_of_all(losses[None])[:, 0])
    unseen = np.array([result.validation for result in results])
    unseen[[result.diverged and not math.isnan(result.validation) for result in results]] = math.inf
    costs = np.array([result.cost for result in results])
    interval = bootstrap_interval(costs.reshape(studies, -1) if studies > 1 else costs)
    steps = np.array([result.reached for result in results])
    return Row(
        optimizer,
        middle,
        (low, high),
        math.nan if np.isnan(unseen).any() else float(middle_of_all(unseen[None])[1, 0]),
        sum(result.diverged for result in results),
        len(results),
        measure=first.measure,
        higher=first.higher,
        values=tuple(float(-cost if first.higher else cost) for cost in costs),
        studies=studies,
        interval=_turned(interval) if first.higher else interval,
        reached=int(np.isfinite(steps).sum()),
        target_steps=math.nan if np.isnan(steps).any() else float(median(steps)),
        **more,
    )


def _turned(estimate: Estimate) -> Estimate:
    """The estimate of the negated values."""
    return replace(estimate, value=-estimate.value, low=-estimate.high, high=-estimate.low)


def against_best(rows: Sequence[Row]) -> list[Row]:
    """Sort the rows of each scenario, the best first, and compare each row with the best one, seed by seed."""
    scenarios = dict.fromkeys(row.scenario for row in rows)
    return list(
        itertools.chain.from_iterable(
            _compared(sorted_rows([row for row in rows if row.scenario == scenario])) for scenario in scenarios
        )
    )


def _compared(rows: Sequence[Row]) -> list[Row]:
    best = rows[0]
    if best.interval is None:
        return list(rows)
    return [replace(best, verdict="best"), *(_beside(row, best) for row in rows[1:])]


def _beside(row: Row, best: Row) -> Row:
    if row.interval is None or len(row.values) != len(best.values):
        return row
    a, b = ((-1.0 if side.higher else 1.0) * np.array(side.values).reshape(side.studies, -1) for side in (row, best))
    difference = paired_difference(a, b) if row.studies > 1 else paired_difference(a[0], b[0])
    verdict: Verdict = "worse" if difference.differs else "within noise" if difference.enough else "too few seeds"
    return replace(row, difference=difference, correlation=correlation(a, b), verdict=verdict)


def sorted_rows(rows: Sequence[Row]) -> list[Row]:
    """Sort rows: the best first, then those with half of the lanes diverged, then those that did not run."""
    return sorted(rows, key=lambda row: (bool(row.refused), row.cost, row.loss, row.diverged))


def state_bytes(recording: Recording) -> int:
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
