"""Search spaces of hyperparameters, and quasirandom points in them.

A range is written like a grid without a count: `log(1e-4,1)` for numbers spread evenly over orders of magnitude,
`linear(0,1)`, `near-one(0.9,0.999)` for numbers whose distance to 1 is spread evenly over orders of magnitude, such as
decay rates of running means, and `[true,false]` for a choice.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any

import torch

from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins import Plugin
from dynviz.plugins.grammar import is_grid, split
from dynviz.plugins.spec import Spec, parse
from dynviz.rule import SPACES
from dynviz.sweeps.grid import Combination, choices

_RANGE = re.compile(r"^(log|linear|near-one)\(([^(),]+),([^(),]+)\)$")
DIGITS = 4
"""Significant digits of a number in a point, so that the command that repeats it is short."""


@frozen
class SearchRange:
    """The values of one hyperparameter that are searched.

    Attributes:
        text: As it was written.
        kind: How numbers are spread: `log`, `linear`, `near-one`, or `choice`.
        low: One end.
        high: The other end.
        values: The values of a choice, as text.
    """

    text: str
    kind: str
    low: float = math.nan
    high: float = math.nan
    values: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> "SearchRange | None":
        """Parse a range; None if the text is a value, or a grid with a count.

        Raises:
            DynvizError: It is a range with impossible ends.
        """
        if text.startswith("[") and text.endswith("]"):
            values = tuple(item.strip() for item in split(text[1:-1]))
            if len(values) < 2 or not all(values) or any(map(is_grid, values)):
                raise DynvizError(f"{text} is no choice; write at least two values, like [true,false]")
            return cls(text, "choice", values=values)
        match = _RANGE.match(text.replace(" ", ""))
        if match is None:
            return None
        kind, *ends = match.groups()
        try:
            low, high = map(float, ends)
        except ValueError:
            low, high = math.nan, math.nan
        well = math.isfinite(high - low) and low < high
        well &= {"log": low > 0, "near-one": high < 1, "linear": True}[kind]
        if not well:
            needs = {"log": " above 0", "near-one": " below 1", "linear": ""}[kind]
            raise DynvizError(f"{text} is not a range; write {kind}(low,high) with two numbers{needs}, the lower first")
        return cls(text, kind, low, high)

    def at(self, share: float) -> str:
        """The value at a share from 0 to below 1 of the range, as text.

        >>> [SearchRange.read(text).at(0.5) for text in ("log(1e-4,1)", "linear(0,3)", "near-one(0.9,0.999)", "[a,b]")]
        ['0.01', '1.5', '0.99', 'b']
        """
        if self.kind == "choice":
            return self.values[int(share * len(self.values))]
        if self.kind == "linear":
            return f"{self.low + share * (self.high - self.low):.{DIGITS}g}"
        if self.kind == "log":
            return f"{self.low * (self.high / self.low) ** share:.{DIGITS}g}"
        # Digits of the distance to 1: 0.9996 and 0.9999 are far apart.
        rest = float(f"{(1 - self.low) * ((1 - self.high) / (1 - self.low)) ** share:.{DIGITS}g}")
        return f"{1 - rest:.12g}"


@frozen
class Candidate:
    """An optimizer with what is searched and what is fixed.

    Attributes:
        text: As it was written.
        spec: The optimizer with its fixed options.
        space: The searched hyperparameters; empty if there are none.
    """

    text: str
    spec: Spec
    space: Mapping[str, SearchRange] = field(default_factory=dict)

    def point(self, shares: Sequence[float]) -> Combination:
        """The optimizer at one point of its space.

        Args:
            shares: A number from 0 to below 1 for each searched hyperparameter.

        Raises:
            DynvizError: The optimizer refuses a value.
        """
        values = {name: searched.at(share) for (name, searched), share in zip(self.space.items(), shares, strict=True)}
        (combination,) = choices("optimizers", replace(self.spec, options={**self.spec.options, **values}))
        return combination

    def points(self, count: int, study: int) -> list[Combination]:
        """Quasirandom points; the same for all optimizers with as many searched hyperparameters.

        Args:
            count: Number of points; one suffices where nothing is searched.
            study: The number of the study, which scrambles the sequence anew.
        """
        if not self.space:
            return [self.point(())]
        return [self.point(shares) for shares in quasirandom(len(self.space), count, study)]


def candidate(text: str, *, tuned: bool = True) -> Candidate:
    """Read an optimizer with its search space.

    An option that is a range is searched, one with a value is fixed, and of the others those are searched that the rule
    declares.

    Args:
        text: `adamw`, `adamw:lr=log(1e-4,1),weight_decay=0.1`.
        tuned: Whether ranges are searched; else they are refused.

    Raises:
        DynvizError: The optimizer does not exist, or a range or value is not understood.
    """
    spec = parse(text)
    ranges = {name: searched for name, value in spec.options.items() if (searched := SearchRange.read(value))}
    fixed = {name: value for name, value in spec.options.items() if name not in ranges}
    if not tuned and ranges:
        name, searched = next(iter(ranges.items()))
        raise DynvizError(f"{name}={searched.text} of {spec.title} is a range, and nothing is tuned here; give a value")
    for name, value in fixed.items():
        if is_grid(value):
            raise DynvizError(
                f"{name}={value} of {spec.title} is a grid; write a range without a count, log(1e-4,1), which is "
                "searched, or use dynviz sweep"
            )
    plugin = plugins.load("optimizers", replace(spec, options=fixed))
    if tuned:
        declared = {name: value for name, value in space_of(plugin).items() if name not in fixed}
        ranges = {name: _range(value) for name, value in declared.items()} | ranges
    made = Candidate(text, _absolute(replace(spec, options=fixed), plugin), ranges)
    for share in (0.0, 1 - 2**-20):
        # Both ends, so that a range outside of what the rule takes is refused before anything is trained.
        made.point([share] * len(ranges))
    return made


def space_of(plugin: Plugin) -> dict[str, str]:
    """The ranges that a rule declares, or that its family has; those of its namesake for a class of torch.optim."""
    known = plugin.options
    rule: Any = plugin.target
    bundled = plugins.files("optimizers")
    if not hasattr(rule, "coordinatewise") and plugin.stem in bundled:
        rule = plugins.load("optimizers", plugin.stem).target
    declared: Mapping[str, str] = getattr(rule, "space", {}) or {"lr": SPACES[getattr(rule, "family", "")]}
    return {name: text for name, text in declared.items() if name in known}


def quasirandom(dimensions: int, count: int, study: int) -> list[list[float]]:
    """Points of a scrambled Sobol sequence in the unit cube.

    Args:
        dimensions: The number of dimensions.
        count: The number of points.
        study: Seed of the scrambling.

    Source: Sobol 1967; Owen, Scrambling Sobol and Niederreiter-Xing points (1998)
    """
    sobol = torch.quasirandom.SobolEngine(dimensions, scramble=True, seed=study)  # type: ignore[no-untyped-call]
    # A share of exactly 1 would lie past the last choice.
    points: list[list[float]] = sobol.draw(count, dtype=torch.float64).clamp(max=1 - 2**-40).tolist()
    return points


def _range(text: str) -> SearchRange:
    searched = SearchRange.read(text)
    if searched is None:
        raise DynvizError(f"{text} is not a range; write log(1e-4,1), linear(0,1), near-one(0.9,0.999) or [a,b]")
    return searched


def _absolute(spec: Spec, plugin: Plugin) -> Spec:
    """The spec with the full paths of the user's files, so that it can be read from any folder."""
    head, *modifiers = plugin.parts or (plugin,)
    return replace(
        spec,
        name=head.file or spec.name,
        modifiers=tuple(
            replace(part, name=known.file or part.name) for part, known in zip(spec.modifiers, modifiers, strict=True)
        ),
    )
