"""Rules under test: every one that is found, its departures, and steps on the small network."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from dynviz import plugins
from dynviz.plugins.options import Option
from dynviz.rule import DEPARTURES, Rule
from dynviz.training.parameter_layout import ParameterLayout
from dynviz.training.steppers import RuleStepper, Stepper
from tests import network

RULES = list(plugins.files("optimizers"))
MODIFIED = [
    *(f"adam+{name}" for name in plugins.files("modifiers")),
    "+".join(["shampoo", *plugins.files("modifiers")]),
]
"""Each modifier alone, over a rule that works by coordinates; all of them over one that does not."""
ROW = torch.cat([value.reshape(-1) for value in network.parameters().values()])
LAYOUT = ParameterLayout({name: tuple(value.shape) for name, value in network.parameters().items()})


def make(name: str, **values: Any) -> Rule:
    return plugins.load("optimizers", name).make(**values)


def options(name: str) -> dict[str, Option]:
    return plugins.load("optimizers", name).options


def numbers(name: str) -> dict[str, float]:
    """The hyperparameters that may differ between the lanes of a stack, with their defaults."""
    return {key: option.default for key, option in options(name).items() if option.type is float}


def departures(name: str) -> Mapping[str, str]:
    return getattr(plugins.load("optimizers", name).target, "departures", {})


def holds(name: str, kind: str, kept: bool) -> None:
    """A rule keeps this part of the contract, or says that it does not, and never both."""
    declared = kind in departures(name)
    if not kept and not declared:
        pytest.fail(f"{name} does not keep to the contract, and declares no {kind!r}: {DEPARTURES[kind]}")
    if kept and declared:
        pytest.fail(f"{name} declares {kind!r} ({departures(name)[kind]}), but it keeps to the contract")


def gradient(row: Tensor, step: int) -> Tensor:
    """The network's gradient at this row of parameters on the data of a step, from 0; with lanes, lane by lane."""
    if row.ndim == 2:
        return torch.stack([gradient(lane, step) for lane in row])
    leaf = row.clone().requires_grad_()
    return torch.autograd.grad(network.loss(LAYOUT.views(leaf), batch(step, row.dtype)), leaf)[0]


@functools.cache
def batch(step: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The data of a step, the same numbers in any dtype."""
    x, y = network.batch(step)
    return x.to(dtype), y.to(dtype)


def path(stepper: Stepper, row: Tensor, steps: range) -> Iterator[tuple[Tensor, Mapping[str, Tensor]]]:
    """The parameters after each step and the terms of the step."""
    for step in steps:
        row, terms = stepper.step(row, gradient(row, step), step + 1)
        yield row.clone(), terms


def end(stepper: Stepper, row: Tensor, steps: range) -> Tensor:
    """The parameters after the last step."""
    for after, _ in path(stepper, row, steps):
        row = after
    return row


def alone(name: str, row: Tensor = ROW, **values: Any) -> RuleStepper:
    return RuleStepper(make(name, **values), {}, LAYOUT, row)


def stacked(name: str, rows: Tensor, varying: Mapping[str, list[float]] | None = None) -> RuleStepper:
    return RuleStepper(make(name), varying or {}, LAYOUT, rows)
