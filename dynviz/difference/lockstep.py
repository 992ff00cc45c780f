"""Two optimizers step by step, side by side: where they first differ, and how far they come apart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dynviz.difference.candidates import Steps, canonical
from dynviz.difference.gradients import Gradients
from dynviz.difference.ulps import ulps
from dynviz.errors import DynvizError
from dynviz.recording import Recording
from dynviz.training import devices

Array = NDArray[Any]

HISTORY = 1 << 24
"""So many parameters of steps without a difference are kept."""


@dataclass(frozen=True, kw_only=True)
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
        gaps: The largest difference at each step, as a share of the largest parameter [steps].
        values: Of the parameter that differs first, on both sides [steps, 2].
        notes: What else is to be known, such as other dtypes.
    """

    steps: int = 0
    first: Difference | None = None
    largest: Difference | None = None
    term: tuple[str, int] | None = None
    state: tuple[str, int] | None = None
    gaps: list[float] = field(default_factory=list)
    values: list[tuple[float, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
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


def in_lockstep(
    sides: tuple[Steps, Steps], gradients: Gradients, steps: int, allowed: Allowance, *, free: bool = False
) -> SideBySide:
    """Give two optimizers the same gradients, those at the first one's parameters.

    Args:
        sides: The optimizers.
        gradients: Where they come from.
        steps: How many.
        allowed: How far numbers may be apart.
        free: Whether each gets the gradients at its own parameters instead.
    """
    comparison = SideBySide()
    rows = [gradients.start.clone(), gradients.start.clone()]
    places = _Places(gradients, list(gradients.layout.shapes))
    ways: list[list[Array]] = []
    with devices.reproducible():
        for step in range(1, min(steps, gradients.steps) + 1):
            slopes = [gradients.at(step, row) for row in (rows if free else rows[:1])]
            terms: list[Mapping[str, Tensor]] = []
            for place, side in enumerate(sides):
                rows[place], parts = side.step(rows[place], slopes[place if free else 0].clone(), step)
                terms.append(parts)
            states = [canonical(side.state()) for side in sides]
            comparison.term = comparison.term or _differing(terms, step, allowed)
            comparison.state = comparison.state or _differing(states, step, allowed)
            ways.append([row.detach().numpy() for row in rows])
            _compare(comparison, step, ways[-1], allowed, places)
            comparison.steps = step
            if comparison.first is None and len(ways) * ways[-1][0].size > HISTORY:
                ways.pop(0)
    if comparison.first is not None:
        place = places.row(comparison.first)
        comparison.values = [(float(one[place]), float(other[place])) for one, other in ways]
    return comparison


def of_recordings(sides: tuple[Recording, Recording], allowed: Allowance) -> SideBySide:
    """Compare the channels that two recordings both have, sample by sample, in the order of steps.

    Raises:
        DynvizError: They have no channel in common, or one has other shapes.
    """
    comparison = SideBySide()
    common = [name for name in sides[0] if name in sides[1]]
    if not common:
        raise DynvizError("the recordings have no channel in common")
    firsts: list[Difference] = []
    widest: list[Difference] = []
    for name in common:
        arrays = [side[name] for side in sides]
        if arrays[0].shape[1:] != arrays[1].shape[1:]:
            raise DynvizError(f"channel {name} has the shapes {arrays[0].shape[1:]} and {arrays[1].shape[1:]}")
        steps, others = (side.steps(name) for side in sides)
        shared = np.intersect1d(steps, others)
        comparison.steps = max(comparison.steps, int(shared[-1]) if shared.size else 0)
        if arrays[0].dtype != arrays[1].dtype:
            comparison.notes.append(f"{name} is {arrays[0].dtype} and {arrays[1].dtype}: compared in the wider one")
        apart = list(_in_channel(name, arrays, (steps, others, shared), allowed))
        firsts += [first for first, _ in apart[:1]]
        widest += [largest for _, largest in apart]
    comparison.first = min(firsts, key=lambda difference: difference.step, default=None)
    comparison.largest = max(widest, key=_share, default=None)
    comparison.term, comparison.state = (_first_named(firsts, kind) for kind in ("term.", "state."))
    return comparison


def _share(difference: Difference) -> float:
    """How large a difference is; one to NaN is the largest."""
    return float(np.nan_to_num(difference.relative, nan=np.inf))


def _first_named(firsts: list[Difference], kind: str) -> tuple[str, int] | None:
    """The channel of a kind that differs first, with its step."""
    named = [(first.what.removeprefix(kind), first.step) for first in firsts if first.what.startswith(kind)]
    return min(named, key=lambda one: one[1], default=None)


def _in_channel(
    name: str, arrays: list[Array], steps: tuple[Array, Array, Array], allowed: Allowance
) -> Iterator[tuple[Difference, Difference]]:
    """Of each sample in which a channel differs, the first number that does, and the one that does most."""
    own, others, shared = steps
    if arrays[0].dtype.kind not in "fiub":
        return
    wide = np.result_type(arrays[0], arrays[1], np.float32)
    for step in shared:
        one, other = (
            np.ascontiguousarray(array[np.searchsorted(known, step)], dtype=wide)
            for array, known in zip(arrays, (own, others), strict=True)
        )
        apart = allowed.exceeded(one, other)
        if apart.any():
            distances = ulps(one, other)
            first, largest = (
                Difference(
                    step=int(step),
                    what=name,
                    index=tuple(int(part) for part in np.unravel_index(place, one.shape)),
                    values=(float(one.reshape(-1)[place]), float(other.reshape(-1)[place])),
                    ulps=int(distances.reshape(-1)[place]),
                )
                for place in (int(np.argmax(apart)), int(np.argmax(_shares(one, other, apart))))
            )
            yield first, largest


def _shares(one: Array, other: Array, apart: NDArray[np.bool_]) -> Array:
    """Differences as shares of the larger value, where they count; one to NaN is infinite."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.abs(one - other) / np.maximum(np.abs(one), np.abs(other))
    return np.asarray(np.where(apart, np.nan_to_num(shares, nan=np.inf), 0.0))


class _Places:
    """Names the places of a row."""

    def __init__(self, gradients: Gradients, names: list[str]) -> None:
        self._parts, self._names = gradients.layout.parts, names

    def row(self, difference: Difference) -> int:
        """The place in the row of a parameter's number."""
        part = self._parts[difference.what]
        return part.start + int(np.ravel_multi_index(difference.index, part.shape or (1,)))

    def of(self, place: int) -> tuple[str, tuple[int, ...]]:
        """The parameter of a place in the row, and the index in it."""
        name = next(name for name in reversed(self._names) if self._parts[name].start <= place)
        part = self._parts[name]
        return name, tuple(int(one) for one in np.unravel_index(place - part.start, part.shape or (1,)))


def _compare(comparison: SideBySide, step: int, rows: list[Array], allowed: Allowance, places: _Places) -> None:
    one, other = rows
    if one.dtype != other.dtype:
        wide = np.result_type(one, other)
        if not comparison.notes:
            comparison.notes.append(f"parameters are {one.dtype} and {other.dtype}: compared in the wider one")
        one, other = one.astype(wide), other.astype(wide)
    distances = ulps(one, other)
    apart = allowed.exceeded(one, other)
    with np.errstate(invalid="ignore"):
        gap = float(
            np.nanmax(np.abs(one - other), initial=0.0) / max(float(np.nanmax(np.abs(one), initial=0.0)), 1e-300)
        )
    comparison.gaps.append(gap)

    def at(place: int) -> Difference:
        name, index = places.of(place)
        values = float(one[place]), float(other[place])
        return Difference(step=step, what=name, index=index, values=values, ulps=int(distances[place]))

    if apart.any():
        comparison.first = comparison.first or at(int(np.argmax(apart)))
        largest = at(int(np.argmax(_shares(one, other, apart))))
        if comparison.largest is None or not largest.relative <= comparison.largest.relative:
            comparison.largest = largest


def _differing(sides: Sequence[Mapping[str, Tensor]], step: int, allowed: Allowance) -> tuple[str, int] | None:
    """The first tensor of a name that both sides have which differs."""
    one, other = sides
    for name in one:
        if name in other and one[name].shape == other[name].shape:
            wide = torch.promote_types(one[name].dtype, other[name].dtype)
            arrays = [side[name].detach().to(wide).contiguous().numpy() for side in sides]
            if allowed.exceeded(arrays[0], arrays[1]).any():
                return name, step
    return None


def growth(gaps: list[float]) -> Iterator[tuple[int, float]]:
    """The largest gap so far at steps 1, 2, 4, 8, ... and the last."""
    step = 1
    while step < len(gaps):
        yield step, max(gaps[:step])
        step *= 2
    if gaps:
        yield len(gaps), max(gaps)
