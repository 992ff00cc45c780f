"""A class of torch's kind on trial: what it refuses is refused before a run begins, and what it keeps is found out."""

import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from dynviz.errors import DynvizError
from dynviz.plugins.zoo import refusal
from dynviz.training import randomness
from dynviz.training.attributes import Attributes
from dynviz.training.trees import to_arrays

Make: TypeAlias = Callable[[list[Any]], torch.optim.Optimizer]

ALWAYS_DECOUPLED = {"Muon", "Adafactor"}
"""Classes of torch.optim whose decay is decoupled and that have no flag to say so."""
DECAYING = frozenset({"lr", "weight_decay"})
"""Hyperparameters that tell how strong a decay is, where they are scheduled."""
STEPS = 3
"""How many steps of trial, so that what begins with the second step, or with the third, is seen."""


@dataclass(frozen=True)
class TrialResult:
    """What a trial told about a class.

    Attributes:
        make: Makes the optimizer of a list of parameters.
        decays: Whether its decay is lr weight_decay theta, apart from the step.
        ours: Whether it is one of torch.optim, whose steps draw no random numbers.
        draws: Whether its steps draw from global generators.
    """

    make: Make
    decays: bool
    ours: bool
    draws: bool


def trial(make: Make, name: str, parameters: list[nn.Parameter], scheduled: Collection[str] = ()) -> TrialResult:
    """Make an optimizer and a few steps, on parameters that nobody else uses.

    Args:
        make: Makes it.
        name: As it was asked for.
        parameters: To try it on.
        scheduled: The hyperparameters that change with the step, which may be 0 at the first one.

    Raises:
        DynvizError: It refuses the hyperparameters or the parameters, needs more than gradients, or its state
            cannot be kept.
    """
    device = parameters[0].device
    randomness.seed(0, 0, device)
    make, optimizer = _made(make, name, parameters)
    reason = refusal(type(optimizer))
    if reason:
        raise DynvizError(f"{name} {reason}")
    ours = type(optimizer).__module__.startswith("torch.optim")
    copies = [nn.Parameter(parameter.detach().clone()) for parameter in parameters]
    before = Attributes(optimizer)
    randomness.seed(0, 0, device)
    generators = randomness.drawn()
    try:
        _steps(optimizer, parameters, 1 if ours else STEPS)
    except Exception as error:  # what others wrote may fail in any way
        raise DynvizError(f"optimizer {name} cannot step here: {_in_words(error)}") from error
    draws = randomness.drawn() != generators
    _check_kept(name, portable(optimizer.state_dict()), before, Attributes(optimizer))
    if not ours and _looks_at_the_loss(make, copies, parameters):
        raise DynvizError(
            f"{name} looks at the loss at each step (through its closure); dynviz gives it gradients alone"
        )
    return TrialResult(make, _decays(make, parameters, scheduled), ours, draws)


def decay_rates(optimizer: torch.optim.Optimizer) -> dict[int, float]:
    """The share of each parameter, by its id, that a decoupled decay takes at a step."""
    return {
        id(parameter): float(group.get("lr") or 0) * float(group.get("weight_decay") or 0)
        for group in optimizer.param_groups
        for parameter in group["params"]
    }


def portable(state: dict[str, Any]) -> dict[str, Any]:
    """The state without those options of its groups that are no values, such as a dtype: making it gives them again."""
    groups = [
        {key: value for key, value in group.items() if not (isinstance(value, torch.dtype) or callable(value))}
        for group in state["param_groups"]
    ]
    return {**state, "param_groups": groups}


def _made(make: Make, name: str, parameters: list[nn.Parameter]) -> tuple[Make, torch.optim.Optimizer]:
    try:
        return make, make(parameters)
    except Exception as error:
        words = _in_words(error)
        try:
            # Muon and those after it want to be told which parameters are matrices.
            return (lambda trained: make(_by_shape(trained))), make(_by_shape(parameters))
        except Exception as second:
            if _in_words(second) != words:
                words += f"; with matrices apart from vectors: {_in_words(second)}"
        raise DynvizError(f"optimizer {name} cannot be made for this task: {words}") from error


def _check_kept(name: str, state: dict[str, Any], before: Attributes, after: Attributes) -> None:
    """See that a checkpoint can store all that steps change.

    Raises:
        DynvizError: It cannot.
    """
    try:
        to_arrays(state)
    except DynvizError as error:
        raise DynvizError(f"{name}: {error}") from error
    except TypeError as error:
        raise DynvizError(f"{name} keeps what changes in its state, which a checkpoint cannot store") from error
    if before.opaque != after.opaque:
        other = next((part for part in after.opaque if part not in before.opaque), "")
        raise DynvizError(
            f"{name} keeps what changes in {' '.join(other.split())[:60]}, which a checkpoint cannot store; keep it in "
            "numbers, tensors, lists or objects of your own"
        )


def _by_shape(parameters: list[nn.Parameter]) -> list[dict[str, Any]]:
    groups = (
        {"params": [parameter for parameter in parameters if (parameter.ndim > 1) == matrices], "use_muon": matrices}
        for matrices in (True, False)
    )
    return [group for group in groups if group["params"]]


def _steps(
    optimizer: torch.optim.Optimizer,
    parameters: list[nn.Parameter],
    count: int,
    losses: bool = False,  # noqa: FBT001, FBT002
) -> None:
    for step in range(count):
        for parameter in parameters:
            line = torch.arange(parameter.numel(), device=parameter.device)
            parameter.grad = torch.cos(line + step).to(parameter.dtype).reshape(parameter.shape) / 10
        if losses:
            optimizer.step(lambda step=step: torch.tensor(100.0**step))  # type: ignore[misc, arg-type]
        else:
            optimizer.step()


def _looks_at_the_loss(make: Make, copies: list[nn.Parameter], after: list[nn.Parameter]) -> bool:
    """Whether the same steps lead elsewhere when they are told the loss."""
    randomness.seed(0, 0, copies[0].device)
    with contextlib.suppress(Exception):
        _steps(make(copies), copies, STEPS, losses=True)
        return not all(
            torch.equal(one.nan_to_num(), other.nan_to_num()) for one, other in zip(copies, after, strict=True)
        )
    return False


def _decays(make: Make, parameters: list[nn.Parameter], scheduled: Collection[str]) -> bool:
    """Whether steps without a gradient shrink ones by lr weight_decay each, and it says that its decay is decoupled."""
    ones = [nn.Parameter(torch.ones_like(parameter, dtype=torch.float64)) for parameter in parameters]
    randomness.seed(0, 0, ones[0].device)
    optimizer = make(ones)
    for group in optimizer.param_groups:
        group.update(dict.fromkeys(DECAYING.intersection(scheduled), 0.01))
    group = optimizer.param_groups[0]
    flagged = group.get("decoupled_weight_decay") or group.get("weight_decouple")
    rates = decay_rates(optimizer)
    if not any(rates.values()) or not (flagged or type(optimizer).__name__ in ALWAYS_DECOUPLED):
        return False
    with contextlib.suppress(Exception):
        for step in range(1, STEPS + 1):
            for one in ones:
                one.grad = torch.zeros_like(one)
            optimizer.step()
            if not all(_near(one, (1 - rates[id(one)]) ** step) for one in ones):
                return False
        return True
    return False


def _near(actual: Tensor, expected: float) -> bool:
    return bool(((actual - expected).abs() < 1e-12).all())


def _in_words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
