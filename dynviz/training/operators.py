"""What a function of tensors calls: how many operators, and whether one of them waits for the device."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

APART = ("linalg_vector_norm", "linalg_cross")
"""Operators of linear algebra that are no factorisations."""


class Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The operators that are called while it is entered.

    Attributes:
        count: How many.
        waits: Whether one of them waits for the device, which a CUDA graph cannot hold.
        draws: Whether one of them draws random numbers, which belong to one step alone.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0
        self.waits = False
        self.draws = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        factorises = name.lstrip("_").startswith("linalg") and name not in APART
        decides = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & set(func.tags)
        self.waits |= factorises or bool(decides)
        self.draws |= torch.Tag.nondeterministic_seeded in func.tags
        self.count += 1
        return func(*args, **(kwargs or {}))


def operators(function: Callable[[], object]) -> Operators:
    """The operators that this function calls."""
    seen = Operators()
    with seen:
        function()
    return seen
