"""Channels for detectors: the recorded ones, and other measurements of a recording."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.detector import Samples
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.schedules import Schedule
from dynviz.recording import Recording
from dynviz.recording import projections as stored
from dynviz.recording.arrays import check_shapes

Steps: TypeAlias = NDArray[np.int64]
SHARPNESS = "sharpness"


@frozen
class Column:
    """The samples of one channel.

    Attributes:
        steps: [samples], ascending; None for a constant.
        at: Function of sampled steps to the samples [steps, lanes, ...].
        size: Numbers of a sample.
    """

    steps: Steps | None
    at: Callable[[Steps], Samples]
    size: int


def names(recording: Recording) -> frozenset[str]:
    """The names of everything that can be read from a recording."""
    beside = {name for name, read in BESIDE.items() if name not in recording and read(recording) is not None}
    return frozenset(recording) | beside


def column(recordings: Sequence[Recording], name: str) -> Column | None:
    """One channel of recordings, with their lanes side by side; None if one of them has no sample."""
    columns = [_column(recording, name) for recording in recordings]
    known = [one for one in columns if one is not None]
    if len(known) < len(columns) or len(known) == 1:
        return known[0] if len(known) == len(columns) else None
    steps = common([one.steps for one in known])
    size = sum(one.size for one in known)
    return Column(steps, lambda wanted: np.concatenate([one.at(wanted) for one in known], axis=1), size)


def common(many: Sequence[Steps | None]) -> Steps:
    """The steps that all columns have samples of."""
    sampled = [steps for steps in many if steps is not None]
    if not sampled:
        return np.zeros(1, np.int64)
    return reduce(lambda left, right: np.intersect1d(left, right, assume_unique=True), sampled)


def _column(recording: Recording, name: str) -> Column | None:
    if name not in recording:
        return BESIDE[name](recording)
    samples = recording[name]
    if not len(samples):
        return None
    if recording.metadata.channels[name].every == 0:
        return Column(None, lambda _: np.asarray(samples[:1]), _size(samples))
    # One look: the file may grow between two.
    steps = recording.steps(name)[: len(samples)]
    return _sampled(steps, samples)


def _sampled(steps: Steps, samples: Samples) -> Column:
    return Column(steps, lambda wanted: samples[np.searchsorted(steps, wanted)], _size(samples))


def _size(samples: Samples) -> int:
    return int(np.prod(samples.shape[1:]))


def _sharpness(recording: Recording) -> Column | None:
    """The largest eigenvalue [samples, lanes] where `dynviz sharpness` measured it; NaN for the other lanes."""
    name = stored.newest(recording.folder, SHARPNESS, recording.chosen)
    if name is None:
        return None
    about, arrays = stored.read(recording.folder, name)
    try:
        check_shapes(arrays, {"steps": "s", "eigenvalues": "sk"})
        # Of what is no whole number there is no safe cast.
        steps: Steps = arrays["steps"].astype(np.int64, casting="same_kind")
    except (TypeError, ValueError) as error:
        raise DynvizError(f"{stored.file(recording.folder, name)} holds no measured sharpness: {error}") from error
    lanes = recording.chosen or range(len(recording.seeds))
    samples = np.full((len(steps), len(lanes)), np.nan)
    if about.get("lane") in lanes:
        samples[:, list(lanes).index(about["lane"])] = arrays["eigenvalues"][:, 0]
    order = np.argsort(steps)
    return _sampled(steps[order], samples[order])


def _lr(recording: Recording) -> Column | None:
    """The learning rate [samples, lanes] of the step that leads on from each step."""
    shared = recording.metadata.hyperparameters.get("lr")
    values = [lane.hyperparameters.get("lr", shared and shared.value) for lane in recording.metadata.lanes]
    scheduled = all(isinstance(value, str) and Schedule.looks(value) for value in values)
    if not scheduled and not all(isinstance(value, int | float) for value in values):
        return None
    changed = recording.changes()
    schedules = [Schedule(str(value)).over(recording.total) for value in values] if scheduled else []

    def at(wanted: Steps) -> Samples:
        rates = np.tile(np.array([0.0] * len(values) if scheduled else values, dtype=np.float64), (len(wanted), 1))
        for lane, schedule in enumerate(schedules):
            rates[:, lane] = [schedule.at(int(step) + 1) for step in wanted]
        for change in changed:
            if change.name == "lr":
                rates[wanted >= change.step, slice(None) if change.lane is None else change.lane] = change.new
        return rates

    return Column(np.arange(recording.recorded + 1), at, len(values))


BESIDE: Mapping[str, Callable[[Recording], Column | None]] = {SHARPNESS: _sharpness, "lr": _lr}
"""What can be read though it is no channel of the recording."""
