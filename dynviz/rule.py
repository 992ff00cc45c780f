"""The contracts of rules and modifiers: the equation of one step, for one parameter tensor."""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor

State: TypeAlias = dict[str, Tensor]
Terms: TypeAlias = dict[str, Tensor]

TERMS = ("gradient", "momentum", "preconditioning", "decay", "noise")
"""Names of terms that have a colour of their own in every picture; a rule may name others."""

DEPARTURES: Mapping[str, str] = {
    "no-lr": "its step size is not called lr, so that a scenario's lr does not apply to it",
    "constant-step": "its steps do not shrink with the gradient, so that it ends a few step lengths from an optimum",
    "own-convention": "its steps or its options differ from those of the torch.optim class of that name",
    "stack-rounding": "lanes in a stack agree with the same lanes alone to 1e-6 rather than to 1e-12",
}
"""What a rule may do otherwise than the contract's tests ask, and no more: kind and meaning.

A rule declares its own as `departures: ClassVar[Mapping[str, str]] = {kind: reason}`; a rule without departures
leaves the attribute out. The tests see that each one declared is true.
"""


FAMILIES: Mapping[str, str] = {
    "growing": "its steps grow with the gradient, so that its lr must suit the curvature",
    "falling": "it divides by sums over all steps, so that its steps shrink from the first one on",
    "rectified": "its first steps grow with the gradient, later ones do not",
    "signed-momentum": "it moves each coordinate by lr along the sign of a running mean, which calls for a smaller lr",
    "orthogonal": "it moves a matrix by lr in all singular directions alike",
    "stiff": "it divides the gradient by its hyperparameters mu and gamma, which must suit the curvature",
}
"""Families of rules that need a learning rate of another scale than most, which move about lr at each step.

A rule declares its own as `family: ClassVar[str] = "growing"`. Protocols of scenarios may set hyperparameters by it.
"""


SPACES: Mapping[str, str] = {
    "": "log(1e-4,1)",
    "growing": "log(1e-4,10)",
    "falling": "log(1e-3,10)",
    "rectified": "log(1e-4,1)",
    "signed-momentum": "log(1e-5,0.1)",
    "orthogonal": "log(1e-3,1)",
    "stiff": "log(1e-3,10)",
}
"""Ranges of the learning rate in which `dynviz compare --tune` searches, by family; without a family, the first.

A rule whose lr means something else, or that needs more than its lr tuned, declares its own ranges by hyperparameter:
`space: ClassVar[Mapping[str, str]] = {"lr": "log(1e-2,100)"}`. How ranges are written is described in
`dynviz/comparison/spaces.py`.
"""


class Rule(Protocol):
    """A frozen dataclass whose fields are the hyperparameters.

    Training adds up the terms: `theta + sum(terms)`. A field that is a float may hold a tensor without dimensions
    (one lane's value under `torch.func.vmap`), so a rule must not call `float()`, `.item()` or `math` functions on it
    or branch on it; integers, flags and words are plain Python values. `t` is a float64 tensor that starts at 1.
    Nothing is modified in place. For optional methods, see `WatchedRule`, `FallbackRule` and `PerturbingRule`.

    Attributes:
        coordinatewise: Whether each coordinate of a step depends on that coordinate alone, with state tensors of
            theta's shape. Training then joins all parameters, and all lanes, into one tensor.
    """

    coordinatewise: ClassVar[bool]

    def init(self, theta: Tensor) -> State:
        """The state before the first step."""
        ...

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        """The named terms of step t, each of theta's shape, and the state after it."""
        ...


@runtime_checkable
class WatchedRule(Protocol):
    """A rule that exposes quantities from its state, recorded on request as `state.<parameter>.<name>`."""

    def watch(self, state: State) -> Mapping[str, Tensor]:
        """Quantities from one parameter's state, by name (a-z, 0-9, '_', '.', '-'); works under vmap like `update`."""
        ...


@runtime_checkable
class FallbackRule(Protocol):
    """A rule that treats parameters of unsupported shapes differently."""

    def fallback(self, shape: tuple[int, ...]) -> str:
        """How it treats a parameter of this shape, such as "AdamW's step"; empty if it supports the shape."""
        ...


@runtime_checkable
class QuickRule(Protocol):
    """A rule that makes a whole step in fewer passes than its terms take, for those who do not ask for terms."""

    def move(self, theta: Tensor, gradient: Tensor, state: State, t: float) -> Tensor:
        """The sum of the terms of step t; the tensors of the state are changed in place."""
        ...


@runtime_checkable
class PerturbingRule(Protocol):
    """A rule whose steps use the gradient at a point other than the parameters."""

    def perturb(self, gradient: Tensor) -> Tensor:
        """The offset of that point, given the gradient at the parameters; both flatten all parameters of a lane."""
        ...


