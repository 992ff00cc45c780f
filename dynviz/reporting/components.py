"""How the components of a sample become one number. Each takes [samples, lanes, components...] to [samples, lanes]."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
TAIL = 0.1
"""The share of the largest values from which Hill's estimator takes the index of the tail."""


def _flat(samples: Array) -> Array:
    return samples.reshape(*samples.shape[:2], -1)


def top_quarter(samples: Array) -> Array:
    """The share of the largest quarter of the components, of one at least, in their sum."""
    ordered = np.sort(_flat(samples), axis=-1)
    count = max(1, ordered.shape[-1] // 4)
    return np.asarray(ordered[..., -count:].sum(axis=-1) / ordered.sum(axis=-1))


def eigen_top_quarter(samples: Array) -> Array:
    """The same of the eigenvalues of symmetric matrices [..., n, n]."""
    finite = np.asarray(np.isfinite(samples).all(axis=(-1, -2), keepdims=True))
    eigenvalues = np.linalg.eigvalsh(np.where(finite, samples, np.eye(samples.shape[-1])).astype(np.float64))
    shares = top_quarter(eigenvalues.clip(min=0))
    return np.where(finite[..., 0, 0], shares, np.nan)


def hill(samples: Array) -> Array:
    """Hill's estimate of the tail index: the smaller, the heavier the tail; below 2 the variance is infinite."""
    ordered = np.sort(_flat(samples), axis=-1)[..., ::-1]
    count = max(2, int(TAIL * ordered.shape[-1]))
    logs = np.log(ordered[..., : count + 1])
    return np.asarray(1 / (logs[..., :count] - logs[..., count : count + 1]).mean(axis=-1))


def participation(samples: Array) -> Array:
    """(sum of squares)^2 over the sum of fourth powers: about how many components are not small."""
    squares = _flat(samples).astype(np.float64) ** 2
    return np.asarray(squares.sum(axis=-1) ** 2 / (squares**2).sum(axis=-1))


def evenness(samples: Array) -> Array:
    """The smallest component over the largest: 1 if all are equal."""
    flat = _flat(samples)
    return np.asarray(flat.min(axis=-1) / flat.max(axis=-1))


COMPONENTS: Mapping[str, Callable[[Array], Array]] = {
    "mean": lambda samples: _flat(samples).mean(axis=-1),
    "sum": lambda samples: _flat(samples).sum(axis=-1),
    "min": lambda samples: _flat(samples).min(axis=-1),
    "max": lambda samples: _flat(samples).max(axis=-1),
    "std": lambda samples: _flat(samples).std(axis=-1),
    "norm": lambda samples: np.linalg.norm(_flat(samples).astype(np.float64), axis=-1),
    "top-quarter": top_quarter,
    "eigen-top-quarter": eigen_top_quarter,
    "hill": hill,
    "participation": participation,
    "evenness": evenness,
}
"""By the name in a claims file."""
