"""Which numbers of a model are recorded: all of them, or a fixed sample of a large model's."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from dynviz.recording.metadata import Part

SKETCH = 4096
"""How many numbers of a large model are recorded."""
SEED = 20260


class Coordinates:
    """A row of numbers picked from a list of tensors, always the same ones, in their order.

    Attributes:
        shapes: The shape of each tensor, by name.
        parts: Where each tensor lies in the row; empty for a sample of the numbers.
        size: The length of the row.
        total: How many numbers the tensors have in all.
    """

    def __init__(self, tensors: Mapping[str, Tensor], *, whole: bool) -> None:
        """Choose the numbers.

        Args:
            tensors: By name; only their shapes and devices are looked at.
            whole: All numbers rather than a sample of `SKETCH`.
        """
        self.shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        sizes = [tensor.numel() for tensor in tensors.values()]
        self.total = sum(sizes)
        self.dtype = torch.float64 if any(one.dtype == torch.float64 for one in tensors.values()) else torch.float32
        self.parts: dict[str, Part] = {}
        self._picked: list[Tensor | None] = [None] * len(sizes)
        if whole or self.total <= SKETCH:
            start = 0
            for name, shape in self.shapes.items():
                self.parts[name] = Part(start, shape)
                start += math.prod(shape)
            self._lengths = sizes
        else:
            # A generator of its own: the user's random numbers stay what they would be without a recording.
            picks = np.random.default_rng(SEED).choice(self.total, SKETCH, replace=False, shuffle=False)
            chosen = torch.from_numpy(np.sort(picks))
            start, self._lengths = 0, []
            for place, (tensor, size) in enumerate(zip(tensors.values(), sizes, strict=True)):
                own = chosen[(chosen >= start) & (chosen < start + size)] - start
                self._picked[place] = own.to(tensor.device)
                self._lengths.append(len(own))
                start += size
        self.size = sum(self._lengths)

    def __len__(self) -> int:
        """The number of tensors."""
        return len(self._picked)

    def pick(self, place: int, tensor: Tensor) -> Tensor:
        """The numbers of one tensor that are in the row, as a copy of the row's dtype."""
        picked = self._picked[place]
        tensor = tensor.detach()
        if tensor.is_sparse:
            tensor, picked = _rows(tensor, picked)
        flat = tensor.reshape(-1)
        numbers = flat if picked is None else flat.index_select(0, picked)
        return numbers.to(self.dtype, copy=picked is None)

    def row(self, tensors: Sequence[Tensor | None]) -> Tensor:
        """The row on the CPU; NaN for tensors that are not there."""
        parts = [
            torch.full((length,), math.nan, dtype=self.dtype)
            if tensor is None
            else self.pick(place, tensor).to("cpu", non_blocking=False)
            for place, (tensor, length) in enumerate(zip(tensors, self._lengths, strict=True))
        ]
        return torch.cat(parts) if parts else torch.empty(0, dtype=self.dtype)

    def length(self, place: int) -> int:
        """How many numbers of one tensor are in the row."""
        return self._lengths[place]


def _rows(tensor: Tensor, picked: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """A sparse tensor made dense: only the rows that numbers are picked from."""
    if picked is None or tensor.sparse_dim() != 1:
        return tensor.to_dense(), picked
    width = math.prod(tensor.shape[1:])
    rows = tensor.coalesce().index_select(0, picked // width).to_dense().reshape(len(picked), -1)
    return rows, torch.arange(len(picked), device=picked.device) * width + picked % width
