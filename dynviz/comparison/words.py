"""A comparison in words and columns."""

import itertools
import math
from collections.abc import Iterator, Sequence

from dynviz.charts.numbers import significant
from dynviz.comparison.rows import Row
from dynviz.comparison.statistics import Estimate


def sentences(rows: Sequence[Row]) -> Iterator[str]:
    """What the differences to the best optimizer say, for the rows of one scenario, the best first."""
    compared = [row for row in rows if row.difference is not None]
    if not compared:
        return
    best = rows[0]
    seeds = best.lanes // best.studies
    many = f"{seeds} seeds" + (f" in {best.studies} studies" if best.studies > 1 else "")
    if seeds > 1 and all(row.interval is not None and row.interval.low == row.interval.high for row in rows):
        yield f"All {many} gave the same results: nothing here depends on the seed, so no noise can be judged."
        return
    within = [row for row in compared if row.verdict == "within noise"]
    worse = [row for row in compared if row.verdict == "worse"]
    if within:
        yield f"Within the noise of {best.optimizer}, the best ({many}): {_listed(within)}."
    if worse:
        yield f"Worse than {best.optimizer} beyond the noise ({many}): {_listed(worse)}."
    if not within and not worse:
        yield f"With {many}, no difference to {best.optimizer} can be told from noise; that takes at least 6 seeds."


def _listed(rows: Sequence[Row]) -> str:
    return "; ".join(f"{row.optimizer} by {difference(row)}" for row in rows)


def difference(row: Row) -> str:
    """The paired difference to the best optimizer, with its interval; empty for the best itself."""
    if row.difference is None:
        return ""
    middle = row.difference
    value, low, high = map(significant, (middle.value, middle.low, middle.high))
    return f"{value} ({low} to {high})"


def number(value: float) -> str:
    """A value of a table; what is infinite diverged."""
    return "" if math.isnan(value) else "diverged" if math.isinf(value) else significant(value)


def correlation(row: Row) -> str:
    """The correlation with the best optimizer; empty for the best itself, and where it is not defined."""
    return "" if math.isnan(row.correlation) else f"{row.correlation:.2f}"


def interval(estimate: Estimate | None) -> str:
    """The interval of a median; empty where all values are equal."""
    if estimate is None or not estimate.low < estimate.high:
        return ""
    return f"{number(estimate.low)} to {number(estimate.high)}"


def to_target(row: Row) -> str:
    """The median of the steps to the target, and how many lanes reached it."""
    middle = "missed" if math.isinf(row.target_steps) else significant(row.target_steps)
    return middle if row.reached == row.lanes else f"{middle} ({row.reached} of {row.lanes})"


def columns(rows: Sequence[Row], *, wide: bool) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The header of a table, and its rows: a name, then numbers.

    Args:
        rows: The rows of one or several scenarios.
        wide: Whether there is room for the differences, which are told in sentences otherwise, and for the correlations
            with the best optimizer.
    """
    from rich import filesize

    measures = list(dict.fromkeys(row.measure for row in rows))
    lossy = measures != ["loss"]
    targeted = any(not math.isnan(row.target_steps) for row in rows)
    header = ["optimizer", measures[0] if len(measures) == 1 else "result", "95 % interval"]
    header += ["loss"] * lossy + ["diverged"] + ["steps to target"] * targeted
    header += ["difference to the best", "correlation", "verdict"] * wide + ["µs/step", "state"]
    cells = []
    for row in rows:
        value = row.interval.value if row.interval else math.inf
        cells.append(
            (
                row.optimizer,
                number(value),
                interval(row.interval),
                *[number(row.loss)] * lossy,
                f"{row.diverged} of {row.lanes}" if row.diverged else "",
                *[to_target(row)] * targeted,
                *[difference(row), correlation(row), row.verdict] * wide,
                significant(row.microseconds) if math.isfinite(row.microseconds) else "",
                filesize.decimal(row.state_bytes) if row.state_bytes else "0",
            )
        )
    return tuple(header), cells


def by_scenario(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each scenario."""
    for scenario, group in itertools.groupby(rows, key=lambda row: row.scenario):
        yield scenario, list(group)
