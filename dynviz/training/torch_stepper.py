"""The steps of PyTorch optimizers, which hold their own state."""

import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from dynviz.errors import DynvizError
from dynviz.plugins.schedules import Schedule
from dynviz.plugins.zoo import two_sequences
from dynviz.training import attributes, randomness
from dynviz.training.attributes import Attributes
from dynviz.training.chained import parts
from dynviz.training.parameter_layout import ParameterLayout
from dynviz.training.step_inputs import StepInputs
from dynviz.training.steppers import Perturb
from dynviz.training.trial import Make, decay_rates, portable, trial

Evaluate: TypeAlias = Callable[[Tensor], tuple[Tensor, Tensor]]


class TorchStepper:
    """Any `torch.optim.Optimizer`, one instance a lane, its parameters being views of a row that it changes in place.

    Its step is one term; a decay that is decoupled is a term of its own. A class with `train()` and `eval()` trains one
    sequence and hands over an average of it: what is stepped, recorded and drawn is the first, which gradients are
    taken at, and its term is named training_step. Classes that are not torch's own may draw random numbers: they find
    the global generators seeded by the lane's seed and the step.
    """

    def __init__(
        self,
        make: Make,
        name: str,
        layout: ParameterLayout,
        theta: Tensor,
        *,
        schedules: Mapping[str, Schedule] = types.MappingProxyType({}),
        seeds: Sequence[int] = (),
        evaluate: Evaluate | None = None,
    ) -> None:
        """Prepare the steps of an optimizer.

        Args:
            make: Creates the optimizer from a list of parameters.
            name: The name of the optimizer as given.
            layout: The positions of parameters in the flat row.
            theta: The parameters before the first step.
            schedules: The schedules of hyperparameters that change with the step.
            seeds: The seeds of the lanes.
            evaluate: The loss and the gradient at a row of parameters, for a step that evaluates them; such an
                optimizer steps one lane alone.
        """
        self.layout = layout
        self.schedules = schedules
        self.perturb: Perturb | None = None
        self.row = theta.clone()
        rows = self.row if theta.ndim == 2 else [self.row]
        self.trial = trial(make, name, _parameters(layout, rows[0].clone()), schedules)
        self.parameters = [_parameters(layout, row) for row in rows]
        self.changed: list[dict[str, float]] = [{} for _ in rows]
        self.seeds = tuple(seeds) or (0,) * len(rows)
        self.optimizers = []
        for seed, parameters in zip(self.seeds, self.parameters, strict=True):
            randomness.seed(seed, 0, theta.device)
            self.optimizers.append(self.trial.make(parameters))
        self.closure = self.trial.closure
        self._evaluate = evaluate
        if self.closure and evaluate is None:
            raise DynvizError(f"{name} evaluates the loss at each step (it needs a closure), and there is none")
        for hyperparameter in schedules:
            values = [group.get(hyperparameter) for group in self.optimizers[0].param_groups]
            if None in values:
                own = "; its lr can" if all("lr" in group for group in self.optimizers[0].param_groups) else ""
                raise DynvizError(f"{name} has no {hyperparameter} that could change with the step{own}")
            if len(set(values)) > 1:
                raise DynvizError(f"the groups of {name} differ in {hyperparameter}, so that it cannot be a schedule")
        step = "step"
        for part in (part for optimizer in self.optimizers for part in parts(optimizer)):
            if two_sequences(type(part)):
                step = "training_step"
                part.train()  # type: ignore[attr-defined]
        self.random = self.trial.draws
        self.decays = self.trial.decays and bool(layout.shapes)
        self.terms: tuple[str, ...] = (step, "decay") if self.decays else (step,)

    def step(self, theta: Tensor, gradient: Tensor, t: int | StepInputs) -> tuple[Tensor, Mapping[str, Tensor]]:
        assert isinstance(t, int)  # a class with a step of its own is no part of a block
        stacked = theta.ndim == 2
        decays = []
        # The class may write into it, and the gradient may be held by a buffer.
        gradient = gradient.clone()
        for lane, optimizer in enumerate(self.optimizers):
            gradients = self.layout.views(gradient[lane] if stacked else gradient)
            for parameter, part in zip(self.parameters[lane], gradients.values(), strict=bool(gradients)):
                parameter.grad = part
            for group in optimizer.param_groups:
                group.update({name: schedule.at(t) for name, schedule in self.schedules.items()})
                group.update(self.changed[lane])
            if self.decays:
                decays.append(self._decay(lane, theta[lane] if stacked else theta))
            if not self.trial.ours:
                randomness.seed(self.seeds[lane], t, theta.device)
            if self.closure:
                optimizer.step(self._closure)  # type: ignore[arg-type]
            else:
                optimizer.step()
        after = self.row.clone()
        if not decays:
            return after, {self.terms[0]: after - theta}
        decay = torch.stack(decays) if stacked else decays[0]
        return after, {self.terms[0]: after - theta - decay, "decay": decay}

    def value(self, name: str, place: int) -> float | None:
        if name in self.schedules and name not in self.changed[place]:
            return None
        value = self.changed[place].get(name, self.optimizers[place].param_groups[0].get(name))
        return float(value) if isinstance(value, int | float) else None

    def refusal(self, name: str, value: float, lane: int | None) -> str:  # noqa: ARG002
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        if not all(isinstance(group.get(name), int | float) for group in groups):
            return f"the optimizer has no number {name} that could be set while it trains; fork the run instead"
        if name == "weight_decay" and any((group[name] == 0) != (value == 0) for group in groups):
            return f"{name} {value:g} would change the terms of a step; fork the run instead"
        return ""

    def change(self, name: str, value: float, places: Sequence[int] | None) -> None:
        for place in range(len(self.optimizers)) if places is None else places:
            self.changed[place][name] = value

    def state(self) -> Any:
        states = []
        for optimizer in self.optimizers:
            state = portable(optimizer.state_dict())
            if not self.trial.ours:
                state["attributes"] = Attributes(optimizer).kept
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
            attributes.restore(optimizer, kept.get("attributes", {}))

    def _closure(self) -> Tensor:
        """The loss at the parameters as they are now, which get its gradient."""
        assert self._evaluate is not None
        with torch.enable_grad():
            loss, gradient = self._evaluate(self.row)
        for parameter, part in zip(self.parameters[0], self.layout.views(gradient).values(), strict=False):
            parameter.grad = part
        return loss

    def _decay(self, lane: int, row: Tensor) -> Tensor:
        rates = decay_rates(self.optimizers[lane])
        own = {rates.get(id(parameter), 0.0) for parameter in self.parameters[lane]}
        if len(own) == 1:
            return row * -own.pop()
        views = zip(self.layout.views(row).items(), self.parameters[lane], strict=True)
        return self.layout.join({name: view * -rates.get(id(parameter), 0.0) for (name, view), parameter in views})


def _parameters(layout: ParameterLayout, row: Tensor) -> list[nn.Parameter]:
    # torch refuses an empty list, and a task may have nothing to train: then there is one that gets no gradient.
    return [nn.Parameter(view) for view in layout.views(row).values()] or [nn.Parameter(row.new_zeros(1))]
