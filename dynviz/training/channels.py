"""The channels of one recording: what can be recorded, when samples are due, and the blocks that hold them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.recording.metadata import ChannelInfo
from dynviz.task import Channel

LOSS = Channel("loss", 1, (), "loss on the batch of the step, before the step")
PARAMETERS = "parameters"
GRADIENT = "gradient"


def built_in(every: int, terms: Sequence[str]) -> tuple[Channel, ...]:
    """Channels that every recording can have, off unless asked for: all parameters in a row, and what moved them."""
    row = ("number",)
    return (
        Channel(PARAMETERS, every, row, "all parameters in a row", on=False),
        Channel(GRADIENT, every, row, "gradient of the loss on the batch of the step", on=False),
        *(
            Channel(f"term.{term}", every, row, f"the {term} part of the step that led here", on=False)
            for term in terms
        ),
    )


def due(every: int, step: int, steps: int) -> bool:
    """Whether a sample belongs to this step.

    >>> [step for step in range(8) if due(3, step, 7)]
    [0, 3, 6, 7]
    """
    if every == 0:
        return step == 0
    return step % every == 0 or step == steps


def index(every: int, step: int) -> int:
    """The place of the sample that belongs to a step at which one is due."""
    return -(-step // every) if every else 0


@dataclass(frozen=True)
class Measured:
    """What the first measurement of a channel told: dtype and shape of one lane's sample, for each lane."""

    dtype: torch.dtype
    shapes: tuple[tuple[int, ...], ...]


def info(channel: Channel, every: int, measured: Measured) -> ChannelInfo:
    """The channel as a recording describes it; lanes of different shape get room for the largest.

    Raises:
        DynvizError: The probe gives another number of dimensions than the channel names.
    """
    shapes = measured.shapes
    if any(len(shape) != len(channel.dims) for shape in shapes):
        raise DynvizError(
            f"channel {channel.name!r} names dimensions {channel.dims}, but one sample has the shape {shapes[0]}"
        )
    largest = tuple(max(sizes) for sizes in zip(*shapes, strict=True)) if shapes[0] else ()
    differ = len(set(shapes)) > 1
    dtype = numpy_dtype(measured.dtype)
    if differ and dtype.kind != "f":
        # NaN is what pads the smaller lanes.
        dtype = np.dtype(np.float32)
    return ChannelInfo(every, dtype.str, largest, channel.dims, channel.help, shapes if differ else ())


def numpy_dtype(dtype: torch.dtype) -> np.dtype[Any]:
    """NumPy's dtype for a tensor's; bfloat16, which NumPy has not, is recorded as float32."""
    if dtype == torch.bfloat16:
        return np.dtype(np.float32)
    return np.dtype(torch.empty(0, dtype=dtype).numpy().dtype)


class Block:
    """Samples of one channel on the way to the file: filled on the training device, written a block at a time.

    Attributes:
        info: The channel.
        first: Place of the first sample in the block, None while it is empty.
        count: How many there are.
    """

    def __init__(self, described: ChannelInfo, lanes: int, capacity: int, device: torch.device) -> None:
        self.info = described
        self.first: int | None = None
        self.count = 0
        self._padded = bool(described.shapes)
        dtype = torch.from_numpy(np.empty(0, dtype=described.dtype)).dtype
        self._ring = torch.empty((capacity, lanes, *described.shape), dtype=dtype, device=device)
        if self._padded:
            self._ring.fill_(float("nan"))

    def due(self, step: int, steps: int) -> bool:
        """Whether a sample belongs to this step."""
        return due(self.info.every, step, steps)

    def put(self, step: int, value: Tensor, lanes: Sequence[int] | None) -> None:
        """Keep the sample of a step: `value` is that of one lane, or [lanes, ...]; lanes None: all of them."""
        place = index(self.info.every, step)
        if self.first is None:
            self.first = place
        slot = self._ring[place - self.first]
        self.count = max(self.count, place - self.first + 1)
        if lanes is None:
            slot.copy_(value if value.ndim == slot.ndim else value[None])
        elif not self._padded:
            slot[list(lanes)] = value.to(slot.dtype).reshape(len(lanes), *slot.shape[1:])
        else:
            value = value.reshape(len(lanes), *value.shape[value.ndim - len(self.info.shape) :])
            for lane, part in zip(lanes, value, strict=True):
                slot[lane][tuple(slice(size) for size in part.shape)] = part.to(slot.dtype)

    def drain(self, write: Callable[[int, NDArray[Any]], None]) -> NDArray[Any] | None:
        """Hand the samples, [count, lanes, ...], to `write` with the place of the first, and start again."""
        if self.first is None:
            return None
        samples = self._ring[: self.count].cpu().numpy()
        write(self.first, samples)
        self.first, self.count = None, 0
        return samples
