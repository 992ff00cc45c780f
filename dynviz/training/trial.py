"""Trying out a PyTorch optimizer before a run begins: whether it works, and which state it keeps."""

import contextlib
from collections.abc import Callable, Collection
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from dynviz.errors import DynvizError, place_of
from dynviz.frozen import frozen
from dynviz.plugins.zoo import refusal
from dynviz.training import randomness
from dynviz.training.attributes import Attributes
from dynviz.training.chained import parts
from dynviz.training.trees import to_arrays

Make: TypeAlias = Callable[[list[Any]], torch.optim.Optimizer]

ALWAYS_DECOUPLED = {"Muon", "Adafactor"}
"""Classes of torch.optim whose decay is decoupled and that have no flag to say so."""
DECAYING = frozenset({"lr", "weight_decay"})
"""Hyperparameters that tell how strong a decay is, where they are scheduled."""
FOR_MATRICES = (
    "; give the others an optimizer of their own: in a file, let optimizer(named_parameters) return a list, such as "
    "[torch.optim.Muon(matrices), torch.optim.AdamW(others)]"
)
"""What to do about an optimizer that takes matrices alone."""
STEPS = 3
"""How many steps of trial, so that what begins with the second step, or with the third, is seen."""


@frozen
class TrialResult:
    """The result of trying out an optimizer class.

    Attributes:
        make: Creates the optimizer from a list of parameters.
        decays: Whether it has decoupled decay, lr weight_decay theta.
        ours: Whether it belongs to torch.optim, whose steps draw no random numbers.
        closure: Whether its steps evaluate the loss and so need a closure.
        draws: Whether its steps draw from global generators.
    """

    make: Make
    decays: bool
    ours: bool
    closure: bool
    draws: bool


def trial(make: Make, name: str, parameters: list[nn.Parameter], scheduled: Collection[str] = ()) -> TrialResult:
    """Create an optimizer and take a few steps, on separate parameters.

    Args:
        make: Creates the optimizer.
        name: The name of the optimizer as given.
        parameters: The parameters to try it on.
        scheduled: The hyperparameters that change with the step, which may be 0 at the first one.

    Raises:
        DynvizError: It refuses the hyperparameters or the parameters, needs more than losses and gradients, or its
            state cannot be kept.
    """
    device = parameters[0].device
    randomness.seed(0, 0, device)
    make, optimizer = _made(make, name, _copies(parameters))
    for reason in map(refusal, map(type, parts(optimizer))):
        if reason:
            raise DynvizError(f"{name} {reason}")
    ours = all(type(part).__module__.startswith("torch.optim") for part in parts(optimizer))
    walk = _walk(make, name, parameters, 1 if ours else STEPS)
    if not (ours or walk.closure) and _looks_at_the_loss(make, parameters, walk):
        walk = _attempt(make, parameters, STEPS, closure=True)
    _check_kept(name, portable(walk.optimizer.state_dict()), walk.before, Attributes(walk.optimizer))
    return TrialResult(make, _decays(make, parameters, scheduled), ours, walk.closure, walk.draws)


def decay_rates(optimizer: torch.optim.Optimizer) -> dict[int, float]:
    """The fraction of each parameter, by its id, by which decoupled decay reduces it at a step."""
    return {
        id(parameter): float(group.get("lr") or 0) * float(group.get("weight_decay") or 0)
        for group in optimizer.param_groups
        for parameter in group["params"]
    }


def portable(state: dict[str, Any]) -> dict[str, Any]:
    """The state without group options that are not plain values, such as a dtype, which its constructor sets again."""
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
        if _takes_matrices(make, parameters):
            words += FOR_MATRICES
        raise DynvizError(f"optimizer {name} cannot be made for this task: {words}") from error


def _takes_matrices(make: Make, parameters: list[nn.Parameter]) -> bool:
    """Whether it is the other parameters alone that an optimizer refuses."""
    matrices = [parameter for parameter in parameters if parameter.ndim == 2]
    with contextlib.suppress(Exception):
        return bool(matrices and make(matrices))
    return False


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
        raise DynvizError(f"{name} keeps something in its state that a checkpoint cannot store") from error
    if before.opaque != after.opaque:
        other = next((part for part in after.opaque if part not in before.opaque), "")
        raise DynvizError(
            f"{name} keeps changing values in {' '.join(other.split())[:60]}, which a checkpoint cannot store; use "
            "numbers, tensors, lists or objects of your own instead"
        )


