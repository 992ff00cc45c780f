"""Whether the distributions of parameters stay the same, and how long parameters remember."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dynviz.detection import chains, falling
from dynviz.detection.chains import Values
from dynviz.detection.falling import Falling
from dynviz.frozen import frozen
from dynviz.recording import Recording

ENDS = (2, 4)
"""The last half of a run, else its last quarter, is what parameters are stationary in, if they are."""
NORMAL = 3.0
"""Standard errors that chance explains."""
DRIFT_BLOCKS, LEAST_BLOCKS = 20, 6
"""Blocks that what remains of a run is cut into, to tell drift from chance; fewer where memory is long."""
FEW = 2 * DRIFT_BLOCKS
"""Fewer samples of parameters tell nothing."""
SMALL = 0.1
"""Less drift than so many spreads is none, however sure it is."""
EXCEPTIONS, LANES = 0.1, 4
"""The share of series that may drift by chance; of so many series or more, one may."""
INDEPENDENT = 20
"""Autocorrelation times that a stationary part is long, at least: R-hat of its halves is then about 1.05."""
AGREE = 1.05
"""R-hat up to which seeds are of one distribution."""
LARGEST = 1e150
"""Squares of larger numbers are infinite in float64."""
MOST_SAMPLES, MOST_NUMBERS, MOST_GROUPS = 4000, 64, 6
"""Of longer series, larger parameters and more of them a part is looked at, evenly spaced."""


@frozen(kw_only=True)
class Stationarity:
    """Whether the distribution of a parameter stays the same, and how long it remembers.

    Attributes:
        name: Of the parameter, in words.
        since: The first step of those that it stays the same over; None where it does not to the end.
        times: How many autocorrelation times those steps are.
        drift: The median over its numbers of how far means of halves are apart, in spreads.
        chance: The median of what chance gives, in the same units.
        growth: The change of its norm in 100 steps, as a share, where that is more than chance gives; else 0.
        spread: The change of its spread in 100 steps, as a share, where its mean stays and its spread does not; else 0.
        motion: How far its mean moves in 100 steps, as a share of its norm.
        time: Steps that count as one independent draw.
        half_life: Steps in which the autocorrelation falls to a half.
        correlation: The autocorrelation [lags].
        lag: Steps from one lag to the next.
        rhat: Split R-hat over all seeds, the median over its numbers.
        rhat_alone: The same of each seed by itself.
        falling: How the spread over seeds falls with the learning rate, where that does and the mean stays.
    """

    name: str
    since: int | None
    times: float
    drift: float
    chance: float
    growth: float
    spread: float
    motion: float
    time: float
    half_life: float
    correlation: Values
    lag: int
    rhat: float
    rhat_alone: float
    falling: Falling | None

    @property
    def enough(self) -> bool:
        """Whether they are enough to tell."""
        return self.times >= INDEPENDENT


@frozen
class Series:
    """Samples [samples, lanes, numbers] and their steps."""

    steps: NDArray[np.int64]
    values: Values


def stationarity(recording: Recording, lanes: Sequence[int]) -> tuple[Stationarity, ...]:
    """Of each recorded parameter that has enough samples; of some lanes, which are finite."""
    return tuple(
        part for name, series in parameters(recording, lanes) for part in _stationarity(recording, name, series)
    )


def parameters(recording: Recording, lanes: Sequence[int]) -> Iterator[tuple[str, Series]]:
    """The recorded parameters by name: channels of their own, else the parts of `parameters`, or all in one."""
    channels = recording.metadata.channels
    own = [name for name in recording.metadata.parameters if name in channels and channels[name].every]
    if own:
        for name in own[:MOST_GROUPS]:
            yield channels[name].title or name, _series(recording[name], recording.steps(name), lanes)
    elif "parameters" in channels and channels["parameters"].every:
        steps, parts = recording.steps("parameters"), channels["parameters"].parts
        if len(parts) <= MOST_GROUPS:
            for name in parts:
                yield name, _series(recording.part("parameters", name), steps, lanes)
        else:
            yield "parameters", _series(recording["parameters"], steps, lanes)


def _series(samples: NDArray[np.generic], steps: NDArray[np.int64], lanes: Sequence[int]) -> Series:
    # The last sample of a run may follow after fewer steps than all others.
    samples, steps = samples[: len(steps)], steps[: len(samples)]
    if len(steps) > 2 and steps[-1] - steps[-2] < steps[1] - steps[0]:
        samples, steps = samples[:-1], steps[:-1]
    stride = max(1, -(-len(samples) // MOST_SAMPLES))
    some = samples[::stride]
    flat = some.reshape(*some.shape[:2], math.prod(some.shape[2:]))
    numbers = np.unique(np.linspace(0, flat.shape[2] - 1, min(MOST_NUMBERS, flat.shape[2])).astype(np.int64))
    return Series(steps[::stride], flat[:, list(lanes)][:, :, numbers].astype(np.float64))


def _stationarity(recording: Recording, name: str, series: Series) -> Iterator[Stationarity]:
    values, steps = series.values, series.steps
    if len(values) < FEW or not values.size or not (np.abs(values) < LARGEST).all():
        return
    start, drift = _settled(values)
    lag = int(steps[1] - steps[0])
    start, spread = _steady(values, start) if start is not None else (None, 0.0)
    since = None if start is None else int(steps[start])
    tail = values[len(values) // 2 if start is None else start :]
    correlation = chains.autocorrelation(tail)
    time = chains.autocorrelation_time(correlation)
    growth, motion = _changes(tail, lag)
    rates = falling.rates(recording, steps)
    yield Stationarity(
        name=name,
        since=since,
        times=len(tail) / time,
        drift=float(np.median(drift.size)),
        chance=float(np.median(drift.chance)),
        growth=growth,
        spread=100 * spread / lag,
        motion=motion,
        time=time * lag,
        half_life=chains.half_life(correlation) * lag,
        correlation=correlation,
        lag=lag,
        rhat=float(np.median(chains.split_rhat(tail))),
        rhat_alone=float(np.median([chains.split_rhat(tail[:, [lane]]) for lane in range(tail.shape[1])])),
        falling=None if rates is None else falling.falling(steps, values, rates),
    )


def _block(tail: Values) -> int:
    """The length of a block: twice the autocorrelation time, as far as there is room for several blocks."""
    return int(min(max(2 * _time(tail), len(tail) / DRIFT_BLOCKS, 1), max(len(tail) / LEAST_BLOCKS, 1)))


def _time(tail: Values) -> float:
    return chains.autocorrelation_time(chains.autocorrelation(chains.without_trend(tail)))


def _settled(values: Values) -> tuple[int | None, chains.Drift]:
    """The sample from which on the distribution is that of the end, None where the end drifts; and the end's drift."""
    for share in ENDS:
        first = len(values) - len(values) // share
        drift = chains.drift(values[first:], _block(values[first:]))
        if not _drifts(drift):
            return _earliest(values, first), drift
        if len(values) // share < 2 * FEW:
            break
    return None, drift


