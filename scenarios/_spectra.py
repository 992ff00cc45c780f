"""What is measured of a matrix that learns another: its singular values, its subspaces, its effective rank."""

import torch
from torch import Tensor

CORNER = 64
"""Rows and columns of a matrix that are recorded for heat maps: of larger ones the first."""


def singular_values(matrix: Tensor, count: int | None = None) -> Tensor:
    """The largest singular values of a matrix, all of them without `count`; NaN where it is not finite.

    A factorisation fails on numbers that are not finite, for all lanes of a stack: such a lane is measured as NaN.
    """
    good = matrix.isfinite().all()
    values = _values(torch.where(good, matrix, 0.0))[:count]
    return torch.where(good, values, torch.nan)


def of_product(left: Tensor, right: Tensor) -> Tensor:
    """The singular values of left^T right, from the small factors of both: rows [rows, m] and [rows, n].

    For 32 rows of a thousand numbers this takes a fiftieth of the time of a factorisation of the product.
    """
    good = left.isfinite().all() & right.isfinite().all()
    factors = (torch.linalg.qr(torch.where(good, side, 0.0).T, mode="r")[1] for side in (left, right))
    first, second = factors
    values = _values(first @ second.T)
    return torch.where(good, values, torch.nan)


def subspaces(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """Left [m, rank] and right [n, rank] singular vectors of the largest singular values, and all of these.

    Of a matrix that is not finite they are NaN.
    """
    good = matrix.isfinite().all()
    u, s, vh = _decomposed(torch.where(good, matrix, 0.0))
    return tuple(torch.where(good, part, torch.nan) for part in (u[:, :rank], vh[:rank].T, s))  # type: ignore[return-value]


def _values(matrix: Tensor) -> Tensor:
    """Singular values; in float64 where the decomposition of a float32 matrix does not converge.

    LAPACK's algorithm fails on a rare matrix, such as one of many equal singular values, which is no reason for
    training to end.
    """
    try:
        values: Tensor = torch.linalg.svdvals(matrix)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        values = torch.linalg.svdvals(matrix.double()).to(matrix.dtype)
    return values


def _decomposed(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same with both singular vectors, between which the values stand."""
    try:
        u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        u, s, vh = (part.to(matrix.dtype) for part in torch.linalg.svd(matrix.double(), full_matrices=False))
    return u, s, vh


def alignment(one: Tensor, other: Tensor) -> Tensor:
    """The mean squared cosine of the principal angles of two subspaces, with bases [n, k] in columns: 1 for the same.

    Two random ones of dimension k among n have about k / n.
    """
    overlap: Tensor = (one.T @ other).square().sum() / one.shape[1]
    return overlap


def effective_rank(values: Tensor) -> Tensor:
    """The exponential of the entropy of singular values as shares of their sum.

    k equal ones and else zeros give k. Source: Roy and Vetterli 2007.
    """
    shares = values / values.sum()
    rank: Tensor = torch.exp(torch.special.entr(shares).sum())
    return rank


def corner(matrix: Tensor) -> Tensor:
    """The first rows and columns of a matrix."""
    return matrix[:CORNER, :CORNER]
