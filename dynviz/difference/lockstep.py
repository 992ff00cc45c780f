"""Two optimizers step by step, side by side: where they first differ, and how far they come apart."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from dynviz.difference.candidates import Steps, canonical
from dynviz.difference.gradients import Gradients
from dynviz.difference.side_by_side import Allowance, Array, Difference, SideBySide, gap, shares
from dynviz.difference.ulps import ulps
from dynviz.training import devices

HISTORY = 1 << 24
"""So many parameters of steps without a difference are kept."""


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
        comparison.value_steps = comparison.gap_steps[-len(ways) :]
    return comparison


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
    comparison.gaps.append(gap(one, other))
    comparison.gap_steps.append(step)

    def at(place: int) -> Difference:
        name, index = places.of(place)
        values = float(one[place]), float(other[place])
        return Difference(step=step, what=name, index=index, values=values, ulps=int(distances[place]))

    if apart.any():
        comparison.first = comparison.first or at(int(np.argmax(apart)))
        largest = at(int(np.argmax(shares(one, other, apart))))
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
