"""All parameters of a lane in one flat row, and the views of each parameter in it."""

import functools
from collections.abc import Mapping

import torch
from torch import Tensor

from dynviz.frozen import frozen
from dynviz.recording.metadata import Part


@frozen
class ParameterLayout:
    """The position of each parameter in the row of all of them.

    Attributes:
        shapes: The shapes of one lane's parameters, in order.
    """

    shapes: Mapping[str, tuple[int, ...]]

    @functools.cached_property
    def sizes(self) -> list[int]:
        """The size of each parameter."""
        return [torch.Size(shape).numel() for shape in self.shapes.values()]

    @property
    def parts(self) -> dict[str, Part]:
        """The position of each parameter, for the recording."""
        parts, start = {}, 0
        for (name, shape), size in zip(self.shapes.items(), self.sizes, strict=True):
            parts[name] = Part(start, shape)
            start += size
        return parts

    def join(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """The row [lanes..., numbers] of tensors [lanes..., *shape]."""
        rows = []
        for name, shape in self.shapes.items():
            lead = tensors[name].shape[: tensors[name].ndim - len(shape)]
            rows.append(tensors[name].reshape(*lead, -1))
        return torch.cat(rows, dim=-1) if rows else torch.zeros(0)

    def views(self, row: Tensor) -> dict[str, Tensor]:
        """Each parameter [lanes..., *shape] as a view of the row [lanes..., numbers]."""
        lead = row.shape[:-1]
        pieces = row.split_with_sizes(self.sizes, dim=-1) if self.shapes else ()
        return {
            name: piece.view((*lead, *shape)) for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }
