"""What is recorded of a script: its optimizers by label, and the parameters of its model by name."""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from dynviz.errors import DynvizError

Optimizer: TypeAlias = torch.optim.Optimizer
Model: TypeAlias = nn.Module | Mapping[str, Tensor] | Iterable[tuple[str, Tensor]]


def by_label(optimizer: Optimizer | Sequence[Optimizer] | Mapping[str, Optimizer]) -> dict[str, Optimizer]:
    if isinstance(optimizer, Mapping):
        labelled = {re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip(".-"): one for name, one in optimizer.items()}
        if "" in labelled or len(labelled) < len(optimizer):
            raise DynvizError("optimizers need names that differ in letters, digits, '_', '.' or '-'")
    else:
        labelled = {}
        several: Sequence[Optimizer] = optimizer if isinstance(optimizer, Sequence) else [optimizer]
        for one in several:
            name = type(_own(one)).__name__.lower()
            numbers = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
            labelled[next(label for label in numbers if label not in labelled)] = one
    if not labelled:
        raise DynvizError("there is no optimizer to record")
    own = {label: _own(one) for label, one in labelled.items()}
    for one in own.values():
        if not isinstance(one, torch.optim.Optimizer):
            raise DynvizError(f"{type(one).__name__} is no torch.optim.Optimizer, whose steps can be followed")
    return own


def _own(optimizer: Any) -> Any:
    """The optimizer itself, of one that Accelerate or Lightning has wrapped: that one's hooks are called."""
    while isinstance(inner := getattr(optimizer, "optimizer", None), torch.optim.Optimizer):
        optimizer = inner
    return optimizer


def named_parameters(model: Model | None) -> dict[str, Tensor] | None:
    """The parameters of a model by name; of one that is wrapped or compiled without the wrapper's prefix."""
    if model is None:
        return None
    if isinstance(model, nn.Module):
        return dict(unwrapped(model).named_parameters())
    return dict(model)


def unwrapped(model: nn.Module) -> nn.Module:
    while True:
        inner = getattr(model, "_orig_mod", None)
        if isinstance(model, nn.parallel.DistributedDataParallel | nn.DataParallel):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def recorded(named: dict[str, Tensor] | None, optimizer: Optimizer, *, alone: bool) -> dict[str, Tensor]:
    """The parameters that the recording of an optimizer holds.

    Raises:
        DynvizError: There is none, or one is of a kind that cannot be recorded.
    """
    own = [one for group in optimizer.param_groups for one in group["params"]]
    ids = {id(one) for one in own}
    known = named if named is not None else {f"parameter{place}": one for place, one in enumerate(own)}
    # Those that a group will be made for later are there from the beginning, where nobody else may have them.
    chosen = {name: one for name, one in known.items() if id(one) in ids or (alone and one.requires_grad)}
    if not chosen:
        raise DynvizError("the optimizer has none of the model's parameters; nothing would be recorded")
    for name, one in chosen.items():
        if one.is_complex():
            raise DynvizError(
                f"parameter {name} is complex; recordings hold real numbers (torch.view_as_real makes some)"
            )
        if isinstance(one, UninitializedParameter):
            raise DynvizError(f"parameter {name} is not initialised yet; run the model once before dynviz.record")
        if hasattr(one, "full_tensor"):
            raise DynvizError(f"parameter {name} is sharded between processes; such parameters cannot be recorded")
    return chosen
