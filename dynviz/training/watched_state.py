"""The quantities that a rule exposes from its state, such as the eigenvalues of its statistics."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.func import vmap

from dynviz.rule import State, WatchedRule
from dynviz.training.steppers import RuleStepper, Stepper


def watched(stepper: Stepper, step: int) -> dict[str, Tensor]:
    """The quantities exposed by the optimizer of a stack, by channel, with a leading dimension for several lanes.

    Empty if the optimizer is not a rule, or exposes nothing.

    Args:
        stepper: The optimizer.
        step: The number of steps it has taken; scheduled hyperparameters are those of the last one.
    """
    if not isinstance(stepper, RuleStepper) or not isinstance(stepper.rule, WatchedRule):
        return {}
    rule: Any = stepper.rule_at(max(step, 1))

    def one(varying: Mapping[str, Tensor], state: State) -> dict[str, Tensor]:
        own = dataclasses.replace(rule, **varying) if varying else rule
        return own.watch(state)  # type: ignore[no-any-return]

    look = vmap(one, in_dims=(0 if stepper.varying else None, 0)) if stepper.lanes else one
    shown: dict[str, Tensor] = {}
    for parameter, state in stepper.state().items():
        if stepper.lanes and not (state or stepper.varying):
            # A rule that keeps nothing has nothing to show, and vmap nothing to go over.
            continue
        for name, value in look(stepper.varying, state).items():
            channel = f"state.{_lower(parameter)}.{name}" if parameter else f"state.{name}"
            while channel in shown:
                # Names that differ in capitals only.
                channel += "_"
            shown[channel] = value
    return shown


def _lower(parameter: str) -> str:
    """A parameter's name in the letters that a channel may have."""
    return re.sub(r"[^a-z0-9_.-]", "_", parameter.lower())
