"""Side effects of a scenario's functions: running modules, and drawing from global generators."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.module import register_module_forward_pre_hook

from dynviz.errors import DynvizError
from dynviz.task import Task
from dynviz.training import randomness


@dataclass
class Observation:
    """What was observed while functions ran.

    Attributes:
        modules: Whether an nn.Module ran. `torch.func.functional_call` temporarily swaps its weights, so two threads
            must not share it.
        draws: Whether numbers were drawn from a global generator.
    """

    modules: bool = False
    draws: bool = False


@contextlib.contextmanager
def observed() -> Iterator[Observation]:
    """Observe the functions called inside the block."""
    seen, before = Observation(), randomness.drawn()

    def note(module: Any, inputs: Any) -> None:  # noqa: ARG001
        seen.modules = True

    hook = register_module_forward_pre_hook(note)
    try:
        yield seen
    finally:
        hook.remove()
        seen.draws = randomness.drawn() != before


def loss_draws(task: Task) -> bool:
    """Whether a task's loss draws from global generators, as dropout does."""
    batch = tuple(tensor[0] for tensor in task.batches(0, 1))
    with torch.no_grad(), observed() as seen:
        task.loss(task.parameters, {**task.constants, **_copies(task.buffers)}, batch)
    return seen.draws


def check_batches(task: Task) -> None:
    """Check that batches are the same whenever they are requested, and however many at once.

    Raises:
        DynvizError: They are not, so that a run could not be resumed.
    """
    drawn = []
    for number, (start, count) in enumerate(((0, 2), (1, 1))):
        randomness.seed(number, 0, torch.device("cpu"))
        drawn.append(task.batches(start, count))
    if not all(_equal(one[1], other[0]) for one, other in zip(*drawn, strict=True)):
        raise DynvizError(
            "batches(start, count) gives a different batch when it is asked for the same step again, so the run could "
            "not be resumed; draw from a generator of your own, seeded by the task's seed and the step: "
            "torch.Generator().manual_seed(...)"
        )


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool(torch.isclose(one, other, rtol=0, atol=0, equal_nan=True).all())


def _copies(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in tensors.items()}
