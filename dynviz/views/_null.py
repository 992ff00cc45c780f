"""What chance gives: the spectrum of averaged outer products of gradients that are nothing but Gaussian noise."""

import functools
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

LARGEST = 64
"""Matrices are drawn at most this large: beyond, the shares depend on the ratio of columns to rows alone."""
DRAWS = 1024
"""So many eigenvalues are drawn, in as many matrices as they make."""


def top_quarter(eigenvalues: Array) -> Array:
    """The share of the largest quarter of the eigenvalues [..., n], of one at least, in their sum [...]."""
    count = max(1, eigenvalues.shape[-1] // 4)
    largest = np.sort(eigenvalues, axis=-1)[..., -count:]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(largest.sum(axis=-1) / eigenvalues.sum(axis=-1))


def degrees(columns: int, beta: float, steps: int) -> float:
    """How many independent columns the average over so many steps has in effect: (sum of weights)^2 / sum of squares.

    >>> degrees(1, 1.0, 10), round(degrees(256, 0.999, 10**6))
    (10.0, 511744)

    Args:
        columns: Of one gradient.
        beta: What stays of the average at each step.
        steps: How many were averaged.
    """
    if beta >= 1 or steps <= 1:
        return float(columns * max(steps, 1))
    once, twice = (1 - beta**steps) / (1 - beta), (1 - beta ** (2 * steps)) / (1 - beta**2)
    return columns * once**2 / twice


@functools.lru_cache(maxsize=1024)
def share(rows: int, columns: int, beta: float, steps: int) -> float:
    """The share of the top quarter for gradients [rows, columns] of Gaussian noise.

    >>> round(share(1024, 256, 0.999, 10_000), 3)
    0.265
    """
    return float(top_quarter(_eigenvalues(rows, columns, beta, steps)).mean())


def spectrum(rows: int, columns: int, beta: float, steps: int) -> Array:
    """The eigenvalues of noise, ascending, the mean of several draws; of many rows as many as are drawn."""
    return np.asarray(np.sort(_eigenvalues(rows, columns, beta, steps), axis=-1).mean(axis=0))


def _eigenvalues(rows: int, columns: int, beta: float, steps: int) -> Array:
    """Eigenvalues [draws, size] of noise averaged like gradients [rows, columns].

    A weighted sum of outer products is about a Wishart matrix with `degrees` columns (the first two moments of its
    spectrum agree), which Bartlett's decomposition draws in one triangle.
    """
    size = min(rows, LARGEST)
    columns_in_effect = degrees(columns, beta, steps) * size / rows
    rng = np.random.default_rng(0)
    draws = max(1, DRAWS // size)
    if columns_in_effect < size:
        factor = rng.standard_normal((draws, size, max(1, round(columns_in_effect))))
    else:
        factor = np.tril(rng.standard_normal((draws, size, size)), -1)
        diagonal = np.arange(size)
        factor[:, diagonal, diagonal] = np.sqrt(rng.chisquare(columns_in_effect - diagonal, (draws, size)))
    # Of fewer columns than rows the other eigenvalues are zero.
    eigenvalues = np.zeros((draws, size))
    eigenvalues[:, : factor.shape[2]] = np.linalg.svd(factor, compute_uv=False) ** 2
    return eigenvalues


@functools.lru_cache(maxsize=1024)
def overlap(shape: tuple[int, int], beta: float, step: int, lag: int) -> float:
    """The overlap of the top quarter's space at a step with that so many steps before, for Gaussian noise.

    The statistics before are about a Wishart matrix, of `degrees` columns and of the sum of weights as its mean; those
    now are beta^lag times them and another one, of the gradients since.

    >>> overlap((8, 8), 1.0, 10**6, 1) > 0.99, round(overlap((64, 64), 0.9, 2000, 1000), 1)
    (True, 0.2)

    Args:
        shape: Rows and columns of a gradient.
        beta: What stays of the average at each step.
        step: The later one.
        lag: How many steps before it the earlier one is; fewer than `step`.
    """
    size = min(shape[0], LARGEST)
    rng = np.random.default_rng(0)
    count = max(1, size // 4)
    values = []
    for _ in range(max(4, DRAWS // size // 4)):
        before = _drawn(size, shape[1] * size / shape[0], beta, step - lag, rng)
        now = beta**lag * before + _drawn(size, shape[1] * size / shape[0], beta, lag, rng)
        one, other = (np.linalg.eigh(matrix)[1][:, -count:] for matrix in (before, now))
        values.append(np.square(one.T @ other).sum() / count)
    return float(np.mean(values))


def _drawn(size: int, columns: float, beta: float, steps: int, rng: np.random.Generator) -> Array:
    """A weighted sum of outer products of noise with so many columns each."""
    total = float(steps) if beta >= 1 else (1 - beta**steps) / (1 - beta)
    in_effect = max(1, round(degrees(1, beta, steps) * columns))
    # Of many columns the sum is its mean and normal noise.
    if in_effect > 16 * size:
        noise = rng.standard_normal((size, size))
        return np.asarray(total * columns * (np.eye(size) + (noise + noise.T) / np.sqrt(2 * in_effect)))
    factor = rng.standard_normal((size, in_effect))
    return np.asarray(total * columns / in_effect * (factor @ factor.T))
