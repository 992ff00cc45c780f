"""Steppers: they take the steps of an optimizer over a stack; here, those of rules."""

import copy
import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor
from torch.func import vmap

from dynviz.rule import NOISE, PerturbingRule, Rule, State
from dynviz.training.noise import Noise
from dynviz.training.operators import operators
from dynviz.training.parameter_layout import ParameterLayout
from dynviz.training.step_inputs import ChangingValue, Fixed, StepInputs, values_over
from dynviz.training.trees import form


class Stepper(Protocol):
    """Updates the parameters of a stack, and holds the optimizer's state.

    Attributes:
        terms: The names of the terms whose sum is a step.
        perturb: For an optimizer that takes the gradient at another point: the function from the gradient at theta and
            the step's number to the offset of that point, flattened like theta; None for all others.
        random: Whether its steps draw random numbers.
    """

    terms: tuple[str, ...]
    perturb: "Perturb | None"
    random: bool

    def step(self, theta: Tensor, gradient: Tensor, t: int | StepInputs) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The parameters after step t (from 1), and the terms of the step, all flattened like theta."""
        ...

    def value(self, name: str, place: int) -> float | None:
        """The current value of a hyperparameter of one lane; None if it is a schedule."""
        ...

    def refusal(self, name: str, value: float, lane: int | None) -> str:
        """Why a hyperparameter cannot be set, for all lanes or one; empty if it can."""
        ...

    def change(self, name: str, value: float, places: Sequence[int] | None) -> None:
        """Set a hyperparameter from the next step on, for these lanes of the stack or for all."""
        ...

    def state(self) -> Any:
        """Everything besides theta that the next step depends on: a tree of dicts, lists, tensors and plain values."""
        ...

    def restore(self, theta: Tensor, state: Any) -> None:
        """Continue from these parameters and a state returned by `state`."""
        ...


Perturb: TypeAlias = Callable[[Tensor, int | StepInputs], Tensor]


class RuleStepper:
    """The steps of a rule, for all lanes together.

    A rule that works coordinate by coordinate sees all parameters of all lanes as one tensor. Any other sees one
    parameter of one lane, through vmap where there are several lanes. Hyperparameters that differ between lanes
    always go through vmap, in float64: a float32 beta makes 1 - beta wrong by 1e-5.
    """

    def __init__(
        self,
        rule: Rule,
        varying: Mapping[str, Sequence[float]],
        layout: ParameterLayout,
        theta: Tensor,
        *,
        schedules: Mapping[str, ChangingValue] = types.MappingProxyType({}),
        seeds: Sequence[int] = (),
    ) -> None:
        """Prepare the steps of a rule.

        Args:
            rule: The rule, with the hyperparameters that all lanes share.
            varying: The other hyperparameters, with a number for each lane.
            layout: The positions of parameters in the flat row.
            theta: The parameters before the first step.
            schedules: The schedules of hyperparameters that change with the step.
            seeds: The seeds of the lanes, for rules that request noise; by default all 0.
        """
        # What differs between lanes or steps is a tensor from the start: a rule may leave out what is off for good.
        at_first = {name: values[0] for name, values in varying.items()} | {
            name: schedule.at(1) for name, schedule in schedules.items()
        }
        self.rule = _opened(rule, _tensors(at_first, theta.device))
        self.schedules: Mapping[str, ChangingValue] = schedules
        self.layout = layout
        self.whole = type(rule).coordinatewise
        self.lanes = theta.ndim == 2
        self.dtype, self._device = theta.dtype, theta.device
        self._shape = theta.shape
        self.varying = {
            name: torch.tensor(values, dtype=torch.float64, device=theta.device) for name, values in varying.items()
        }
        self._in_blocks = False
        self._state = self.fresh(theta)
        self._bind()
        self.terms = self._term_names(theta)
        self.random = any(NOISE in state for state in self._state.values())
        self._noise = Noise(seeds or (0,) * (len(theta) if self.lanes else 1), theta)

    def _bind(self) -> None:
        self._update = self._one
        if self.lanes and (self.varying or not self.whole):
            self._update = vmap(self._one, in_dims=(0 if self.varying else None, 0, 0, 0, None))
        self.perturb: Perturb | None = self._perturb if isinstance(self.rule, PerturbingRule) else None

    def step_inputs(self, t: int, count: int) -> StepInputs:
        """The inputs of the steps t..t+count-1."""
        steps = range(t, t + count)
        values = {name: values_over(schedule, steps, self._device) for name, schedule in self.schedules.items()}
        noise = (torch.stack([self._noise.at(step) for step in steps]),) if self.random else ()
        return StepInputs(torch.arange(t, t + count, dtype=torch.float64, device=self._device), values, noise)

    def standing_in(self, varying: Mapping[str, Tensor], state: dict[str, State]) -> "RuleStepper":
        """The same stepper with other tensors; this one is not modified."""
        other = copy.copy(self)
        other.varying, other._state = dict(varying), dict(state)
        other._bind()
        return other

    def step(self, theta: Tensor, gradient: Tensor, t: int | StepInputs) -> tuple[Tensor, Mapping[str, Tensor]]:
        now = self._inputs(t)
        self.rule = _opened(self.rule, now.values)
        if now.noise:
            self._put_noise(*now.noise)
        gradients = self._units(gradient)
        parts_of: dict[str, dict[str, Tensor]] = {}
        for name, value in self._units(theta).items():
            terms, self._state[name] = self._update(self.varying, value, gradients[name], self._state[name], now.t)
            for term, part in terms.items():
                parts_of.setdefault(term, {})[name] = part
        rows = {term: parts[""] if self.whole else self.layout.join(parts) for term, parts in parts_of.items()}
        for place, row in enumerate(rows.values()):
            # The sum is this step's own, and is added to in place; theta and the terms may be held by a buffer.
            theta = theta.add_(row) if place else theta + row
        return theta, rows

    def rule_at(self, t: int) -> Rule:
        """The rule with the hyperparameters of step t (from 1), except those that differ between lanes."""
        values = _tensors({name: schedule.at(t) for name, schedule in self.schedules.items()}, self._device)
        return _opened(self.rule, values)

    def take_as_tensors(self) -> None:
        """Have steps be given their numbers as tensors, so that a block of them can be given others later.

        A number stays as it is where the rule leaves something out for it, or branches on it.
        """
        self._in_blocks = True
        for field in dataclasses.fields(self.rule):  # type: ignore[arg-type]
            value = getattr(self.rule, field.name)
            if type(value) is float and not self._differs(field.name, value):
                self.change(field.name, value, None)

    def value(self, name: str, place: int) -> float | None:
        if name in self.varying:
            return float(self.varying[name][place])
        if name in self.schedules:
            return self.schedules[name].at(1) if isinstance(self.schedules[name], Fixed) else None
        value = getattr(self.rule, name)
        return None if value is None else float(value)

    def refusal(self, name: str, value: float, lane: int | None) -> str:
        if lane is not None and self.value(name, 0) is None:
            return f"{name} is a schedule that all lanes share; set it for all of them, or fork the run"
        if not isinstance(getattr(self.rule, name), float | Tensor):
            return f"{name} is off; fork the run to switch it on"
        if self._differs(name, value):
            return f"{name} {value:g} would change the terms of a step; fork the run instead"
        if self._in_blocks and name not in self.schedules and name not in self.varying:
            return f"the steps are compiled with {name} {self.value(name, 0):g}; fork the run instead"
        return ""

    def _differs(self, name: str, value: float) -> bool:
        """Whether steps that are given a hyperparameter as a tensor are others, or blocks cannot hold them."""
        changed = copy.copy(self)
        changed.rule = _opened(self.rule, _tensors({name: value}, self._device))
        row = torch.zeros(self._shape, dtype=self.dtype, device=self._device)
        changed._state = changed.fresh(row)
        changed._bind()
        terms: list[tuple[str, ...]] = []
        calls = operators(lambda: terms.append(changed._term_names(row)))
        return form(changed._state) != form(self._state) or terms != [self.terms] or (self._in_blocks and calls.decides)

    def change(self, name: str, value: float, places: Sequence[int] | None) -> None:
        if places is None:
            # As a schedule that stays: what steps are given anew is a tensor, whichever way it changes.
            self.varying = {key: values for key, values in self.varying.items() if key != name}
            self.schedules = {**self.schedules, name: Fixed(value)}
        else:
            lanes = range(self._shape[0])
            values = [value if lane in places else self.value(name, lane) or 0.0 for lane in lanes]
            self.schedules = {key: schedule for key, schedule in self.schedules.items() if key != name}
            self.varying = {**self.varying, name: torch.tensor(values, dtype=torch.float64, device=self._device)}
            self.rule = _opened(self.rule, _tensors({name: values[0]}, self._device))
        self._bind()

    def fresh(self, theta: Tensor) -> dict[str, State]:
        """The initial state for these parameters, of one lane or several."""
        init: Callable[[Tensor], State] = self.rule.init
        if theta.ndim == 2 and not self.whole:
            init = vmap(init)
        return {name: init(value) for name, value in self._units(theta).items()}

    def state(self) -> Any:
        return self._state

    def restore(self, theta: Tensor, state: Any) -> None:  # noqa: ARG002
        self._state = state

    def _inputs(self, t: int | StepInputs) -> StepInputs:
        if isinstance(t, StepInputs):
            return t
        # A new tensor each time: a rule may keep t in its state.
        time = torch.full((), t, dtype=torch.float64, device=self._device)
        if self._device.type == "cpu":
            time.number = t  # type: ignore[attr-defined]
        values = _tensors({name: schedule.at(t) for name, schedule in self.schedules.items()}, self._device)
        return StepInputs(time, values, (self._noise.at(t),) if self.random else ())

    def _put_noise(self, noise: Tensor) -> None:
        fresh = self._units(noise)
        for name, state in self._state.items():
            if NOISE in state:
                self._state[name] = {**state, NOISE: fresh[name]}

    def _perturb(self, gradient: Tensor, t: int | StepInputs) -> Tensor:
        now: Any = _opened(self.rule, self._inputs(t).values)

        def one(varying: Mapping[str, Tensor], row: Tensor) -> Tensor:
            rule = dataclasses.replace(now, **varying) if varying else now
            return rule.perturb(row).to(self.dtype)  # type: ignore[no-any-return]

        look = vmap(one, in_dims=(0 if self.varying else None, 0)) if self.lanes else one
        return look(self.varying, gradient)

    def _units(self, row: Tensor) -> dict[str, Tensor]:
        return {"": row} if self.whole else self.layout.views(row)

    def _one(
        self, varying: Mapping[str, Tensor], theta: Tensor, gradient: Tensor, state: State, t: Tensor
    ) -> tuple[dict[str, Tensor], State]:
        rule = dataclasses.replace(self.rule, **varying) if varying else self.rule  # type: ignore[type-var]
        terms, after = rule.update(theta, gradient, state, t)
        return (
            {name: term.to(self.dtype) for name, term in terms.items()},
            # In the order that a block of steps was compiled with, whatever order the rule gives it in.
            {name: after[name].to(before.dtype) for name, before in state.items()},
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


def _opened(rule: Rule, values: Mapping[str, Tensor]) -> Rule:
    """The rule with these hyperparameters, tensors without dimensions."""
    return dataclasses.replace(rule, **values) if values else rule  # type: ignore[type-var]


def _tensors(values: Mapping[str, float], device: torch.device) -> dict[str, Tensor]:
    return {name: torch.tensor(value, dtype=torch.float64, device=device) for name, value in values.items()}
