"""The numbers of a claim, one for each seed, from the recordings that it names."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.comparison.statistics import differences, median
from dynviz.errors import DynvizError, unknown
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.reporting.components import COMPONENTS
from dynviz.reporting.courses import COURSES, MOVED, OVERLAP, ValueCourse
from dynviz.reporting.document import ChannelValue, Claim, Quantity
from dynviz.reporting.measurements import CALCULATIONS, MEASUREMENTS
from dynviz.reporting.planes import SHAPES, measure_shape
from dynviz.views.rotation import overlap

Array: TypeAlias = NDArray[Any]
TINY = 1e-300
"""Stands for a distance from nothing."""


@frozen
class MeasuredLanes:
    """Some lanes of a recording, one for each seed, and the numbers that were measured.

    Attributes:
        recording: Of these lanes alone.
        values: [lanes].
        arrays: Instead of them, where arrays are compared: the last sample [lanes, ...], which has a distance.
    """

    recording: Recording | None
    values: NDArray[np.float64]
    arrays: Array | None = None


def effects(claim: Claim, recordings: Mapping[str, Sequence[Recording]], seeds: Sequence[int]) -> "Effects":
    """The number that a claim is about, for each seed.

    Args:
        claim: One that is not out of reach.
        recordings: What was trained for the value, and for what it is compared with: `value`, `against`.
        seeds: The seeds of calculations that need no recording.

    Raises:
        DynvizError: A channel does not exist or has another shape, or the recordings do not fit together.
    """
    assert claim.value is not None
    arrays = claim.compare == "distance"
    one = _measure(claim.value, recordings.get("value", ()), seeds, arrays=arrays)
    if claim.against is None:
        return Effects(_seeds(one, seeds), one.values, _recordings(one))
    other = _measure(claim.against, recordings.get("against", ()), seeds, arrays=arrays)
    if _seeds(one, seeds) != _seeds(other, seeds):
        raise DynvizError(f"the seeds differ: {_seeds(one, seeds)} and {_seeds(other, seeds)}")
    values = _distances(one, other) if arrays else _compared(claim.compare, one.values, other.values)
    return Effects(_seeds(one, seeds), values, _recordings(one, other), one.values, other.values)


@frozen
class Effects:
    """The number that a claim is about, for each seed.

    Attributes:
        seeds: The seeds.
        values: [seeds].
        recordings: What it was measured on.
        of_value: [seeds]: the first of two numbers that are compared; None where there is one alone.
        of_against: [seeds]: the second.
    """

    seeds: tuple[int, ...]
    values: NDArray[np.float64]
    recordings: tuple[Recording, ...]
    of_value: NDArray[np.float64] | None = None
    of_against: NDArray[np.float64] | None = None


def _seeds(lanes: MeasuredLanes, seeds: Sequence[int]) -> tuple[int, ...]:
    return lanes.recording.seeds if lanes.recording is not None else tuple(seeds)


def _recordings(*measured: MeasuredLanes) -> tuple[Recording, ...]:
    by_source = {lanes.recording.source: lanes.recording for lanes in measured if lanes.recording is not None}
    return tuple(by_source.values())


def _compared(how: str, one: Array, other: Array) -> NDArray[np.float64]:
    if how == "difference":
        return differences(one, other)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # Two that never got there, or that are both zero, are equal.
        return np.where(one == other, 1.0, one / other)


def _distances(one: MeasuredLanes, other: MeasuredLanes) -> NDArray[np.float64]:
    assert one.arrays is not None
    assert other.arrays is not None
    if one.arrays.shape != other.arrays.shape:
        raise DynvizError(f"arrays of shapes {one.arrays.shape} and {other.arrays.shape} have no distance")
    first, second = (array.reshape(len(array), -1).astype(np.float64) for array in (one.arrays, other.arrays))
    size = np.linalg.norm(second, axis=1)
    return np.asarray(np.linalg.norm(first - second, axis=1) / np.maximum(size, TINY))


def _measure(
    quantity: Quantity, recordings: Sequence[Recording], seeds: Sequence[int], *, arrays: bool
) -> MeasuredLanes:
    if quantity.calculate:
        calculate = CALCULATIONS[quantity.calculate]
        try:
            return MeasuredLanes(None, np.array([calculate(seed, **quantity.arguments) for seed in seeds]))
        except (TypeError, ValueError, ArithmeticError, MemoryError) as error:
            raise DynvizError(f"{quantity.calculate} cannot be calculated: {error}") from error
    settings = [lanes for recording in recordings for lanes in _settings(quantity, recording)]
    if not settings:
        raise DynvizError(f"no recording has {_written(quantity.where)}")
    if len(settings) > 1 and not quantity.choose:
        raise DynvizError(f"{len(settings)} settings fit; choose = 'lowest' or 'highest', or say more in where")
    if arrays:
        recording = settings[0]
        return MeasuredLanes(recording, np.zeros(len(recording.seeds)), _samples(recording, quantity.channel)[1][-1])
    measured = [MeasuredLanes(recording, _number(quantity, recording)) for recording in settings]
    sign = -1 if quantity.choose == "highest" else 1
    return min(measured, key=lambda lanes: _rank(lanes.values, sign))


def _rank(values: Array, sign: int) -> float:
    middle = sign * float(median(values)) if not np.isnan(values).any() else math.nan
    return math.inf if math.isnan(middle) else middle


def _settings(quantity: Quantity, recording: Recording) -> list[Recording]:
    """The lanes of a recording with the wanted options, for each setting of its hyperparameters."""
    metadata = recording.metadata
    groups: dict[str, list[int]] = {}
    for index, lane in enumerate(metadata.lanes):
        known = {
            **metadata.scenario.options,
            **{name: value.value for name, value in metadata.hyperparameters.items()},
            **lane.hyperparameters,
        }
        for name in quantity.where:
            if name not in known:
                raise unknown("option or hyperparameter", name, known)
        if all(_same(known[name], wanted) for name, wanted in quantity.where.items()):
            groups.setdefault(repr(sorted(lane.hyperparameters.items())), []).append(index)
    return [recording if len(lanes) == len(metadata.lanes) else recording.of_lanes(lanes) for lanes in groups.values()]


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, int | float) and isinstance(wanted, int | float) and not isinstance(wanted, bool):
        return math.isclose(value, wanted, rel_tol=1e-9)
    return bool(value == wanted or str(value) == str(wanted))


def _written(where: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in where.items()) or "a lane"


def _samples(recording: Recording, channel: str) -> tuple[NDArray[np.int64], Array]:
    """The steps and the samples of a channel; lanes that diverged are as bad as can be where one knows what is bad."""
    samples = np.asarray(recording[channel])
    if not len(samples):
        raise DynvizError(f"channel {channel!r} in {recording.folder} has no samples")
    better = recording.metadata.channels[channel].better
    if better != "neither" and samples.dtype.kind == "f":
        samples = np.where(np.isnan(samples), np.inf if better == "lower" else -np.inf, samples)
    return recording.steps(channel), samples


def _component(recording: Recording, part: ChannelValue) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """A number [samples, lanes] for each sample of a channel."""
    steps, samples = _samples(recording, part.channel)
    shape = samples.shape[2:]
    if len(part.entry) > len(shape) or any(not -size <= at < size for at, size in zip(part.entry, shape, strict=False)):
        raise DynvizError(f"channel {part.channel!r} of shape {shape} has no entry {list(part.entry)}")
    for index in part.entry:
        samples = samples[:, :, index]
    if part.of:
        if samples.ndim < 3:
            raise DynvizError(f"channel {part.channel!r} has one number per sample; leave out of = {part.of!r}")
        if part.of == "eigen-top-quarter" and (samples.ndim != 4 or samples.shape[-1] != samples.shape[-2]):
            raise DynvizError(f"channel {part.channel!r} of shape {shape} holds no square matrices")
        with np.errstate(all="ignore"):
            samples = COMPONENTS[part.of](samples)
    elif samples.ndim > 2:
        raise DynvizError(f"channel {part.channel!r} has shape {samples.shape[2:]}; add of, such as 'mean', or entry")
    return steps, samples.astype(np.float64)


def _number(quantity: Quantity, recording: Recording) -> NDArray[np.float64]:
    """The number of each lane."""
    if quantity.measure in SHAPES:
        return measure_shape(recording, quantity.measure)
    if quantity.measure:
        return MEASUREMENTS[quantity.measure](recording)
    if quantity.over == MOVED:
        steps, samples = _samples(recording, quantity.channel)
        inside = _inside(quantity, steps, recording.total)
        first, last = (samples[index].reshape(samples.shape[1], -1).astype(np.float64) for index in inside[[0, -1]])
        return np.asarray(
            np.linalg.norm(last - first, axis=1) / np.maximum(np.linalg.norm(first, axis=1), TINY), dtype=np.float64
        )
    if quantity.over == OVERLAP:
        steps, samples = _samples(recording, quantity.channel)
        if samples.ndim != 4:
            raise DynvizError(f"channel {quantity.channel!r} of shape {samples.shape[2:]} holds no directions")
        first, last = samples[_inside(quantity, steps, recording.total)[[0, -1]]].astype(np.float64)
        return np.array([overlap(before, after) for before, after in zip(first, last, strict=True)])
    steps, values = _component(recording, ChannelValue(quantity.channel, quantity.of, quantity.entry))
    for name, combine in (("times", np.multiply), ("minus", np.subtract), ("per", np.divide)):
        part = getattr(quantity, name)
        if part is not None:
            others, more = _component(recording, part)
            steps, here, there = np.intersect1d(steps, others, return_indices=True)
            with np.errstate(all="ignore"):
                values = combine(values[here], more[there])
    inside = _inside(quantity, steps, recording.total)
    course = ValueCourse(steps[inside], values[inside], quantity.step, quantity.threshold)
    if quantity.over == "at" and (quantity.step or 0) > recording.total:
        raise DynvizError(f"the run has {recording.total} steps, and no step {quantity.step}")
    with np.errstate(all="ignore"):
        return np.asarray(COURSES[quantity.over](course), dtype=np.float64)


def _inside(quantity: Quantity, steps: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """The indices of the samples in the part of the run that counts."""
    low, high = (fraction * total for fraction in quantity.part)
    inside = np.flatnonzero((steps >= low) & (steps <= high))
    if not len(inside):
        raise DynvizError(f"channel {quantity.channel!r} has no samples in part {list(quantity.part)} of the run")
    return inside
