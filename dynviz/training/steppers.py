"""Steps of an optimizer over a stack: our rules, and any class of torch.optim."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor, nn
from torch.func import vmap

from dynviz.errors import DynvizError
from dynviz.rule import Rule, State
from dynviz.training.flat import Layout
from dynviz.training.trees import to_arrays

ALWAYS_DECOUPLED = {"Muon", "Adafactor"}
"""Classes of torch.optim whose decay is decoupled and that have no flag to say so."""


Make: TypeAlias = Callable[[list[nn.Parameter]], torch.optim.Optimizer]


class Stepper(Protocol):
    """Changes the parameters of a stack, keeping the optimizer's state.

    Attributes:
        terms: Names of the parts that a step adds up from.
    """

    terms: tuple[str, ...]

    def step(self, theta: Tensor, gradient: Tensor, t: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The parameters after step t (from 1), and the terms of the step, all in a row like theta."""
        ...

    def state(self) -> Any:
        """All that the next step depends on beside theta: a tree of dicts, lists, tensors and plain values."""
        ...

    def restore(self, theta: Tensor, state: Any) -> None:
        """Go on from these parameters and a state that `state` gave."""
        ...


class RuleStepper:
    """One of our rules. All lanes step together.

    A rule that works coordinate by coordinate sees all parameters of all lanes as one tensor. Any other sees one
    parameter of one lane, through vmap where there are several lanes. Hyperparameters that differ between lanes
    always go through vmap, in float64: a float32 beta makes 1 - beta wrong by 1e-5.
    """

    def __init__(self, rule: Rule, varying: Mapping[str, Sequence[float]], layout: Layout, theta: Tensor) -> None:
        self.rule = rule
        self.layout = layout
        self.whole = type(rule).coordinatewise
        self.lanes = theta.ndim == 2
        self.dtype = theta.dtype
        self.varying = {
            name: torch.tensor(values, dtype=torch.float64, device=theta.device) for name, values in varying.items()
        }
        init: Callable[[Tensor], State] = rule.init
        if self.lanes and not self.whole:
            init = vmap(init)
        self._state = {name: init(value) for name, value in self._units(theta).items()}
        self._update = self._one
        if self.lanes and (self.varying or not self.whole):
            self._update = vmap(self._one, in_dims=(0 if self.varying else None, 0, 0, 0, None))
        self.terms = self._term_names(theta)

    def step(self, theta: Tensor, gradient: Tensor, t: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        # A new tensor each time: a rule may keep t in its state.
        time = torch.full((), t, dtype=torch.float64, device=theta.device)
        gradients = self._units(gradient)
        found: dict[str, dict[str, Tensor]] = {}
        for name, value in self._units(theta).items():
            terms, self._state[name] = self._update(self.varying, value, gradients[name], self._state[name], time)
            for term, part in terms.items():
                found.setdefault(term, {})[name] = part
        rows = {term: parts[""] if self.whole else self.layout.join(parts) for term, parts in found.items()}
        for row in rows.values():
            theta = theta + row
        return theta, rows

    def state(self) -> Any:
        return self._state

    def restore(self, theta: Tensor, state: Any) -> None:  # noqa: ARG002
        self._state = state

    def _units(self, row: Tensor) -> dict[str, Tensor]:
        return {"": row} if self.whole else self.layout.views(row)

    def _one(
        self, varying: Mapping[str, Tensor], theta: Tensor, gradient: Tensor, state: State, t: Tensor
    ) -> tuple[dict[str, Tensor], State]:
        rule = dataclasses.replace(self.rule, **varying) if varying else self.rule  # type: ignore[type-var]
        terms, after = rule.update(theta, gradient, state, t)
        return (
            {name: term.to(self.dtype) for name, term in terms.items()},
            {name: value.to(state[name].dtype) for name, value in after.items()},
        )

    def _term_names(self, theta: Tensor) -> tuple[str, ...]:
        before = dict(self._state)
        first = torch.ones((), dtype=torch.float64, device=theta.device)
        names: dict[str, None] = {}
        zeros = self._units(torch.zeros_like(theta))
        for name, value in self._units(theta).items():
            terms, _ = self._update(self.varying, value, zeros[name], before[name], first)
            names.update(dict.fromkeys(terms))
        return tuple(names)


class TorchStepper:
    """Any `torch.optim.Optimizer`, one instance a lane, its parameters being views of a row that it changes in place.

    Its step is one term; a decay that is decoupled is a term of its own.
    """

    def __init__(self, make: Make, name: str, layout: Layout, theta: Tensor) -> None:
        self.layout = layout
        self.row = theta.clone()
        rows = self.row if theta.ndim == 2 else [self.row]
        _try(make, name, _parameters(layout, rows[0].clone()))
        self.parameters = [_parameters(layout, row) for row in rows]
        self.optimizers = [make(parameters) for parameters in self.parameters]
        group = self.optimizers[0].param_groups[0] if layout.shapes else {}
        flagged = group.get("decoupled_weight_decay") or group.get("weight_decouple")
        decoupled = flagged or type(self.optimizers[0]).__name__ in ALWAYS_DECOUPLED
        self.decays = bool(decoupled and group.get("weight_decay"))
        self.terms: tuple[str, ...] = ("step", "decay") if self.decays else ("step",)

    def step(self, theta: Tensor, gradient: Tensor, t: int) -> tuple[Tensor, Mapping[str, Tensor]]:  # noqa: ARG002
        stacked = theta.ndim == 2
        decay = torch.zeros_like(theta) if self.decays else None
        for lane, optimizer in enumerate(self.optimizers):
            group = optimizer.param_groups[0]
            gradients = self.layout.views(gradient[lane] if stacked else gradient)
            for parameter, part in zip(self.parameters[lane], gradients.values(), strict=bool(gradients)):
                parameter.grad = part
            if decay is not None:
                rate = group["lr"] * group["weight_decay"]
                (decay[lane] if stacked else decay).copy_((theta[lane] if stacked else theta) * -rate)
            optimizer.step()
        after = self.row.clone()
        if decay is None:
            return after, {"step": after - theta}
        return after, {"step": after - theta - decay, "decay": decay}

    def state(self) -> Any:
        return [optimizer.state_dict() for optimizer in self.optimizers]

    def restore(self, theta: Tensor, state: Any) -> None:
        self.row.copy_(theta)
        for optimizer, tree in zip(self.optimizers, state, strict=True):
            optimizer.load_state_dict(tree)
            # torch casts what it loads to the parameters' dtype and device; a state is what it was.
            parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            for number, values in tree["state"].items():
                optimizer.state[parameters[number]] = values


def _parameters(layout: Layout, row: Tensor) -> list[nn.Parameter]:
    # torch refuses an empty list, and a task may have nothing to train: then there is one that gets no gradient.
    return [nn.Parameter(view) for view in layout.views(row).values()] or [nn.Parameter(row.new_zeros(1))]


def _try(make: Make, name: str, parameters: list[nn.Parameter]) -> None:
    """Make an optimizer and one step with gradients of zero, so that what torch refuses is refused before a run begins.

    Raises:
        DynvizError: torch refuses the hyperparameters, or the parameters, or the state cannot be kept.
    """
    try:
        optimizer = make(parameters)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DynvizError(f"optimizer {name} cannot be made for this task: {error}") from error
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        raise DynvizError(
            f"{name} evaluates the loss several times a step (it needs a closure); "
            "dynviz takes optimizers that step from one gradient"
        )
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    try:
        with torch.random.fork_rng(enabled=True, devices=[]):
            optimizer.step()
    except (AssertionError, ValueError, RuntimeError) as error:
        raise DynvizError(f"optimizer {name} cannot step here: {error}") from error
    to_arrays(optimizer.state_dict())
