"""Several PyTorch optimizers combined into one, and optimizers that a user's function creates."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from dynviz.errors import DynvizError


class ChainedOptimizer(torch.optim.Optimizer):
    """Several optimizers, each with its own parameters, that step one after another.

    Their state is kept in one place, so that it is saved and restored like that of a single optimizer.

    Attributes:
        parts: The optimizers.
    """

    def __init__(self, parts: Sequence[torch.optim.Optimizer]) -> None:
        """Chain optimizers, which must have disjoint parameters."""
        self.parts = tuple(parts)
        super().__init__([group for part in parts for group in part.param_groups], {})
        self._share()

    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Let each optimizer take a step."""
        for part in self.parts:
            part.step() if closure is None else part.step(closure)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of all of them."""
        super().load_state_dict(state_dict)
        self._share()

    def _share(self) -> None:
        groups = iter(self.param_groups)
        for part in self.parts:
            part.param_groups = list(itertools.islice(groups, len(part.param_groups)))
            part.state = self.state


def parts(optimizer: torch.optim.Optimizer) -> tuple[torch.optim.Optimizer, ...]:
    """The optimizers in a chain, or the optimizer itself if it is not a chain."""
    return optimizer.parts if isinstance(optimizer, ChainedOptimizer) else (optimizer,)


def from_factory(
    factory: Callable[..., Any], named: Sequence[tuple[str, nn.Parameter]], options: dict[str, Any]
) -> torch.optim.Optimizer:
    """The optimizer that a function creates from the named parameters of a task.

    Raises:
        DynvizError: It returns neither a PyTorch optimizer nor several of them.
    """
    made = factory(list(named), **options)
    optimizers = list(made) if isinstance(made, list | tuple) else [made]
    for optimizer in optimizers or [made]:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise DynvizError(
                f"{getattr(factory, '__name__', 'it')}(named_parameters) gave {type(optimizer).__name__}, not a "
                "torch.optim.Optimizer or a list of them"
            )
    return optimizers[0] if len(optimizers) == 1 else ChainedOptimizer(optimizers)
