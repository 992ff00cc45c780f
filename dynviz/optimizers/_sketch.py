"""Frequent Directions: a few rows that stand for the second moments of many (Liberty 2013, Ghashami et al. 2016)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from dynviz.optimizers._roots import finite, spoiled

OVERSAMPLED = 16
"""So many directions more than a sketch has rows are iterated on: the last ones of a block converge slowly."""
GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Shrunk:
    """A sketch after new rows, and what the factorisation told on the way.

    Attributes:
        rows: The sketch B [l, d]; its rows are orthogonal.
        directions: Orthonormal rows [l, d], the largest first.
        values: Eigenvalues [l] of B^T B + escaped I in these directions: those that there were before shrinking.
        escaped: Mass [] that was subtracted from each direction's eigenvalue.
    """

    rows: Tensor
    directions: Tensor
    values: Tensor
    escaped: Tensor


def shrink(sketch: Tensor, rows: Tensor, iterations: int = 0) -> Shrunk:
    """Take rows [r, d] into a sketch [l, d] with l <= d.

    With U S V^T the singular value decomposition of the sketch over the rows and delta = s_l^2, the new sketch is
    sqrt(S^2 - delta) V^T, l rows of it, the last of them zero. Where A is all rows that ever came and B the sketch,
    0 <= A^T A - B^T B <= (sum of delta) I <= |A - A_k|_F^2 / (l - k) I for each k < l.

    With `iterations` above zero the leading singular vectors are those of so many subspace iterations, see `leading`;
    what lies outside the subspace is then lost.

    Rows that are not finite give NaN everywhere.
    """
    size = sketch.shape[0]
    masked, good = finite(torch.cat([sketch, rows]))
    if iterations:
        singular, directions = leading(masked, size, iterations)
    else:
        _, singular, directions = torch.linalg.svd(masked, full_matrices=False)
    values, directions = spoiled(singular[:size], good), directions[:size]
    least = values[-1]
    # As a product: the difference of two squares loses half of the digits.
    kept = ((values - least) * (values + least)).clamp_min(0).sqrt()
    return Shrunk(kept[:, None] * directions, directions, values.square(), least.square())


def leading(stacked: Tensor, size: int, iterations: int) -> tuple[Tensor, Tensor]:
    """The leading singular values [p] and right singular vectors [p, d], p >= size, of a sketch over new rows.

    Subspace iteration on a block Q of p = size + 16 columns at most: Q <- qr(A^T A Q), then the singular values of A Q
    (Rayleigh-Ritz). It is warm-started from the sketch's own rows, which are the last step's singular vectors; the
    columns that are left begin as combinations of the new rows. A time of O(n d p) instead of the O(n d min(n, d)) of
    a whole decomposition.

    Source: Halko, Martinsson and Tropp 2011, Finding structure with randomness, algorithm 4.4, for the iteration.

    Args:
        stacked: A [n, d]: the sketch [size, d] over the new rows.
        size: How many are needed.
        iterations: How many times the block is multiplied by A^T A.
    """
    rows = stacked[size:]
    width = min(size + OVERSAMPLED, *stacked.shape)
    kept = torch.cat([stacked[:size], stacked.new_zeros(max(width - size, 0), stacked.shape[1])])[:width]
    count = torch.arange(max(width, len(rows)), dtype=stacked.dtype, device=stacked.device)
    # Numbers without a pattern, which are no random draw: a rule is a function of its state.
    mixing = torch.cos(math.pi * GOLDEN * (count[:width, None] + 1) * count[None, : len(rows)].square())
    start = torch.where(kept.square().sum(1, keepdim=True) > 0, kept, mixing @ rows)
    basis = torch.linalg.qr(start.mT).Q
    for _ in range(iterations):
        basis = torch.linalg.qr(stacked.mT @ (stacked @ basis)).Q
    _, singular, turn = torch.linalg.svd(stacked @ basis, full_matrices=False)
    return singular, turn @ basis.mT


def distance(one: Tensor, other: Tensor, shift: Tensor) -> Tensor:
    """The operator norm [] of B^T B - C^T C + shift I, for sketches B [l, d] and C [m, d]; no [d, d] matrix is made."""
    masked, good = finite(torch.cat([one, other]))
    # In the span of all rows; B^T B - C^T C is zero outside of it.
    rows = torch.linalg.qr(masked.mT, mode="r").R
    ours, theirs = rows[:, : len(one)], rows[:, len(one) :]
    norm = (torch.linalg.eigvalsh(ours @ ours.mT - theirs @ theirs.mT) + shift).abs().amax()
    if len(rows) < one.shape[1]:
        norm = torch.maximum(norm, shift.abs())
    return spoiled(norm, good)
