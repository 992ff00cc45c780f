"""Frequent Directions: a few rows that stand for the second moments of many (Liberty 2013, Ghashami et al. 2016)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from dynviz.optimizers._roots import finite, spoiled


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


def shrink(sketch: Tensor, rows: Tensor) -> Shrunk:
    """Take rows [r, d] into a sketch [l, d] with l <= d.

    With U S V^T the singular value decomposition of the sketch over the rows and delta = s_l^2, the new sketch is
    sqrt(S^2 - delta) V^T, l rows of it, the last of them zero. Where A is all rows that ever came and B the sketch,
    0 <= A^T A - B^T B <= (sum of delta) I <= |A - A_k|_F^2 / (l - k) I for each k < l.

    Rows that are not finite give NaN everywhere.
    """
    size = sketch.shape[0]
    masked, good = finite(torch.cat([sketch, rows]))
    _, singular, directions = torch.linalg.svd(masked, full_matrices=False)
    values, directions = spoiled(singular[:size], good), directions[:size]
    least = values[-1]
    # As a product: the difference of two squares loses half of the digits.
    kept = ((values - least) * (values + least)).clamp_min(0).sqrt()
    return Shrunk(kept[:, None] * directions, directions, values.square(), least.square())
