"""Two recordings, sample by sample: where they first differ, and how far they are apart."""

from collections.abc import Iterator

import numpy as np

from dynviz.difference.side_by_side import PARAMETERS, Allowance, Array, Difference, SideBySide, gap, shares
from dynviz.difference.ulps import ulps
from dynviz.errors import DynvizError
from dynviz.recording import Recording

NUMBERS = "fiub"
"""The kinds of dtype that are compared."""


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
        apart = list(_in_channel(name, sides, allowed)) if arrays[0].dtype.kind in NUMBERS else []
        firsts += [first for first, _ in apart[:1]]
        widest += [largest for _, largest in apart]
    comparison.first = min(firsts, key=lambda difference: difference.step, default=None)
    comparison.largest = max(widest, key=_share, default=None)
    comparison.term, comparison.state = (_first_named(firsts, kind) for kind in ("term.", "state."))
    if comparison.first is not None:
        index = comparison.first.index
        for step, one, other in _samples(comparison.first.what, sides):
            comparison.value_steps.append(step)
            comparison.values.append((float(one[index]), float(other[index])))
    known = [name for name in common if sides[0][name].dtype.kind in NUMBERS]
    if known:
        differing = comparison.first.what if comparison.first else known[0]
        comparison.gaps_of = PARAMETERS if PARAMETERS in known else differing
        for step, one, other in _samples(comparison.gaps_of, sides):
            comparison.gap_steps.append(step)
            comparison.gaps.append(gap(one, other))
    return comparison


def _share(difference: Difference) -> float:
    """How large a difference is; one to NaN is the largest."""
    return float(np.nan_to_num(difference.relative, nan=np.inf))


def _first_named(firsts: list[Difference], kind: str) -> tuple[str, int] | None:
    """The channel of a kind that differs first, with its step."""
    named = [(first.what.removeprefix(kind), first.step) for first in firsts if first.what.startswith(kind)]
    return min(named, key=lambda one: one[1], default=None)


def _samples(name: str, sides: tuple[Recording, Recording]) -> Iterator[tuple[int, Array, Array]]:
    """The steps that two recordings both have a sample of, and the samples, in the wider dtype."""
    arrays = [side[name] for side in sides]
    wide = np.result_type(*arrays, np.float32)
    steps, others = (side.steps(name) for side in sides)
    shared, *places = np.intersect1d(steps, others, return_indices=True)
    for step, *both in zip(shared.tolist(), *places, strict=True):
        one, other = (np.ascontiguousarray(array[at], wide) for array, at in zip(arrays, both, strict=True))
        yield step, one, other


def _in_channel(
    name: str, sides: tuple[Recording, Recording], allowed: Allowance
) -> Iterator[tuple[Difference, Difference]]:
    """Of each sample in which a channel differs, the first number that does, and the one that does most."""
    for step, one, other in _samples(name, sides):
        apart = allowed.exceeded(one, other)
        if apart.any():
            distances = ulps(one, other)
            first, largest = (
                Difference(
                    step=step,
                    what=name,
                    index=tuple(int(part) for part in np.unravel_index(place, one.shape)),
                    values=(float(one.reshape(-1)[place]), float(other.reshape(-1)[place])),
                    ulps=int(distances.reshape(-1)[place]),
                )
                for place in (int(np.argmax(apart)), int(np.argmax(shares(one, other, apart))))
            )
            yield first, largest
