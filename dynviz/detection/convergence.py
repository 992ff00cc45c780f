"""Whether a run has converged: its loss, the distribution of its parameters, how fast, and how good it is then."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dynviz.detection import chains
from dynviz.detection.chains import Values
from dynviz.detection.stationarity import Stationarity, stationarity
from dynviz.frozen import frozen
from dynviz.recording import Recording

BLOCKS = 50
"""Blocks that the loss is cut into: it is known to so many parts of the run since when it has converged."""
TAIL = 10
"""Blocks that it must have been so for, at least."""
LEAST = 4
"""Samples of a block of the loss, at least."""


@frozen(kw_only=True)
class LossConvergence:
    """Whether a loss, its mean over the seeds, differs between blocks of steps by chance alone.

    Attributes:
        since: The first step of those blocks; None where it differs to the end.
        gap: The largest block mean less the smallest, since then, or in the last fifth.
        chance: The gap that noise alone gives.
        change: The change in 100 steps as a share of the loss, over the same blocks.
        steps: Where blocks begin, of all blocks.
        means: Of all blocks.
    """

    since: int | None
    gap: float
    chance: float
    change: float
    steps: NDArray[np.int64]
    means: Values


@frozen(kw_only=True)
class Level:
    """The level of a channel in which values are better or worse, from a step on.

    Attributes:
        channel: Its name.
        mean: Over steps and seeds.
        error: Its standard error, between blocks of steps and between seeds.
        low: The least of the seeds' means.
        high: The greatest.
        since: From which step on.
    """

    channel: str
    mean: float
    error: float
    low: float
    high: float
    since: int


@frozen(kw_only=True)
class Convergence:
    """What is found of one recording.

    Attributes:
        lanes: Those that are looked at: all that stayed finite.
        lost: How many did not.
        loss: None where there are too few samples.
        unsettled: Other channels in which values are better or worse that have not converged though the loss has.
        parameters: Those that are recorded with enough samples.
        levels: At the end.
    """

    lanes: tuple[int, ...]
    lost: int
    loss: LossConvergence | None
    unsettled: Mapping[str, LossConvergence]
    parameters: tuple[Stationarity, ...]
    levels: tuple[Level, ...]


def convergence(recording: Recording) -> Convergence:
    """Look at a recording as far as it goes.

    Raises:
        DynvizError: A channel's file is missing or damaged.
    """
    names = [
        name for name in dict.fromkeys(("loss", *_judged(recording))) if name in recording and len(recording[name])
    ]
    count = len(recording.seeds)
    finite = np.ones(count, bool)
    for name in names:
        finite &= np.isfinite(recording[name][-1].reshape(count))
    finite[[event.lane for event in recording.events() if event.kind == "diverged"]] = False
    lanes = tuple(int(lane) for lane in np.flatnonzero(finite))
    if not lanes:
        return Convergence(lanes=(), lost=count, loss=None, unsettled={}, parameters=(), levels=())
    converged = {name: one for name in names if (one := _convergence(recording, name, lanes)) is not None}
    loss = converged.pop("loss", None)
    settled = loss is not None and loss.since is not None
    unsettled = {name: one for name, one in converged.items() if settled and one.since is None}
    parameters = stationarity(recording, lanes)
    begin = loss.since if loss is not None and loss.since is not None else recording.recorded * 4 // 5
    levels = tuple(level for name in names for level in _level(recording, name, lanes, begin))
    return Convergence(
        lanes=lanes,
        lost=count - len(lanes),
        loss=loss,
        unsettled=unsettled,
        parameters=parameters,
        levels=levels,
    )


def _judged(recording: Recording) -> list[str]:
    channels = recording.metadata.channels
    return [name for name, info in channels.items() if info.every and info.better != "neither" and not info.shape]


def _convergence(recording: Recording, name: str, lanes: Sequence[int]) -> LossConvergence | None:
    samples, steps = recording[name], recording.steps(name)
    size = len(samples) // BLOCKS
    if size < LEAST:
        return None
    means = _lane_means(samples, BLOCKS, lanes).mean(axis=1)
    begins = steps[: size * BLOCKS : size]
    length = int(begins[1] - begins[0])
    for start in range(BLOCKS - TAIL + 1):
        tail = means[start:]
        noise, most = float(chains.block_noise(tail)), chains.chance(len(tail))
        gap, slope = float(chains.gap(tail)), float(chains.trend(tail))
        settled = gap <= most.gap * noise and abs(slope) <= most.trend * noise
        if settled or start == BLOCKS - TAIL:
            break
    level = abs(float(tail.mean()))
    return LossConvergence(
        since=int(begins[start]) if settled else None,
        gap=gap,
        chance=most.gap * noise,
        change=100 * slope / length / level if level else 0.0,
        steps=begins,
        means=means,
    )


def _lane_means(samples: NDArray[np.generic], count: int, lanes: Sequence[int]) -> Values:
    """The means [blocks, lanes] of blocks, one after the other: recordings may be larger than memory."""
    size = len(samples) // count
    blocks = (samples[start : start + size] for start in range(0, size * count, size))
    return np.stack([np.asarray(block, np.float64).mean(axis=0).reshape(-1)[list(lanes)] for block in blocks])


def _level(recording: Recording, name: str, lanes: Sequence[int], begin: int) -> Iterator[Level]:
    samples, steps = recording[name], recording.steps(name)
    tail = samples[np.searchsorted(steps, begin) :]
    if len(tail) < TAIL:
        return
    means = _lane_means(tail, TAIL, lanes)
    of_lanes = means.mean(axis=0)
    # Blocks of steps tell the noise within a seed, seeds what differs between them.
    errors = [float(np.sqrt(np.square(chains.block_noise(means)).mean() / TAIL / len(lanes)))]
    if len(lanes) > 1:
        errors.append(float(of_lanes.std(ddof=1) / np.sqrt(len(lanes))))
    yield Level(
        channel=name,
        mean=float(of_lanes.mean()),
        error=max(errors),
        low=float(of_lanes.min()),
        high=float(of_lanes.max()),
        since=begin,
    )
