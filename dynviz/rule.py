"""The contracts of rules and modifiers: the equation of one step, for one parameter tensor."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from torch import Tensor

State: TypeAlias = dict[str, Tensor]
Terms: TypeAlias = dict[str, Tensor]

TERMS = ("gradient", "momentum", "preconditioning", "decay", "noise")
"""Names of terms that have a colour of their own in every picture; a rule may name others."""

DEPARTURES: Mapping[str, str] = {
    "no-lr": "its step size is not called lr, so that a protocol's lr passes it by",
    "constant-step": "its step does not shrink with the gradient: it ends near an optimum, a few steps' length away",
    "own-convention": "its steps are not those of the torch.optim class of its name, or its options are not",
    "stack-rounding": "lanes in a stack agree with the same lanes alone to 1e-6 rather than to 1e-12",
}
"""What a rule may do otherwise than the contract's tests ask, and no more: kind and meaning.

A rule declares its own as `departures: ClassVar[Mapping[str, str]] = {kind: reason}`; a rule without departures
leaves the attribute out. The tests see that each one declared is true.
"""


FAMILIES: Mapping[str, str] = {
    "growing": "its steps grow with the gradient, so that its lr has to fit the curvature",
    "falling": "it divides by sums over all steps, so that its steps shrink from the first one on",
    "rectified": "its first steps grow with the gradient, later ones do not",
    "signed-momentum": "it moves each coordinate by lr along the sign of a running mean, so that a smaller lr will do",
    "orthogonal": "it moves a matrix by lr in all singular directions alike",
    "stiff": "it divides the gradient by its hyperparameters mu and gamma, which have to fit the curvature",
}
"""Families of rules that need a learning rate of another scale than most, which move about lr at each step.

A rule declares its own as `family: ClassVar[str] = "growing"`. Protocols of scenarios may set hyperparameters by it.
"""


class Rule(Protocol):
    """A frozen dataclass whose fields are the hyperparameters.

    Training adds the terms up: `theta + sum(terms)`. A field that is a float may hold a tensor without dimensions
    (one lane's value under `torch.func.vmap`), so a rule calls no `float()`, `.item()` or `math` function on it and
    does not branch on it; whole numbers, flags and words are plain Python. `t` is a float64 tensor that starts at 1.
    Nothing is changed in place. What a rule may have beside this: see `WatchedRule`, `FallbackRule` and
    `PerturbingRule`.

    Attributes:
        coordinatewise: True where each coordinate of a step depends on that coordinate alone, with state tensors
            of theta's shape. Training then joins all parameters, and all lanes, into one tensor.
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
    """A rule that shows numbers of its state, recorded on request as `state.<parameter>.<name>`."""

    def watch(self, state: State) -> Mapping[str, Tensor]:
        """Numbers of one parameter's state, by name (a-z, 0-9, '_', '.', '-'); works under vmap as `update` does."""
        ...


@runtime_checkable
class FallbackRule(Protocol):
    """A rule that does something else with parameters of shapes that it is not made for."""

    def fallback(self, shape: tuple[int, ...]) -> str:
        """What it does with a parameter of this shape, such as "AdamW's step"; empty where it is made for it."""
        ...


@runtime_checkable
class PerturbingRule(Protocol):
    """A rule whose steps take the gradient elsewhere than at the parameters."""

    def perturb(self, gradient: Tensor) -> Tensor:
        """Where that is, from the parameters, for the gradient at them; both are all parameters of a lane in a row."""
        ...


class Modifier(Rule, Protocol):
    """A rule around another one, which is its first field; it changes what goes into that rule or comes out of it.

    `coordinatewise` tells of the modifier alone. A modifier that needs hyperparameters of the rule names them as
    `needs: ClassVar[tuple[str, ...]]`.
    """

    @property
    def rule(self) -> Rule:
        """The rule that is modified, which may be a modifier too."""
        ...


NOISE = "noise"
"""The entry of a state in which training puts fresh noise before each step.

A rule whose `init` has it finds in it numbers between 0 and 1, even and independent, one for each number of theta: a
pure function of the lane's seed and the step, so that a run can be stopped and gone on with.
"""


def rate(rule: Any) -> float | Tensor:
    """The step size of a rule, whatever modifiers stand around it."""
    lr: float | Tensor = next(part.lr for part in layers(rule) if hasattr(part, "lr"))
    return lr


def layers(rule: Any) -> Iterator[Any]:
    """A rule with modifiers from the outside in: each modifier, then the rule itself."""
    yield rule
    while (rule := getattr(rule, "rule", None)) is not None:
        yield rule


def fallback(rule: Any, shape: tuple[int, ...]) -> str:
    """What a rule, whatever modifiers stand around it, does with a parameter of a shape that it is not made for."""
    return next((part.fallback(shape) for part in layers(rule) if isinstance(part, FallbackRule)), "")


EXAMPLES: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "a number": ((),),
    "a vector": ((8,), (2**14,)),
    "a matrix": ((8, 8), (2**14, 2**14)),
    "a tensor of order 3": ((8, 8, 8),),
}
"""Shapes of parameters by kind, small and large."""


def fallbacks(rule: Any) -> dict[str, str]:
    """What a rule does with parameters of the kinds that it is not made for: "a vector" to "AdamW's step"."""
    fallbacks = {}
    for kind, shapes in EXAMPLES.items():
        words = {" x ".join(map(str, shape)): fallback(rule, shape) for shape in shapes}
        if len(set(words.values())) == 1:
            fallbacks[kind] = words.popitem()[1]
        else:
            fallbacks |= {f"{kind} of {size}": text for size, text in words.items()}
    return {kind: text for kind, text in fallbacks.items() if text}


def joined(terms: Terms, **more: Tensor) -> Terms:
    """The terms and more of them; those of one name are added up."""
    return {**terms, **{name: terms[name] + part if name in terms else part for name, part in more.items()}}
