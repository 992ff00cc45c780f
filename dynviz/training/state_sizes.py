"""The size of what optimizers keep, for parameters of any shape, without making them."""

import math
from collections.abc import Mapping, Sequence

import torch

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins import Plugin
from dynviz.rule import NOISE


@frozen
class StateSize:
    """What an optimizer keeps beside some parameters.

    Attributes:
        numbers: How many, by their names in the rule's state.
        held: Bytes, by the same names, as the rule holds them; some keep float64 for the sake of their arithmetic.
        parameters: How many numbers the parameters have.
    """

    numbers: Mapping[str, int]
    held: Mapping[str, int]
    parameters: int


def state_size(optimizer: Plugin, shapes: Sequence[tuple[int, ...]]) -> StateSize:
    """The size of a rule's state for parameters of these shapes, which are float32.

    The rule's own `init` makes the state, of tensors that have shapes and dtypes and no memory.

    Raises:
        DynvizError: The optimizer is no rule, or one of its hyperparameters has no value.
    """
    if isinstance(optimizer.target, type) and issubclass(optimizer.target, torch.optim.Optimizer):
        raise DynvizError(f"{optimizer.name} keeps its state to itself; name a rule, such as adam or shampoo")
    rule = optimizer.make()
    numbers: dict[str, int] = {}
    held: dict[str, int] = {}
    for shape, count in _counted(shapes).items():
        state = rule.init(torch.empty(shape, device="meta"))
        for name, tensor in state.items():
            # Noise is in the state and kept from no step to the next.
            if name != NOISE:
                numbers[name] = numbers.get(name, 0) + count * tensor.numel()
                held[name] = held.get(name, 0) + count * tensor.numel() * tensor.itemsize
    return StateSize(numbers, held, sum(math.prod(shape) for shape in shapes))


def _counted(shapes: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], int]:
    return {shape: shapes.count(shape) for shape in dict.fromkeys(shapes)}
