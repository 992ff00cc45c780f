"""The loss of a recording as a function that the user gives, of a script's own loop for example."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.plugins.kinds import Kind
from dynviz.plugins.registry import function
from dynviz.recording import Recording
from dynviz.task import Batch, Task, Tensors, no_batches
from dynviz.text import quoted

LossFunction: TypeAlias = Callable[[Mapping[str, Tensor]], Tensor]
"""Function of a model's parameters by name to the loss, a tensor of one number."""
PARAMETERS = "parameters"
LOSS = Kind("loss functions", "", "loss")


def task_with(recording: Recording, lane: int, given: str | LossFunction) -> Task:
    """A task whose loss is a given function of a recording's parameters.

    Args:
        recording: With the channel `parameters`, in full.
        lane: The lane whose last parameters the task begins with.
        given: The function; the path of a file that binds it as `loss`; or its import path.

    Raises:
        DynvizError: There is no such function, it does not return one number, or the parameters are not recorded in
            full.
    """
    info = recording.metadata.channels.get(PARAMETERS)
    if info is None or not info.parts:
        raise DynvizError(
            f"recording {quoted(recording.label)} does not hold all parameters, of which a loss is a function; record "
            "them with dynviz.record(..., whole=True)"
        )
    measure: LossFunction = function(given, LOSS) if isinstance(given, str) else given
    last = recording[PARAMETERS][-1:, lane]
    row = torch.from_numpy(last[0].copy()) if len(last) else torch.zeros(info.shape, dtype=torch.float64)
    sizes = {name: (part.start, part.start + torch.Size(part.shape).numel()) for name, part in info.parts.items()}
    parameters = {name: row[slice(*sizes[name])].reshape(part.shape) for name, part in info.parts.items()}

    def loss(tensors: Tensors, constants: Tensors, batch: Batch) -> Tensor:  # noqa: ARG001
        value = measure(tensors)
        if not isinstance(value, Tensor) or value.numel() != 1:
            kind = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
            raise DynvizError(f"the loss function returns {kind}, not a tensor of one number")
        return value.reshape(())

    return Task(parameters=parameters, loss=loss, batches=no_batches, steps=recording.total)
