"""The operators that a function of tensors calls: how many, and whether one of them waits for the device."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

APART = ("linalg_vector_norm", "linalg_cross")
"""Operators of linear algebra that are no factorisations."""


class OperatorMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A dispatch mode that does not import torch's compiler, which would take two seconds in each process."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Whether the mode is to be hidden from torch.compile: nothing is compiled under it.
        return False


class Operators(OperatorMode):
    """Counts the operators called inside the block.

    Attributes:
        count: Their number.
        decides: Whether Python reads a number from one of them, or the shape of its result depends on numbers.
        waits: Whether one of them waits for the device, which a CUDA graph cannot contain.
        draws: Whether one of them draws random numbers, which must differ between steps.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.decides = False
        self.waits = False
        self.draws = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        factorises = name.lstrip("_").startswith("linalg") and name not in APART
        decides = bool({torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & set(func.tags))
        self.decides |= decides
        self.waits |= factorises or decides
        self.draws |= torch.Tag.nondeterministic_seeded in func.tags
        self.count += 1
        return func(*args, **(kwargs or {}))


def operators(function: Callable[[], object]) -> Operators:
    """The operators that a function calls."""
    seen = Operators()
    with seen:
        function()
    return seen
