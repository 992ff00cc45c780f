"""The channels of one recording: their descriptions, and the arrays of their samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.recording.metadata import ChannelInfo
from dynviz.task import Channel


def index(every: int, step: int) -> int:
    """The index of the first sample that belongs to this step or a later one.

    >>> [index(3, step) for step in range(8)]
    [0, 1, 1, 1, 2, 2, 2, 3]
    """
    return -(-step // every) if every else 0


@frozen
class SampleFormat:
    """Dtype and shape of one sample, for each lane, from the first measurement of a channel."""

    dtype: torch.dtype
    shapes: tuple[tuple[int, ...], ...]


def info(channel: Channel, every: int, sample: SampleFormat) -> ChannelInfo:
    """The description of a channel in a recording; if the shapes of lanes differ, it has room for the largest.

    Raises:
        DynvizError: The probe returns a different number of dimensions than the channel names.
    """
    shapes = sample.shapes
    if any(len(shape) != len(channel.dims) for shape in shapes):
        raise DynvizError(
            f"channel {channel.name!r} names dimensions {channel.dims}, but one sample has the shape {shapes[0]}"
        )
    largest = tuple(max(sizes) for sizes in zip(*shapes, strict=True)) if shapes[0] else ()
    differ = len(set(shapes)) > 1
    dtype = numpy_dtype(sample.dtype)
    if differ and dtype.kind != "f":
        # NaN is what pads the smaller lanes.
        dtype = np.dtype(np.float32)
    return ChannelInfo(
        every,
        dtype.str,
        largest,
        channel.dims,
        channel.help,
        shapes if differ else (),
        title=channel.title,
        better=channel.better,
        bounds=channel.bounds,
    )


def numpy_dtype(dtype: torch.dtype) -> np.dtype[Any]:
    """NumPy's dtype for a tensor's; bfloat16, which NumPy lacks, is recorded as float32."""
    if dtype == torch.bfloat16:
        return np.dtype(np.float32)
    return np.dtype(torch.empty(0, dtype=dtype).numpy().dtype)


def assemble(described: ChannelInfo, lanes: int, parts: Sequence[tuple[Sequence[int], NDArray[Any]]]) -> NDArray[Any]:
    """Combine the samples of a channel's stacks into one array [samples, lanes, ...].

    Args:
        described: The channel.
        lanes: The number of lanes in the recording.
        parts: For each stack, the positions of its lanes and its samples [samples, lanes of the stack, ...].
    """
    places, first = parts[0]
    if len(parts) == 1:
        return np.ascontiguousarray(first, dtype=described.dtype)
    whole = np.empty((len(first), lanes, *described.shape), described.dtype)
    if described.shapes:
        whole.fill(np.nan)
    for places, samples in parts:
        inside = (slice(None), *(slice(size) for size in samples.shape[2:]))
        for place, lane in enumerate(places):
            whole[:, lane][inside] = samples[:, place]
    return whole
