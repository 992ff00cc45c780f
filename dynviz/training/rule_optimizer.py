"""A rule as a `torch.optim.Optimizer`, for scripts of one's own."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias, overload

import torch
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.plugins import Plugin, objects
from dynviz.plugins.objects import Given
from dynviz.plugins.option_values import read
from dynviz.plugins.options import MISSING
from dynviz.rule import NOISE, PerturbingRule, Rule
from dynviz.training.noise import Noise
from dynviz.training.plan import check_optimizer

BLOCK = 1 << 16
"""So many numbers are stepped at once, so that what a step computes on the way stays in the processor's cache."""
STEP = "step"
MAXIMIZE = "maximize"

Parameters: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]]


class RuleOptimizer(torch.optim.Optimizer):
    """Steps of a rule; made by `torch_optimizer`, which says which.

    Hyperparameters stand in the parameter groups, where schedulers of learning rates find them. A rule that takes its
    gradient elsewhere, such as one with `sam`, needs a closure, which it evaluates twice.

    Attributes:
        plugin: The rule.
    """

    plugin: ClassVar[Plugin]

    def __init__(self, params: Parameters, *, seed: int = 0, maximize: bool = False, **hyperparameters: Any) -> None:
        """Start with no state.

        Args:
            params: Parameters, or groups of them with hyperparameters of their own.
            seed: Of the noise of rules that draw some.
            maximize: Whether to go up rather than down.
            hyperparameters: Those of the rule.

        Raises:
            DynvizError: The rule has no such hyperparameter, or not with this value.
        """
        values = self._values(hyperparameters)
        self._seed = seed
        self._perturbs = issubclass(self.plugin.target, PerturbingRule)  # type: ignore[arg-type]
        self._names = tuple(self.plugin.options)
        self._made: tuple[tuple[Any, ...], Any] = ((), None)
        self._joined_states: dict[tuple[int, ...], tuple[dict[str, Tensor], list[Any]]] = {}
        super().__init__(params, {**values, MAXIMIZE: maximize})

    def _values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        known, what = self.plugin.options, f"optimizer {self.plugin.name}"
        values = {**{name: option.default for name, option in known.items()}, **self.plugin.given}
        values |= read(known, given, what)
        for name, value in values.items():
            if value is MISSING:
                raise DynvizError(f"{what} needs {name}: pass {name}=...")
        return values

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; its hyperparameters are checked as those of the optimizer are."""
        own = {name: value for name, value in param_group.items() if name in self.plugin.options}
        super().add_param_group({**param_group, **read(self.plugin.options, own, f"optimizer {self.plugin.name}")})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Make one step.

        Args:
            closure: Evaluates the loss and its gradients; needed by rules that take the gradient elsewhere.

        Returns:
            The loss, where a closure told it.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if self._perturbs:
            self._look_elsewhere(closure)
        for group in self.param_groups:
            rule = self._rule(group)
            for bucket in self._buckets(group):
                self._advance(rule, bucket, up=bool(group[MAXIMIZE]))
        return loss

    def _rule(self, group: Mapping[str, Any]) -> Rule:
        """The rule with the hyperparameters of a group, which a scheduler may have changed."""
        values = tuple(group[name] for name in self._names)
        if values != self._made[0]:
            self._made = values, self.plugin.target(**dict(zip(self._names, values, strict=True)))
        rule: Rule = self._made[1]
        return rule

    def _buckets(self, group: Mapping[str, Any]) -> list[list[Tensor]]:
        """The parameters with a gradient, of a rule that works by coordinates those together that are small."""
        whole = self.plugin.target.coordinatewise  # type: ignore[attr-defined]
        buckets: dict[Any, list[Tensor]] = {}
        for parameter in group["params"]:
            if parameter.grad is None or not parameter.numel():
                continue
            if parameter.grad.is_sparse or parameter.is_complex():
                kind = "complex parameters" if parameter.is_complex() else "sparse gradients"
                raise DynvizError(f"optimizer {self.plugin.name} does not take {kind}")
            if not self.state[parameter]:
                self._begin(parameter, group)
            steps = int(self.state[parameter][STEP])
            small = whole and parameter.numel() < BLOCK and NOISE not in self.state[parameter]
            key = (steps, parameter.dtype, parameter.device) if small else id(parameter)
            buckets.setdefault(key, []).append(parameter)
        return list(buckets.values())

    def _begin(self, parameter: Tensor, group: Mapping[str, Any]) -> None:
        state = self._rule(group).init(parameter.detach())
        self.state[parameter] = {STEP: torch.zeros(()), **{name: value.clone() for name, value in state.items()}}

    def _advance(self, rule: Rule, parameters: Sequence[Tensor], *, up: bool) -> None:
        """Step parameters that have made equally many steps."""
        states = [self.state[parameter] for parameter in parameters]
        for state in states:
            state[STEP] += 1
        t = states[0][STEP].to(parameters[0].device, torch.float64)
        gradients = [-slope if up else slope for slope in _gradients(parameters)]
        if len(parameters) > 1:
            rows = self._rows(parameters, states)
            theta = _joined(parameters)
            move = _move(rule, theta, _joined(gradients), rows, t)
            pieces = torch.split(move, [parameter.numel() for parameter in parameters])
            moves = [piece.view_as(one) for piece, one in zip(pieces, parameters, strict=True)]
            torch._foreach_add_(list(parameters), moves)
            return
        (parameter,), (gradient,), (state,) = parameters, gradients, states
        tensors = {name: value for name, value in state.items() if name != STEP}
        if NOISE in tensors:
            number = next(place for place, one in enumerate(self._all()) if one is parameter)
            noise = Noise([self._seed + number], parameter.detach().reshape(-1)).at(int(state[STEP]))
            tensors[NOISE].copy_(noise.view_as(parameter))
        theta = parameter.detach()
        if not self.plugin.target.coordinatewise:  # type: ignore[attr-defined]
            theta += _move(rule, theta, gradient, tensors, t)
            return
        theta, slope = theta.view(-1), gradient.reshape(-1)
        rows = {name: value.view(-1) for name, value in tensors.items()}
        size = BLOCK if theta.device.type == "cpu" else max(len(theta), 1)
        for start in range(0, len(theta), size):
            block = slice(start, start + size)
            part = theta[block]
            part += _move(rule, part, slope[block], {name: row[block] for name, row in rows.items()}, t)

    def _rows(self, parameters: Sequence[Tensor], states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Each state tensor of several parameters in a row, of which the state of each is a view."""
        key = tuple(map(id, parameters))
        rows, views = self._joined_states.get(key, ({}, []))
        if not views or any(state.get(name) is not view for state, name, view in views):
            sizes = [parameter.numel() for parameter in parameters]
            rows = {name: _joined([state[name] for state in states]) for name in states[0] if name != STEP}
            views = []
            for name, row in rows.items():
                for state, piece in zip(states, torch.split(row, sizes), strict=True):
                    state[name] = piece.view(state[name].shape)
                    views.append((state, name, state[name]))
            self._joined_states[key] = rows, views
        return rows

    def _all(self) -> list[Tensor]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

    def _look_elsewhere(self, closure: Callable[[], float] | None) -> None:
        """Replace the gradients by those at the point that the rule looks at."""
        if closure is None:
            raise DynvizError(f"{self.plugin.name} takes its gradient elsewhere: pass a closure to step()")
        parameters = [parameter for parameter in self._all() if parameter.grad is not None]
        rule: Any = self._rule(self.param_groups[0])
        before = [parameter.clone() for parameter in parameters]
        gradient = _joined(_gradients(parameters))
        sign = -1 if self.param_groups[0][MAXIMIZE] else 1
        sizes = [parameter.numel() for parameter in parameters]
        moves = torch.split(sign * rule.perturb(sign * gradient), sizes)
        torch._foreach_add_(parameters, [move.view_as(one) for move, one in zip(moves, parameters, strict=True)])
        with torch.enable_grad():
            closure()
        torch._foreach_copy_(parameters, before)


