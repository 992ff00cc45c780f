"""Steps of an optimizer over a stack: our rules, and any class of torch.optim."""

import copy
import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor, nn
from torch.func import vmap

from dynviz.errors import DynvizError
from dynviz.rule import NOISE, Rule, State
from dynviz.schedules import Schedule
from dynviz.training.flat import Layout
from dynviz.training.moment import Moment
from dynviz.training.noise import Noise
from dynviz.training.trial import Make, decay_rates, noise, portable, trial
from dynviz.zoo import two_sequences


class Stepper(Protocol):
    """Changes the parameters of a stack, keeping the optimizer's state.

    Attributes:
        terms: Names of the parts that a step adds up from.
        perturb: Of an optimizer that takes the gradient of its step elsewhere: where to, from theta, for a gradient
            at theta, both in a row like theta, and for the step's number. None for all others.
    """

    terms: tuple[str, ...]
    perturb: "Perturb | None"

    def step(self, theta: Tensor, gradient: Tensor, t: int | Moment) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The parameters after step t (from 1), and the terms of the step, all in a row like theta."""
        ...

    def state(self) -> Any:
        """All that the next step depends on beside theta: a tree of dicts, lists, tensors and plain values."""
        ...

    def restore(self, theta: Tensor, state: Any) -> None:
        """Go on from these parameters and a state that `state` gave."""
        ...


Perturb: TypeAlias = Callable[[Tensor, int | Moment], Tensor]


class RuleStepper:
    """One of our rules. All lanes step together.

    A rule that works coordinate by coordinate sees all parameters of all lanes as one tensor. Any other sees one
    parameter of one lane, through vmap where there are several lanes. Hyperparameters that differ between lanes
    always go through vmap, in float64: a float32 beta makes 1 - beta wrong by 1e-5.
    """

    def __init__(
        self,
        rule: Rule,
        varying: Mapping[str, Sequence[float]],
        layout: Layout,
        theta: Tensor,
        *,
        schedules: Mapping[str, Schedule] = types.MappingProxyType({}),
        seeds: Sequence[int] = (),
    ) -> None:
        """Begin.

        Args:
            rule: With the hyperparameters that all lanes share.
            varying: The others, a number for each lane.
            layout: Where parameters stand in a row.
            theta: Before the first step.
            schedules: Of the hyperparameters that change with the step.
            seeds: Of the lanes, for rules that ask for noise; by default all 0.
        """
        # What differs between lanes or steps is a tensor from the start: a rule may leave out what is off for good.
        at_first = {name: values[0] for name, values in varying.items()} | {
            name: each.at(1) for name, each in schedules.items()
        }
        self.rule = _opened(rule, _tensors(at_first, theta.device))
        self.schedules = schedules
        self.layout = layout
        self.whole = type(rule).coordinatewise
        self.lanes = theta.ndim == 2
        self.dtype, self._device = theta.dtype, theta.device
        self.varying = {
            name: torch.tensor(values, dtype=torch.float64, device=theta.device) for name, values in varying.items()
        }
        init: Callable[[Tensor], State] = self.rule.init
        if self.lanes and not self.whole:
            init = vmap(init)
        self._state = {name: init(value) for name, value in self._units(theta).items()}
        self._bind()
        self.terms = self._term_names(theta)
        self._noisy = any(NOISE in state for state in self._state.values())
        self._noise = Noise(seeds or (0,) * (len(theta) if self.lanes else 1), theta)

    def _bind(self) -> None:
        self._update = self._one
        if self.lanes and (self.varying or not self.whole):
            self._update = vmap(self._one, in_dims=(0 if self.varying else None, 0, 0, 0, None))
        self.perturb: Perturb | None = self._perturb if hasattr(self.rule, "perturb") else None

    def moments(self, t: int, count: int) -> Moment:
        """What the steps t..t+count-1 are given."""
        steps = range(t, t + count)
        values = {
            name: torch.tensor([each.at(step) for step in steps], dtype=torch.float64, device=self._device)
            for name, each in self.schedules.items()
        }
        noise = (torch.stack([self._noise.at(step) for step in steps]),) if self._noisy else ()
        return Moment(torch.arange(t, t + count, dtype=torch.float64, device=self._device), values, noise)

    def standing_in(self, varying: Mapping[str, Tensor], state: dict[str, State]) -> "RuleStepper":
        """The same rule with other tensors in its place; this one stays as it is."""
        other = copy.copy(self)
        other.varying, other._state = dict(varying), dict(state)
        other._bind()
        return other

    def step(self, theta: Tensor, gradient: Tensor, t: int | Moment) -> tuple[Tensor, Mapping[str, Tensor]]:
        now = self._moment(t)
        self.rule = _opened(self.rule, now.values)
        if now.noise:
            self._put_noise(*now.noise)
        gradients = self._units(gradient)
        found: dict[str, dict[str, Tensor]] = {}
        for name, value in self._units(theta).items():
            terms, self._state[name] = self._update(self.varying, value, gradients[name], self._state[name], now.t)
            for term, part in terms.items():
                found.setdefault(term, {})[name] = part
        rows = {term: parts[""] if self.whole else self.layout.join(parts) for term, parts in found.items()}
        for place, row in enumerate(rows.values()):
            # The sum is this step's own, and is added to in place; theta and the terms may be held by a tape.
            theta = theta.add_(row) if place else theta + row
        return theta, rows

    def rule_at(self, t: int) -> Rule:
        """The rule with the hyperparameters of step t (from 1); those that differ between lanes are left open."""
        values = _tensors({name: each.at(t) for name, each in self.schedules.items()}, self._device)
        return _opened(self.rule, values)

    def state(self) -> Any:
        return self._state

    def restore(self, theta: Tensor, state: Any) -> None:  # noqa: ARG002
        self._state = state

    def _moment(self, t: int | Moment) -> Moment:
        if isinstance(t, Moment):
            return t
        # A new tensor each time: a rule may keep t in its state.
        time = torch.full((), t, dtype=torch.float64, device=self._device)
        values = _tensors({name: each.at(t) for name, each in self.schedules.items()}, self._device)
        return Moment(time, values, (self._noise.at(t),) if self._noisy else ())

    def _put_noise(self, noise: Tensor) -> None:
        fresh = self._units(noise)
        for name, state in self._state.items():
            if NOISE in state:
                self._state[name] = {**state, NOISE: fresh[name]}

    def _perturb(self, gradient: Tensor, t: int | Moment) -> Tensor:
        now: Any = _opened(self.rule, self._moment(t).values)

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


def _opened(rule: Rule, values: Mapping[str, Tensor]) -> Rule:
    """The rule with these hyperparameters, tensors without dimensions."""
    return dataclasses.replace(rule, **values) if values else rule  # type: ignore[type-var]


def _tensors(values: Mapping[str, float], device: torch.device) -> dict[str, Tensor]:
    return {name: torch.tensor(value, dtype=torch.float64, device=device) for name, value in values.items()}


class TorchStepper:
    """Any `torch.optim.Optimizer`, one instance a lane, its parameters being views of a row that it changes in place.

    Its step is one term; a decay that is decoupled is a term of its own. A class with `train()` and `eval()` trains one
    sequence and hands over an average of it: what is stepped, recorded and drawn is the first, which gradients are
    taken at, and its term is named training_step. Classes that are not torch's own may draw random numbers: they find
    the generator seeded by the step, the same in all lanes.
    """

    def __init__(
        self,
        make: Make,
        name: str,
        layout: Layout,
        theta: Tensor,
        schedules: Mapping[str, Schedule] = types.MappingProxyType({}),
    ) -> None:
        self.layout = layout
        self.schedules = schedules
        self.perturb: Perturb | None = None
        self.row = theta.clone()
        rows = self.row if theta.ndim == 2 else [self.row]
        self.trial = trial(make, name, _parameters(layout, rows[0].clone()))
        self.parameters = [_parameters(layout, row) for row in rows]
        with noise(0, theta.device):
            self.optimizers = [self.trial.make(parameters) for parameters in self.parameters]
        for hyperparameter in schedules:
            if any(hyperparameter not in group for group in self.optimizers[0].param_groups):
                raise DynvizError(f"{name} keeps no {hyperparameter} that could change with the step; its lr can")
        step = "step"
        if two_sequences(type(self.optimizers[0])):
            step = "training_step"
            for optimizer in self.optimizers:
                optimizer.train()  # type: ignore[attr-defined]
        self.decays = self.trial.decays and bool(layout.shapes)
        self.terms: tuple[str, ...] = (step, "decay") if self.decays else (step,)

    def step(self, theta: Tensor, gradient: Tensor, t: int | Moment) -> tuple[Tensor, Mapping[str, Tensor]]:
        assert isinstance(t, int)  # a class with a step of its own is no part of a block
        stacked = theta.ndim == 2
        decays = []
        for lane, optimizer in enumerate(self.optimizers):
            gradients = self.layout.views(gradient[lane] if stacked else gradient)
            for parameter, part in zip(self.parameters[lane], gradients.values(), strict=bool(gradients)):
                parameter.grad = part
            for group in optimizer.param_groups:
                group.update({hyperparameter: each.at(t) for hyperparameter, each in self.schedules.items()})
            if self.decays:
                decays.append(self._decay(lane, theta[lane] if stacked else theta))
            if self.trial.ours:
                optimizer.step()
            else:
                with noise(t, theta.device):
                    optimizer.step()
        after = self.row.clone()
        if not decays:
            return after, {self.terms[0]: after - theta}
        decay = torch.stack(decays) if stacked else decays[0]
        return after, {self.terms[0]: after - theta - decay, "decay": decay}

    def state(self) -> Any:
        states = []
        for optimizer in self.optimizers:
            state = portable(optimizer.state_dict())
            if self.trial.attributes:
                state["attributes"] = {name: vars(optimizer)[name] for name in self.trial.attributes}
            states.append(state)
        return states

    def restore(self, theta: Tensor, state: Any) -> None:
        self.row.copy_(theta)
        for optimizer, kept in zip(self.optimizers, state, strict=True):
            tree = {name: value for name, value in kept.items() if name != "attributes"}
            pairs = zip(optimizer.param_groups, tree["param_groups"], strict=True)
            tree["param_groups"] = [{**now, **group} for now, group in pairs]
            optimizer.load_state_dict(tree)
            # torch casts what it loads to the parameters' dtype and device; a state is what it was.
            parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            for key, values in tree["state"].items():
                # A few classes keep a number under a name beside what belongs to parameters.
                optimizer.state[parameters[key] if isinstance(key, int) else key] = values
            vars(optimizer).update(kept.get("attributes", {}))

    def _decay(self, lane: int, row: Tensor) -> Tensor:
        rates = decay_rates(self.optimizers[lane])
        if len(set(rates.values())) == 1:
            return row * -next(iter(rates.values()))
        views = zip(self.layout.views(row).items(), self.parameters[lane], strict=True)
        return self.layout.join({name: view * -rates[id(parameter)] for (name, view), parameter in views})


def _parameters(layout: Layout, row: Tensor) -> list[nn.Parameter]:
    # torch refuses an empty list, and a task may have nothing to train: then there is one that gets no gradient.
    return [nn.Parameter(view) for view in layout.views(row).values()] or [nn.Parameter(row.new_zeros(1))]
