"""Composed rules: a rule and its modifiers, `adam+proximal-l1:lr=1e-3,decay=0.1`."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.plugins.options import MISSING, Option, options
from dynviz.rule import PerturbingRule, Rule, State, Terms, WatchedRule, layers

Part = tuple[str, type]
"""The name and the type of a rule or a modifier."""


def compose(parts: Sequence[Part]) -> type:
    """Build the class that combines a rule with its modifiers and has the hyperparameters of all of them.

    A hyperparameter whose name an earlier part already uses is prefixed with its part's name: `averaged_l1_gamma`.

    Args:
        parts: The rule, then its modifiers from the inside out.

    Raises:
        DynvizError: A modifier is repeated, lacks a hyperparameter that it needs, or follows a foreign rule.
    """
    (base_name, base), *modifiers = parts
    if not dataclasses.is_dataclass(base):
        names = " and ".join(name for name, _ in modifiers)
        raise DynvizError(
            f"{names} can only modify a rule that returns its step, and {base_name} updates the parameters itself"
        )
    _check(modifiers)
    fields: dict[str, Option] = {}
    places: list[dict[str, str]] = []
    for name, part in parts:
        known = {key: option for key, option in options(part).items() if not (places and key == "rule")}
        for need in getattr(part, "needs", ()):
            if need not in fields:
                raise DynvizError(
                    f"{name} needs a rule with the hyperparameter {need}, which {base_name} does not have"
                )
        place = {key: f"{name.replace('-', '_')}_{key}" if key in fields else key for key in known}
        fields |= {place[key]: option for key, option in known.items()}
        places.append(place)
    made: type = dataclasses.make_dataclass(
        "+".join(name for name, _ in parts).replace("-", "_"),
        [_field(name, option) for name, option in fields.items()],
        bases=(_Perturbing if any(issubclass(part, PerturbingRule) for _, part in modifiers) else Composed,),
        namespace={"__doc__": _docstring(parts, fields), "parts": tuple(parts), "places": tuple(places)},
        frozen=True,
        kw_only=True,
    )
    made.coordinatewise = all(part.coordinatewise for _, part in parts)  # type: ignore[attr-defined]
    made.departures = getattr(base, "departures", {})  # type: ignore[attr-defined]
    # The rule decides how long steps are, unless a modifier does.
    decisive = next((part for _, part in reversed(modifiers) if hasattr(part, "family")), base)
    made.family = getattr(decisive, "family", "")  # type: ignore[attr-defined]
    made.space = getattr(decisive, "space", {})  # type: ignore[attr-defined]
    return made


def _check(modifiers: Sequence[Part]) -> None:
    names = [name for name, _ in modifiers]
    for name in names:
        if names.count(name) > 1:
            raise DynvizError(f"{name} appears twice in {'+'.join(names)}; write each modifier once")
    elsewhere = [name for name, part in modifiers if issubclass(part, PerturbingRule)]
    if len(elsewhere) > 1:
        raise DynvizError(
            f"{' and '.join(elsewhere)} each move the point at which the gradient is taken; use only one of them"
        )


class Composed:
    """A rule and its modifiers, with all their hyperparameters as fields."""

    @functools.cached_property
    def rule(self) -> Rule:
        """The outermost modifier, which wraps the other modifiers and the rule."""
        return _nested(type(self), vars(self))

    def init(self, theta: Tensor) -> State:
        return self.rule.init(theta)

    def update(self, theta: Tensor, gradient: Tensor, state: State, t: Tensor) -> tuple[Terms, State]:
        return self.rule.update(theta, gradient, state, t)

    def watch(self, state: State) -> Mapping[str, Tensor]:
        """The quantities that the rule exposes from its state."""
        return next((part.watch(state) for part in layers(self.rule) if isinstance(part, WatchedRule)), {})


class _Perturbing(Composed):
    """A composed rule with a modifier that evaluates the gradient at a perturbed point."""

    def perturb(self, gradient: Tensor) -> Tensor:
        return next(part for part in layers(self.rule) if isinstance(part, PerturbingRule)).perturb(gradient)


def _nested(made: Any, values: Mapping[str, Any]) -> Rule:
    rule: Any = None
    for (_, part), place in zip(made.parts, made.places, strict=True):
        own = {key: values[name] for key, name in place.items() if name in values}
        rule = part(**own) if rule is None else part(rule, **own)
    return rule  # type: ignore[no-any-return]


def _field(name: str, option: Option) -> tuple[str, Any, Any]:
    default = dataclasses.field() if option.default is MISSING else dataclasses.field(default=option.default)
    return name, option.annotation, default


def _docstring(parts: Sequence[Part], fields: Mapping[str, Option]) -> str:
    lines = [f"    {name}: {option.help}" for name, option in fields.items()]
    return f"{', modified by '.join(name for name, _ in parts)}.\n\nAttributes:\n" + "\n".join(lines) + "\n"
