"""Second moments of a matrix's gradients: of rows, of columns, and of all entries together."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]

ROUNDING = 1e-12
"""Eigenvalues below this share of the largest come from rounding."""


def moments(gradients: Array) -> tuple[Floats, Floats, Floats]:
    """L = sum G G^T [m, m], R = sum G^T G [n, n] and C = sum vec(G) vec(G)^T [mn, mn] of gradients [steps, m, n].

    vec reads a matrix by rows, as NumPy's `kron` wants it.
    """
    g = gradients.astype(np.float64)
    flat = g.reshape(len(g), -1)
    return np.tensordot(g, g, ([0, 2], [0, 2])), np.tensordot(g, g, ([0, 1], [0, 1])), flat.T @ flat


def product(left: Floats, right: Floats) -> Floats:
    """L^{1/2} (x) R^{1/2}, by which Shampoo approximates C.

    Source: Gupta, Koren and Singer 2018, lemma 8: times the rank of the gradients it is not below C, see `excess`.
    """
    return np.asarray(np.kron(root(left), root(right)), dtype=np.float64)


def root(matrix: Floats) -> Floats:
    """The square root of a symmetric matrix that is positive semidefinite up to rounding."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(values.clip(min=0))) @ vectors.T)


def likeness(one: Floats, other: Floats) -> float:
    """The cosine similarity of two matrices: 1 if one is a multiple of the other."""
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / norms if norms > 0 else float("nan")


def excess(left: Floats, right: Floats, all_: Floats) -> float:
    """The least c with C <= c L^{1/2} (x) R^{1/2} in the Loewner order; NaN where all is zero.

    It is the largest eigenvalue of C seen through L^{-1/4} (x) R^{-1/4}, an inverse that leaves out directions which
    no gradient has, up to rounding. By lemma 8 of Shampoo it is not above the largest rank of the gradients.
    """
    if not all_.any():
        return float("nan")
    away = np.kron(_inverse(left), _inverse(right))
    return float(np.linalg.eigvalsh(away @ all_ @ away)[-1])


def _inverse(matrix: Floats) -> Floats:
    """The power -1/4 of a symmetric matrix, as a pseudoinverse."""
    values, vectors = np.linalg.eigh(matrix)
    there = values > ROUNDING * values[-1]
    return np.asarray((vectors[:, there] * values[there] ** -0.25) @ vectors[:, there].T)


def rank(gradients: Array) -> int:
    """The largest rank of matrices [steps, m, n], up to the rounding of their dtype."""
    return int(np.linalg.matrix_rank(gradients).max(initial=0))
