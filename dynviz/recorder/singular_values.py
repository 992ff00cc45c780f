"""The largest singular values of weights, by a few matrix products a sample."""

import torch
from torch import Tensor

from dynviz.recording import layout

COUNT = 8
"""How many of a matrix."""
SPARE = 4
"""How many more vectors are carried, so that the smallest of those that count settles too."""
ROUNDS = 4
"""Products with the matrix and its transpose before the first sample. Each sample makes one more, from which the next
one starts."""
SMALL = 48
"""Matrices with a side no longer than this are decomposed exactly, if they are not large."""
LARGE = 1 << 18
"""Numbers of a matrix above which it is not, because that takes a copy."""
SEED = 20260
CHANNEL = "singular_values"


class LargestSingularValues:
    """Follows the largest singular values of one matrix as it is trained, by subspace iteration.

    The values are those of the matrix on the subspace, and so never above the true ones. The subspace is the one that
    the samples before have led to: it follows a matrix that changes little from one to the next.

    Source: Golub and Van Loan 2013, section 8.2.4.
    """

    def __init__(self, weight: Tensor) -> None:
        """Choose how many, by the shape; of a tensor of higher order the first dimension is that of the rows."""
        rows, columns = weight.shape[0], weight[0].numel()
        self.count = min(COUNT, rows, columns)
        self._exact = min(rows, columns) <= SMALL and rows * columns <= LARGE
        if not self._exact:
            generator = torch.Generator().manual_seed(SEED)
            start = torch.randn(columns, self.count + SPARE, generator=generator)
            self._basis = torch.linalg.qr(start.to(weight.device)).Q
            self._begun = False

    def of(self, weight: Tensor) -> Tensor:
        """The values on the CPU, the largest first; NaN where the matrix is not finite."""
        matrix = weight.detach().reshape(weight.shape[0], -1).float()
        try:
            if self._exact:
                return self._largest(matrix)
            for _ in range(0 if self._begun else ROUNDS):
                self._basis = torch.linalg.qr(matrix.T @ (matrix @ self._basis)).Q
            image = matrix @ self._basis
            values = self._largest(torch.linalg.qr(image, mode="r").R)
            basis = torch.linalg.qr((image.T @ matrix).T).Q
        except RuntimeError:  # of torch.linalg: numbers that are not finite
            return torch.full((self.count,), torch.nan)
        if basis.isfinite().all():
            self._basis, self._begun = basis, True
        return values

    def _largest(self, matrix: Tensor) -> Tensor:
        values: Tensor = torch.linalg.svdvals(matrix)
        return values[: self.count].cpu()


def channel(name: str) -> str:
    """The channel of a parameter's singular values."""
    return layout.channel_name(f"{CHANNEL}.{name}")