def _steady(values: Values, start: int) -> tuple[int | None, float]:
    """Where the spread is that of the end, too, from a sample on or later; None where it is not, and by how much.

    What it changes by is a share of it, from one sample to the next.
    """
    changes: list[float] = []
    for share in (1, *ENDS):
        first = max(start, len(values) - len(values) // share)
        tail = values[first:]
        if changes and len(tail) < INDEPENDENT * _time(tail):
            break
        change, drifts = _spread_change(tail)
        # A later part is too short to tell what an earlier one told, unless it changes much less.
        if not drifts and (not changes or abs(change) < abs(changes[-1]) / 2):
            return first, 0.0
        changes.append(change)
    return None, changes[0]


def _spread_change(tail: Values) -> tuple[float, bool]:
    """The change of the spread from one sample to the next, as a share; whether it is more than chance gives."""
    squares = np.square(tail - tail.mean(axis=0))
    level = squares.mean(axis=0)
    moving = level > 0
    if not moving.any():
        return 0.0, False
    pooled = (squares[:, moving] / level[moving]).mean(axis=1)
    drift = chains.drift(pooled[:, None], _block(tail))
    half = len(pooled) // 2
    before, after = (float(np.sqrt(part.mean())) for part in (pooled[:half], pooled[-half:]))
    return ((after / before - 1) / half if before else np.inf), _drifts(drift)


def _earliest(values: Values, first: int) -> int:
    """How far back blocks look like what follows from a sample on, which is stationary."""
    end = values[first:]
    mean, spread = end.mean(axis=0), end.std(axis=0)
    time, size = _time(end), max(1, len(values) // DRIFT_BLOCKS)
    error = spread * np.sqrt(min(time / size, 1) + min(time / len(end), 1))
    while first >= size:
        apart = np.abs(values[first - size : first].mean(axis=0) - mean)
        if _too_many(apart > np.maximum(NORMAL * error, SMALL * spread)):
            break
        first -= size
    return first


def _drifts(drift: chains.Drift) -> bool:
    return _too_many(drift.size > np.maximum(drift.chance, SMALL))


def _too_many(drifting: NDArray[np.bool_]) -> bool:
    """Whether more series do than chance explains."""
    return int(drifting.sum()) > max(EXCEPTIONS * drifting.size, drifting.size >= LANES)


def _changes(tail: Values, lag: int) -> tuple[float, float]:
    """The growth of the norm in 100 steps, 0 where chance gives it too, and the motion of the mean, as shares."""
    norms = np.linalg.norm(tail, axis=2).mean(axis=1)
    level = float(norms.mean())
    if not level:
        return 0.0, 0.0
    means = chains.block_means(norms, min(DRIFT_BLOCKS, len(norms)))
    slope, noise = float(chains.trend(means)), float(chains.block_noise(means))
    length = len(tail) // len(means) * lag
    half = len(tail) // 2
    apart = tail[-half:].mean(axis=0) - tail[:half].mean(axis=0)
    motion = float(np.linalg.norm(apart, axis=1).mean()) / (half * lag)
    grows = abs(slope) > chains.chance(len(means)).trend * noise
    return (100 * slope / length / level if grows else 0.0), 100 * motion / level