class Modifier(Rule, Protocol):
    """A rule that wraps another one, its first field, and changes what goes into that rule or comes out of it.

    `coordinatewise` describes the modifier alone. A modifier that needs hyperparameters of the rule names them as
    `needs: ClassVar[tuple[str, ...]]`; one that decides how long steps are declares their `family`, as rules do.
    """

    @property
    def rule(self) -> Rule:
        """The modified rule, which may itself be a modifier."""
        ...


NOISE = "noise"
"""The entry of a state into which training puts fresh noise before each step.

If the state that `init` returns has this entry, it holds independent uniform numbers between 0 and 1, one for each
number of theta: a pure function of the lane's seed and the step, so that a run can be stopped and resumed.
"""


def rate(rule: Any) -> float | Tensor:
    """The step size of a rule, ignoring any modifiers around it."""
    lr: float | Tensor = next(part.lr for part in layers(rule) if hasattr(part, "lr"))
    return lr


class KnownNumber:
    """A number that follows from the number of the step, for steps that are recorded once and run many times.

    Arithmetic with plain numbers gives another one, with tensors a tensor. It is computed as plain numbers are.
    """

    def __init__(self, of: Callable[[float], float], make: Callable[[Callable[[float], float]], Tensor]) -> None:
        """A number.

        Args:
            of: The function of the step's number.
            make: Gives the tensor that stands for such a function in the record.
        """
        self._of, self._make = of, make

    def tensor(self) -> Tensor:
        """The number as a float64 tensor without dimensions."""
        return self._make(self._of)

    def _with(self, other: Any, function: Callable[[Any, Any], Any], *, turned: bool) -> Any:
        of = self._of
        if isinstance(other, Tensor):
            # A plain number does not widen a tensor without dimensions, as a tensor of float64 would.
            number = self.tensor() if other.ndim else self.tensor().to(other.dtype)
            return function(other, number) if turned else function(number, other)
        if turned:
            return KnownNumber(lambda number: function(other, of(number)), self._make)
        return KnownNumber(lambda number: function(of(number), other), self._make)

    def __add__(self, other: Any) -> Any:
        return self._with(other, operator.add, turned=False)

    def __radd__(self, other: Any) -> Any:
        return self._with(other, operator.add, turned=True)

    def __sub__(self, other: Any) -> Any:
        return self._with(other, operator.sub, turned=False)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, operator.sub, turned=True)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, operator.mul, turned=False)

    def __rmul__(self, other: Any) -> Any:
        return self._with(other, operator.mul, turned=True)

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, operator.truediv, turned=False)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, operator.truediv, turned=True)

    def __pow__(self, other: Any) -> Any:
        return self._with(other, operator.pow, turned=False)

    def __rpow__(self, other: Any) -> Any:
        return self._with(other, operator.pow, turned=True)


def as_tensor(number: Any) -> Tensor:
    """A number that `power` gave, or that was computed from one, as a float64 tensor."""
    return number.tensor() if isinstance(number, KnownNumber) else torch.as_tensor(number, dtype=torch.float64)


def power(base: float | Tensor, t: Tensor) -> Any:
    """base^t: a plain number where base is one and t's value is known without waiting for the device, else a tensor.

    Training attaches the value as `t.number` to the t of a single step. Corrections of running means then take no
    operations on tensors, which for small tasks are a third of an optimizer's time.
    """
    number = getattr(t, "number", None)
    return torch.pow(base, t) if number is None or isinstance(base, Tensor) else base**number


def layers(rule: Any) -> Iterator[Any]:
    """A rule with modifiers from the outside in: each modifier, then the rule itself."""
    yield rule
    while (rule := getattr(rule, "rule", None)) is not None:
        yield rule


def fallback(rule: Any, shape: tuple[int, ...]) -> str:
    """How a rule, ignoring any modifiers around it, treats a parameter of an unsupported shape."""
    return next((part.fallback(shape) for part in layers(rule) if isinstance(part, FallbackRule)), "")


EXAMPLES: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "a number": ((),),
    "a vector": ((8,), (2**14,)),
    "a matrix": ((8, 8), (2**14, 2**14)),
    "a tensor of order 3": ((8, 8, 8),),
}
"""Shapes of parameters by kind, small and large."""


def fallbacks(rule: Any) -> dict[str, str]:
    """How a rule treats each unsupported kind of parameter: "a vector" to "AdamW's step"."""
    fallbacks = {}
    for kind, shapes in EXAMPLES.items():
        words = {" x ".join(map(str, shape)): fallback(rule, shape) for shape in shapes}
        if len(set(words.values())) == 1:
            fallbacks[kind] = words.popitem()[1]
        else:
            fallbacks |= {f"{kind} of {size}": text for size, text in words.items()}
    return {kind: text for kind, text in fallbacks.items() if text}


def joined(terms: Terms, **more: Tensor) -> Terms:
    """Both sets of terms; terms of the same name are added up."""
    return {**terms, **{name: terms[name] + part if name in terms else part for name, part in more.items()}}
