"""Statistics of gradients and their inverse roots, for the rules that precondition by matrices.

All of it is done in float64: a root of a matrix whose eigenvalues span seven decades means nothing in float32.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from dynviz.rule import Terms

LONGEST = 512
"""Directions are shown of axes up to this size: a quarter of the numbers of their matrix, at each sample."""


def finite(value: Tensor) -> tuple[Tensor, Tensor]:
    """A tensor that a factorisation can take, and whether it is the one given.

    A batched factorisation fails for all lanes where it fails for one, so that zeros stand in for a lane that is not
    finite. What is made of them goes through `spoiled`.
    """
    good = value.isfinite().all()
    return torch.where(good, value, torch.zeros_like(value)), good


def spoiled(value: Tensor, good: Tensor) -> Tensor:
    """The value where it is good, else NaN everywhere."""
    return torch.where(good, value, torch.full_like(value, float("nan")))


def unfolded(tensor: Tensor, axis: int) -> Tensor:
    """The tensor as a matrix [size of the axis, the rest]; a tensor without axes is one number."""
    if not tensor.ndim:
        return tensor.reshape(1, 1)
    return tensor.movedim(axis, 0).reshape(tensor.shape[axis], -1)


def along(tensor: Tensor, axis: int, change: Callable[[Tensor], Tensor]) -> Tensor:
    """The tensor whose matrix of `unfolded` is changed."""
    changed = change(unfolded(tensor, axis))
    if not tensor.ndim:
        return changed.reshape(())
    return changed.reshape(tensor.movedim(axis, 0).shape).movedim(0, axis)


def sizes(theta: Tensor) -> tuple[int, ...]:
    """The size of each axis of a parameter; one number is a vector of one."""
    return tuple(theta.shape) or (1,)


def eigen(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues [n], ascending and not below zero, and eigenvectors [n, n] in columns, of a symmetric matrix.

    The eigenvalues of a matrix that is not finite are NaN.
    """
    masked, good = finite(matrix)
    values, vectors = torch.linalg.eigh(masked)
    return spoiled(values.clamp_min(0), good), vectors


def eigenvalues(matrix: Tensor) -> Tensor:
    """The eigenvalues of `eigen`, the largest first."""
    masked, good = finite(matrix)
    return spoiled(torch.linalg.eigvalsh(masked).clamp_min(0), good).flip(-1)


def quarter(size: int) -> int:
    """So many of the largest eigenvalues of an axis of this size have their directions shown.

    They are a quarter; none of an axis that is shorter than 4, or so long that they would fill a disk.
    """
    return size // 4 if size <= LONGEST else 0


def spectrum(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The eigenvalues [n] of `eigen`, the largest first, and the eigenvectors [quarter, n] of the largest in rows.

    Eigenvectors of what is zero up to rounding are zero, those of a matrix that is not finite NaN.
    """
    size = matrix.shape[-1]
    if not quarter(size):
        return eigenvalues(matrix), matrix.new_zeros(0, size)
    values, vectors = eigen(matrix)
    values, directions = values.flip(-1), vectors.mT.flip(-2)[: quarter(size)]
    some = values[: quarter(size), None] > size * torch.finfo(matrix.dtype).eps * values[0]
    shown = torch.where(some, directions, torch.zeros_like(directions))
    return values, spoiled(shown, ~values[0].isnan())


def powered(values: Tensor, power: float, eps: Tensor | float = 0.0) -> Tensor:
    """Eigenvalues plus eps to a negative power; zero where that is zero up to rounding, as in a pseudoinverse.

    Where eps is nothing beside the largest eigenvalue, it stands for no scale: to a negative power it would only blow
    up what rounding leaves outside the range of the statistics.
    """
    floor = values.shape[-1] * torch.finfo(values.dtype).eps * values.amax(-1, keepdim=True)
    shifted = values + eps
    # Comparisons with NaN are false: what is not a number stays so.
    return torch.where(shifted <= floor, torch.zeros_like(values), shifted**power)


def turned(gradient: Tensor, step: Tensor) -> Terms:
    """A step as the part along the gradient and the rest, which is orthogonal to it.

    The first is what plain gradient descent would do with a step size that fits, the second how far the
    preconditioner turned it. Neither is longer than the step, so that their sum loses no digits. (The step less
    -lr times the gradient would: a gradient of 1e9 leaves no digit of a step of 1 in float32.)
    """
    square = gradient.square().sum()
    share = torch.where(square == 0, torch.zeros_like(square), (step * gradient).sum() / square)
    along_gradient = share * gradient
    return {"gradient": along_gradient, "preconditioning": step - along_gradient}