def _move(rule: Rule, theta: Tensor, gradient: Tensor, state: dict[str, Tensor], t: Tensor) -> Tensor:
    """The whole step; the state is updated in place."""
    if _is_quick(type(rule)):
        quick: Any = rule
        return quick.move(theta, gradient, state, float(t))  # type: ignore[no-any-return]
    terms, after = rule.update(theta, gradient, dict(state), t)
    for name, value in state.items():
        value.copy_(after[name])
    move = torch.zeros((), dtype=theta.dtype, device=theta.device)
    for term in terms.values():
        move = move + term.to(theta.dtype)
    return move.expand_as(theta)


@functools.cache
def _is_quick(kind: Any) -> bool:
    """Whether a rule has a quick step of its own equation, and not of a class whose equation it changes."""
    first = next((base for base in kind.__mro__ if "update" in vars(base)), kind)
    return "move" in vars(first)


def _gradients(parameters: Iterable[Tensor]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def torch_optimizer(rule: Given) -> type[RuleOptimizer]:
    """A class of `torch.optim.Optimizer`'s kind whose steps are those of a rule.

    Args:
        rule: `adamw-l1`, `sgd+sam`, `./mine.py`, with options in place of its defaults if there are any; or a class.

    Raises:
        DynvizError: There is no such rule, or it is an optimizer of torch's kind already.

    Example:
        >>> import torch
        >>> AdamWL1 = torch_optimizer("adamw-l1:lr=1e-2")
        >>> weight = torch.nn.Parameter(torch.ones(2))
        >>> optimizer = AdamWL1([weight], weight_decay=0.0)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> weight.tolist()
        [0.9900000095367432, 0.9900000095367432]
    """
    plugin = objects.plugin("optimizers", rule)
    check_optimizer(plugin)
    if not dataclasses.is_dataclass(plugin.target):
        raise DynvizError(f"{plugin.name} is no rule, but makes an optimizer of torch's kind already")
    name = "".join(part.capitalize() for part in plugin.label.replace("+", "-").replace("_", "-").split("-"))
    made = type(name, (RuleOptimizer,), {"plugin": plugin, "__doc__": plugin.target.__doc__, "__module__": __name__})
    keyword = inspect.Parameter.KEYWORD_ONLY
    hyperparameters = [
        inspect.Parameter(key, keyword, default=plugin.given.get(key, option.default))
        for key, option in plugin.options.items()
    ]
    first = [inspect.Parameter("params", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    last = [inspect.Parameter("seed", keyword, default=0), inspect.Parameter(MAXIMIZE, keyword, default=False)]
    made.__signature__ = inspect.Signature([*first, *hyperparameters, *last])  # type: ignore[attr-defined]
    return made
