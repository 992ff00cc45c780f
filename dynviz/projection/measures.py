"""Thread-safe losses of a task as functions of one network's parameters."""

from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, TypeAlias

import torch
from torch import Tensor

from dynviz.task import Batch, Measure, Task, Tensors
from dynviz.training import randomness

TRAINING_LOSS = "loss"
Numbers: TypeAlias = Callable[[Tensors, Tensors], Tensor]
"""Function of parameters and of buffers, none for those before training, to one number for each loss."""


class Exclusive:
    """A pool of equal functions, each called by one thread at a time."""

    def __init__(self, functions: Sequence[Numbers]) -> None:
        self._free: SimpleQueue[Numbers] = SimpleQueue()
        for function in functions:
            self._free.put(function)

    def __call__(self, parameters: Tensors, buffers: Tensors) -> Tensor:
        function = self._free.get()
        try:
            return function(parameters, buffers)
        finally:
            self._free.put(function)


def seeded(function: Numbers, device: torch.device) -> Numbers:
    """Wrap a function so that it draws the same random numbers at each call."""

    def measure(parameters: Tensors, buffers: Tensors) -> Tensor:
        randomness.seed(0, 0, device)
        return function(parameters, buffers)

    return measure


def probes_of(task: Task) -> dict[str, tuple[Measure, int]]:
    """For each channel of one number, its probe and its index in the probe's results."""
    return {
        channel.name: (probe.measure, index)
        for probe in task.probes
        if not isinstance(probe.measure, str)
        for index, channel in enumerate(probe.channels)
        if not channel.dims and channel.every
    }


def numbers(task: Task, names: Sequence[str], batches: int, device: torch.device) -> Numbers:
    """The named losses of a task; `loss` is the mean over a number of training batches."""
    known = probes_of(task)
    constants = {name: value.to(device) for name, value in {**task.constants, **task.buffers}.items()}
    drawn = task.batches(0, batches)
    used: list[Batch] = [
        tuple(tensor[place].to(device) for tensor in drawn) for place in range(batches if drawn else 1)
    ]
    probes = {known[name][0]: None for name in names if name != TRAINING_LOSS}

    def measure(parameters: Tensors, buffers: Tensors) -> Tensor:
        present = {**constants, **buffers}
        # A module writes into the statistics that it is called with.
        present |= {name: present[name].clone() for name in task.buffers}
        # A probe that gives several of them is asked once.
        measured: dict[Measure, Any] = {probe: probe(parameters, present, used[0]) for probe in probes}
        values = []
        for name in names:
            if name == TRAINING_LOSS:
                losses = [task.loss(parameters, present, batch) for batch in used]
                values.append(torch.stack([loss[0] if isinstance(loss, tuple) else loss for loss in losses]).mean())
            else:
                probe, index = known[name]
                value = measured[probe]
                values.append(value[index] if isinstance(value, tuple) else value)
        return torch.stack(values)

    return measure