def _by_shape(parameters: list[nn.Parameter]) -> list[dict[str, Any]]:
    groups = (
        {"params": [parameter for parameter in parameters if (parameter.ndim > 1) == matrices], "use_muon": matrices}
        for matrices in (True, False)
    )
    return [group for group in groups if group["params"]]


@frozen
class _Walk:
    """Some steps on trial: the optimizer, its attributes before them, where they led, and what they asked for."""

    optimizer: torch.optim.Optimizer
    before: Attributes
    after: list[nn.Parameter]
    closure: bool
    draws: bool


def _walk(make: Make, name: str, parameters: list[nn.Parameter], count: int) -> _Walk:
    """The first steps of an optimizer, with a closure where it steps with none but it."""
    try:
        return _attempt(make, parameters, count, closure=False)
    except Exception as error:  # what others wrote may fail in any way
        try:
            return _attempt(make, parameters, count, closure=True)
        except Exception as second:
            words = _in_words(second if "closure" in str(error) else error)
        raise DynvizError(f"optimizer {name} cannot step here: {words}") from error


def _attempt(make: Make, parameters: list[nn.Parameter], count: int, *, closure: bool) -> _Walk:
    device, copies = parameters[0].device, _copies(parameters)
    randomness.seed(0, 0, device)
    optimizer = make(copies)
    before = Attributes(optimizer)
    randomness.seed(0, 0, device)
    generators = randomness.drawn()
    _steps(optimizer, copies, count, closure=closure)
    return _Walk(optimizer, before, copies, closure, randomness.drawn() != generators)


def _copies(parameters: list[nn.Parameter]) -> list[nn.Parameter]:
    return [nn.Parameter(parameter.detach().clone()) for parameter in parameters]


def _steps(optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], count: int, *, closure: bool) -> None:
    for step in range(count):
        for parameter in parameters:
            line = torch.arange(parameter.numel(), device=parameter.device)
            parameter.grad = torch.cos(line + step).to(parameter.dtype).reshape(parameter.shape) / 10
        if closure:
            optimizer.step(lambda step=step: torch.tensor(100.0**step))  # type: ignore[misc, arg-type]
        else:
            optimizer.step()


def _looks_at_the_loss(make: Make, parameters: list[nn.Parameter], walk: _Walk) -> bool:
    """Whether the same steps lead elsewhere when they are told the loss."""
    with contextlib.suppress(Exception):
        with_closure = _attempt(make, parameters, STEPS, closure=True)
        return not all(
            torch.equal(one.nan_to_num(), other.nan_to_num())
            for one, other in zip(with_closure.after, walk.after, strict=True)
        )
    return False


def _decays(make: Make, parameters: list[nn.Parameter], scheduled: Collection[str]) -> bool:
    """Whether steps without a gradient shrink ones by lr weight_decay each, and it says that its decay is decoupled."""
    ones = [nn.Parameter(torch.ones_like(parameter, dtype=torch.float64)) for parameter in parameters]
    randomness.seed(0, 0, ones[0].device)
    optimizer = make(ones)
    for group in optimizer.param_groups:
        group.update(dict.fromkeys(DECAYING.intersection(scheduled), 0.01))
    rates = decay_rates(optimizer)
    if not any(rates.values()) or not all(map(_is_decoupled, parts(optimizer))):
        return False
    with contextlib.suppress(Exception):
        for step in range(1, STEPS + 1):
            for one in ones:
                one.grad = torch.zeros_like(one)
            optimizer.step()
            if not all(_near(one, (1 - rates.get(id(one), 0.0)) ** step) for one in ones):
                return False
        return True
    return False


def _is_decoupled(optimizer: torch.optim.Optimizer) -> bool:
    group = optimizer.param_groups[0]
    flagged = group.get("decoupled_weight_decay") or group.get("weight_decouple")
    return bool(flagged) or type(optimizer).__name__ in ALWAYS_DECOUPLED


def _near(actual: Tensor, expected: float) -> bool:
    return bool(((actual - expected).abs() < 1e-12).all())


def _in_words(error: Exception) -> str:
    words, place = " ".join(str(error).split()) or type(error).__name__, place_of(error)
    return f"{words} ({place})" if place and not isinstance(error, DynvizError) else words
