"""Transferring samples from the device to NumPy."""

from collections.abc import Mapping

import torch
from numpy.typing import NDArray
from torch import Tensor

Arrays = dict[str, NDArray]  # type: ignore[type-arg]


class Transfer:
    """Samples in transfer, or already transferred."""

    def __init__(self, tensors: Mapping[str, Tensor], arrived: "torch.cuda.Event | None" = None) -> None:
        self._tensors = tensors
        self._arrived = arrived

    def arrays(self) -> Arrays:
        """Wait for the samples."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return {name: value.numpy() for name, value in self._tensors.items()}


class DeviceReader:
    """Brings samples from the device to this machine's memory.

    On a GPU they are copied by a stream of their own into pinned memory, so that neither the GPU nor we wait for a
    copy: the steps that come next are under way while it is made. Both sides of the ring that this needs, on the device
    and here, are torch's caching allocators: a buffer is handed out again when the copy that used it is over.

    Attributes:
        late: Whether samples arrive later than they are sent, so that it pays to do something else first.
    """

    def __init__(self, device: torch.device) -> None:
        self.late = device.type == "cuda"
        self._device = device
        self._stream = torch.cuda.Stream(device) if self.late else None  # type: ignore[no-untyped-call]

    def send(self, tensors: Mapping[str, Tensor]) -> Transfer:
        """Start transferring samples, whose storage must not change anymore."""
        # NumPy has no bfloat16; float32 holds the same numbers.
        plain = {name: value.float() if value.dtype == torch.bfloat16 else value for name, value in tensors.items()}
        if self._stream is None:
            return Transfer(plain)
        made = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(made)
        copies = {}
        with torch.cuda.stream(self._stream):
            for name, value in plain.items():
                if value.device.type == "cpu":
                    copies[name] = value
                    continue
                copies[name] = torch.empty(value.shape, dtype=value.dtype, pin_memory=True)
                copies[name].copy_(value, non_blocking=True)
                # The allocator must not hand the memory out again before the copy is made.
                value.record_stream(self._stream)
            arrived = self._stream.record_event()
        return Transfer(copies, arrived)
