"""Second moments of a matrix's gradients: of its rows, of its columns, and of all its numbers together."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]


def moments(gradients: Array) -> tuple[Floats, Floats, Floats]:
    """L = sum G G^T [m, m], R = sum G^T G [n, n] and C = sum vec(G) vec(G)^T [mn, mn] of gradients [steps, m, n].

    vec reads a matrix by rows, as NumPy's `kron` wants it.
    """
    g = gradients.astype(np.float64)
    flat = g.reshape(len(g), -1)
    return np.einsum("tij,tkj->ik", g, g), np.einsum("tij,tik->jk", g, g), flat.T @ flat


def product(left: Floats, right: Floats) -> Floats:
    """L^{1/2} (x) R^{1/2}, which stands for C in Shampoo.

    Source: Gupta, Koren and Singer 2018, lemma 8: times the rank of the gradients it is not below C.
    """
    return np.asarray(np.kron(root(left), root(right)), dtype=np.float64)


def root(matrix: Floats) -> Floats:
    """The square root of a symmetric matrix that has no negative eigenvalues but for rounding."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(values.clip(min=0))) @ vectors.T)


def likeness(one: Floats, other: Floats) -> float:
    """The cosine of two matrices: 1 where one is a multiple of the other."""
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / norms if norms > 0 else float("nan")
