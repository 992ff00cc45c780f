"""Which known convention two implementations of one rule differ by, found by trying them.

Both sides are matched with a family of rules; the switches in which the matches differ are the answer.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dynviz.difference.families import FAMILIES, Choice, Family, Trace
from dynviz.difference.matrix_families import SHAMPOO
from dynviz.frozen import frozen

STEPS = 8
"""So many steps tell conventions apart."""
ROUNDINGS = 32
"""A side is matched where each parameter agrees to its family's share of its largest move, and so many roundings."""
ABSENT: Mapping[str, float] = {"weight_decay": 0.0, "momentum": 0.0, "dampening": 0.0}
"""What it means that a side has no such hyperparameter."""


@frozen
class Match:
    """A family, and the choices of it that give what one side did."""

    family: Family
    choices: tuple[Choice, ...]


def match(trace: Trace) -> Match | None:
    """The family that a side is of, with all choices that give its first steps; None where none does."""
    moves = np.abs(np.diff(trace.theta, axis=0)).max(axis=0)
    rounding = ROUNDINGS * trace.eps * np.abs(trace.theta).max(axis=0)
    first = replace(trace, theta=trace.theta[:2], gradients=trace.gradients[:1])
    for family in (*FAMILIES, SHAMPOO):
        if not set(family.needs) <= trace.values.keys():
            continue
        bound = family.close * moves + rounding
        # The first step alone rules out most.
        fitting = tuple(
            choice
            for choice in family.choices(trace.values)
            if all((np.abs(family.simulate(part, choice) - part.theta) <= bound).all() for part in (first, trace))
        )
        if fitting:
            return Match(family, fitting)
    return None


def told_apart(traces: Sequence[Trace]) -> list[tuple[str, str, str]] | None:
    """The switches that two sides set otherwise: each with both ways. None where a side is of no known family."""
    matches: list[Match] = []
    for trace in traces:
        found = match(trace)
        if found is None:
            return None
        matches.append(found)
    one, other = matches
    if one.family is not other.family:
        return [("family", one.family.name, other.family.name)]
    pairs = itertools.product(one.choices, other.choices)
    near = min(pairs, key=lambda pair: sum(pair[0][name] != pair[1][name] for name in pair[0]))
    return [(name, near[0][name], near[1][name]) for name in near[0] if near[0][name] != near[1][name]]


ALIASES: Mapping[str, str] = {
    "learning_rate": "lr",
    "beta": "momentum",
    "b1": "beta1",
    "b2": "beta2",
    "alpha": "beta2",
    "rho": "beta2",
    "epsilon": "eps",
    "matrix_eps": "eps",
    "update_freq": "interval",
    "preconditioning_compute_steps": "interval",
}


def hyperparameters(values: Mapping[str, Any]) -> dict[str, float]:
    """Hyperparameters that are numbers, by their names in torch."""
    numbers: dict[str, float] = {}
    # In averaged SGD, alpha is the power of a schedule.
    aliases = {key: name for key, name in ALIASES.items() if key != "alpha" or "lambd" not in values}
    for name, value in values.items():
        if name == "betas" and isinstance(value, tuple | list):
            numbers |= {f"beta{place}": float(beta) for place, beta in enumerate(value, 1)}
        elif name == "decay" and "learning_rate" in values and isinstance(value, int | float):
            numbers["beta2"] = float(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[aliases.get(name, name)] = float(value)
    return numbers


def valued_apart(values: Sequence[Mapping[str, float]]) -> list[str]:
    """The hyperparameters in which two sides differ, a line each."""
    one, other = ({**{name: ABSENT[name] for name in ABSENT}, **known} for known in values)
    return [
        f"{name} is {one[name]:g} in A, {other[name]:g} in B"
        for name in one
        if name in other and one[name] != other[name]
    ]
