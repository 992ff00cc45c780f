"""What a fork trains: its parent's plan with the requested changes."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Literal, TypeAlias

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins import Plugin, grammar
from dynviz.plugins.option_values import read
from dynviz.plugins.schedules import Schedule
from dynviz.recording.metadata import Hyperparameter, Lane
from dynviz.training.plan import RecordingPlan, hyperparameters
from dynviz.training.preparation import tasks

State: TypeAlias = Literal["keep", "reset"]
Clock: TypeAlias = Literal["continue", "restart"]


@frozen(kw_only=True)
class ForkRequest:
    """The requested differences of a fork.

    Attributes:
        optimizer: Another optimizer; None for the parent's.
        values: Changed hyperparameters; a text is a schedule, or a grid, each of whose values makes a lane.
        state: Whether the optimizer's state is kept as far as it fits, or started anew.
        schedule: Whether schedules continue, or start anew at the fork.
        steps: The total number of steps; None for the parent's.
    """

    optimizer: Plugin | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    state: State = "keep"
    schedule: Clock = "continue"
    steps: int | None = None

    def described(self) -> dict[str, Any]:
        """The differences, for the recording's metadata."""
        words: dict[str, Any] = {
            name: value if isinstance(value, str) else repr(value) for name, value in self.values.items()
        }
        if self.optimizer is not None:
            words["optimizer"] = self.optimizer.label
        if self.state == "reset":
            words["state"] = "reset"
        if self.schedule == "restart":
            words["schedule"] = "restart"
        if self.steps is not None:
            words["steps"] = self.steps
        return words


def planned_fork(
    plan: RecordingPlan, chosen: Sequence[int] | None, request: ForkRequest, at: int
) -> tuple[RecordingPlan, tuple[int, ...]]:
    """The plan of the fork, and the parent's lane that each of its lanes continues."""
    steps = plan.steps if request.steps is None else request.steps
    if steps <= at:
        raise DynvizError(
            f"a fork at step {at} with {steps} steps in total has no steps of its own; give --steps more than {at}"
        )
    origins = tuple(range(len(plan.lanes)) if chosen is None else chosen)
    lanes = [plan.lanes[lane] for lane in origins]
    optimizer, known = plan.optimizer, plan.hyperparameters
    if request.optimizer is not None:
        optimizer = request.optimizer
        known = hyperparameters(optimizer, plan.tasks[0].hyperparameters, steps)
        lanes = [Lane(lane.seed) for lane in lanes]
    combinations = _combinations(optimizer, request.values)
    varying = {name for name in combinations[0] if len({repr(values[name]) for values in combinations}) > 1}
    shared = {name: value for name, value in combinations[0].items() if name not in varying}
    set_ = combinations[0]
    known = {name: Hyperparameter(set_[name], "given") if name in set_ else known[name] for name in known}
    known = {name: _timed(value, request, at, steps, set_=name in request.values) for name, value in known.items()}
    made = tuple(
        Lane(lane.seed, {**_without(lane.hyperparameters, shared), **{name: values[name] for name in varying}})
        for values in combinations
        for lane in lanes
    )
    label = plan.label if request.optimizer is None else optimizer.label
    forked = replace(
        plan,
        optimizer=optimizer,
        label=label,
        hyperparameters=known,
        lanes=made,
        steps=steps,
        tasks=tasks(plan.scenario, made, plan.dtype),
    )
    return forked, origins * len(combinations)


def _combinations(optimizer: Plugin, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination of the values that hyperparameters are set to."""
    what = f"optimizer {optimizer.name}"
    choices: list[list[tuple[str, Any]]] = []
    for name, value in values.items():
        several = grammar.grid(value) if isinstance(value, str) else value if isinstance(value, list) else [value]
        read_values = [read(optimizer.options, {name: one}, what, scheduled=True)[name] for one in several]
        choices.append([(name, one) for one in read_values])
    return [dict(combination) for combination in itertools.product(*choices)]


def _timed(value: Hyperparameter, request: ForkRequest, at: int, steps: int, *, set_: bool) -> Hyperparameter:
    """A hyperparameter with its schedule, if it has one, over the right steps."""
    written = value.value
    if not isinstance(written, Schedule | str) or not Schedule.looks(str(written)):
        return value
    if request.schedule == "restart":
        return replace(value, value=str(Schedule(str(written)).after(at, steps)))
    return replace(value, value=str(Schedule(str(written)).over(steps))) if set_ else value


def _without(values: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}
