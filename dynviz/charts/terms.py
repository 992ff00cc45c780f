"""Sizes and directions of the terms of a recording's updates."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.samples import has, missing, places
from dynviz.frozen import frozen
from dynviz.recording import Recording

PREFIX = "term."
BUDGET = 1 << 23
"""How many numbers of a term are read at most; longer recordings are thinned to evenly spaced samples."""
BLOCK = 1 << 16
"""How many numbers of a term are processed together, so that they stay in the processor's cache."""


@frozen
class Ledger:
    """The size of each term at the drawn samples.

    Attributes:
        steps: The steps of the samples [samples].
        norms: The norm of each term that was ever nonzero, by name [samples, lanes].
        total: The norm of the whole step, the sum of the terms [samples, lanes].
    """

    steps: NDArray[np.int64]
    norms: dict[str, NDArray[np.float64]]
    total: NDArray[np.float64]


def terms(recording: Recording) -> list[str]:
    """The names of the recorded terms."""
    return [name.removeprefix(PREFIX) for name in recording if name.startswith(PREFIX) and has(recording, name)]


def need_terms(view: str, recording: Recording, *more: str) -> None:
    """Check that a recording has terms and these channels.

    Raises:
        DynvizError: One is missing.
    """
    lacking = [*([] if terms(recording) else [f"{PREFIX}*"]), *(name for name in more if not has(recording, name))]
    if lacking:
        raise missing(view, recording, lacking[0])


def ledger(recording: Recording) -> Ledger:
    """The norms of all terms over all parameters."""
    names = terms(recording)
    # Channels grow one after the other: those samples that all of them have.
    count = min(len(recording[PREFIX + name]) for name in names)
    steps = recording.steps(PREFIX + names[0])[:count]
    channels = {name: recording[PREFIX + name] for name in names}
    at = places(channels[names[0]][:count], BUDGET)
    sample: Any = channels[names[0]][0]
    norms = {name: np.empty((len(at), len(sample))) for name in names}
    total = np.empty((len(at), len(sample)))
    many = max(1, BLOCK // max(sample.size, 1))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(at), many):
            block = slice(start, start + many)
            whole: Any = 0.0
            for name, samples in channels.items():
                term = samples[at[block]].astype(np.float64)
                norms[name][block] = np.sqrt((term * term).sum(axis=-1))
                whole = whole + term
            total[block] = np.sqrt((whole * whole).sum(axis=-1))
    at_work = {name: norm for name, norm in norms.items() if np.any(norm != 0)}
    return Ledger(steps[at], at_work or norms, total)


def cosines(recording: Recording, lane: int) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """The steps of samples, and the cosine of each term with the negative gradient [samples].

    A sample of a term is of the step that led there, whose gradient is that of one step before: it is compared with the
    gradient that was recorded nearest to that, which is the very one where gradients are recorded at every step.
    """
    names = terms(recording)
    slopes = recording.steps("gradient")
    steps = recording.steps(PREFIX + names[0])[: min(len(recording[PREFIX + name]) for name in names)]
    # Of a recording that grows only what later samples will not change.
    steps = steps[steps <= slopes[-1]]
    count = len(steps)
    after = np.searchsorted(slopes, steps - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(slopes[after] - (steps - 1) < (steps - 1) - slopes[before], after, before)
    gradients, channels = recording["gradient"], {name: recording[PREFIX + name] for name in names}
    size = max(gradients[0][lane].size, 1)
    at = places(channels[names[0]][:count, lane], BUDGET, min(1, count - 1))
    cosines = {name: np.full(len(at), np.nan) for name in names}
    many = max(1, BLOCK // size)
    for start in range(0, len(at), many):
        block = slice(start, start + many)
        downhill = -_rows(gradients[nearest[at[block]], lane])
        for name, samples in channels.items():
            term = _rows(samples[at[block], lane])
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                lengths = np.sqrt(_products(term, term) * _products(downhill, downhill))
                cosines[name][block] = _products(term, downhill) / lengths
    return steps[at], {name: values for name, values in cosines.items() if np.isfinite(values).any()} or cosines


def _rows(samples: NDArray[Any]) -> NDArray[np.float64]:
    return samples.reshape(len(samples), -1).astype(np.float64)


def _products(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inner product of each row with the other's."""
    products: NDArray[np.float64] = np.einsum("ij,ij->i", one, other)
    return products
