"""What came of comparing two sides: the first difference, the largest, and the gap between them at each step."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.difference.ulps import ulps
from dynviz.frozen import frozen

Array: TypeAlias = NDArray[Any]

PARAMETERS = "parameters"


@frozen(kw_only=True)
class Difference:
    """One number that two sides have otherwise.

    Attributes:
        step: The step after which they have it.
        what: The parameter, or channel.
        index: Where in it.
        values: Of both sides.
        ulps: How many representable numbers lie between.
    """

    step: int
    what: str
    index: tuple[int, ...]
    values: tuple[float, float]
    ulps: int

    @property
    def relative(self) -> float:
        """The difference as a share of the larger value."""
        one, other = self.values
        return abs(one - other) / max(abs(one), abs(other)) if one != other else 0.0


@dataclass(kw_only=True)
class SideBySide:
    """What came of comparing two sides.

    Attributes:
        steps: How many were compared.
        first: The first difference beyond what is allowed; None if there is none.
        largest: The largest one, by its share of the value.
        term: The first term that differs, with its step; empty where none does, or they have none in common.
        state: The first state tensor that differs, with its step.
        gaps: The largest difference at each of `gap_steps`, as a share of the largest number.
        gap_steps: The steps of the gaps.
        gaps_of: The channel whose gaps they are; of optimizers the parameters.
        values: Of the number that differs first, on both sides, at each of `value_steps` [2].
        value_steps: The steps of the values.
        notes: What else is to be known, such as other dtypes.
    """

    steps: int = 0
    first: Difference | None = None
    largest: Difference | None = None
    term: tuple[str, int] | None = None
    state: tuple[str, int] | None = None
    gaps: list[float] = field(default_factory=list)
    gap_steps: list[int] = field(default_factory=list)
    gaps_of: str = PARAMETERS
    values: list[tuple[float, float]] = field(default_factory=list)
    value_steps: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@frozen
class Allowance:
    """How far numbers may be apart and count as equal.

    Attributes:
        ulps: In units in the last place.
        rtol: As a share of the larger one.
    """

    ulps: int = 0
    rtol: float = 0.0

    def exceeded(self, one: Array, other: Array) -> NDArray[np.bool_]:
        """Where two arrays differ by more."""
        if not self.rtol:
            return np.asarray(ulps(one, other) > self.ulps)
        with np.errstate(invalid="ignore"):
            near = np.abs(one - other) <= self.rtol * np.maximum(np.abs(one), np.abs(other))
        return np.asarray(~(near | (ulps(one, other) <= self.ulps)))


def shares(one: Array, other: Array, apart: NDArray[np.bool_]) -> Array:
    """Differences as shares of the larger value, where they count; one to NaN is infinite."""
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.abs(one - other) / np.maximum(np.abs(one), np.abs(other))
    return np.asarray(np.where(apart, np.nan_to_num(relative, nan=np.inf), 0.0))


def gap(one: Array, other: Array) -> float:
    """The largest difference of two arrays, as a share of the largest number of the first; what is NaN counts not."""
    with np.errstate(invalid="ignore"):
        most = float(np.nanmax(np.abs(one - other), initial=0.0))
    return most / max(float(np.nanmax(np.abs(one), initial=0.0)), 1e-300)


def growth(gaps: list[float]) -> Iterator[tuple[int, float]]:
    """The largest gap so far at steps 1, 2, 4, 8, ... and the last."""
    step = 1
    while step < len(gaps):
        yield step, max(gaps[:step])
        step *= 2
    if gaps:
        yield len(gaps), max(gaps)
