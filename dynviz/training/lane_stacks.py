"""The stacked lanes of one recording, with their optimizers and everything that can be recorded."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dynviz.errors import DynvizError, in_words
from dynviz.frozen import frozen
from dynviz.plugins import Plugin
from dynviz.plugins.option_values import read
from dynviz.recording.changes import Change
from dynviz.recording.metadata import ChannelInfo
from dynviz.training import devices
from dynviz.training.chained import from_factory
from dynviz.training.lane_stack import LaneStack, groups
from dynviz.training.observation import check_batches, loss_draws
from dynviz.training.plan import RecordingPlan
from dynviz.training.rates import Rates
from dynviz.training.samples import SampleBuffers
from dynviz.training.sources import SampledStack, Source, sources
from dynviz.training.steppers import RuleStepper, Stepper
from dynviz.training.torch_stepper import TorchStepper
from dynviz.training.trees import form


@frozen(kw_only=True)
class LaneStacks:
    """All lanes of a recording, ready to train.

    Attributes:
        stacks: Lanes of equal shape, stacked.
        steppers: The optimizer of each stack.
        sources: What can be recorded from each stack.
        device: The device.
        optimizer: The plug-in.
        rates: The values of hyperparameters to record.
        threads: Make long measurements on a CPU. They need little Python and so do not hold up the steps, which need
            much; one thread each, so that their sums are those of training's own thread.
        apart: Why lanes that look alike train one by one; empty if they are stacked.
    """

    stacks: tuple[LaneStack, ...]
    steppers: tuple[Stepper, ...]
    sources: tuple[tuple[Source, ...], ...]
    device: torch.device
    optimizer: Plugin
    rates: Rates
    threads: ThreadPoolExecutor
    apart: str = ""

    def samples(self, channels: Mapping[str, ChannelInfo], steps: float = math.inf) -> list[SampleBuffers]:
        """Empty buffers for the recorded samples of each stack in a run of this length."""
        return [SampleBuffers.of(sources, channels, steps) for sources in self.sources]

    def state(self) -> Any:
        """Everything that the next step depends on, as a tree."""
        return [
            {"theta": stack.theta, "buffers": stack.buffers, "optimizer": stepper.state()}
            for stack, stepper in zip(self.stacks, self.steppers, strict=True)
        ]

    @property
    def alike(self) -> bool:
        """Whether seeds have no effect, so that all lanes take the same steps."""
        return len(self.stacks) == 1 and self.stacks[0].alike and not self.steppers[0].random

    def value(self, name: str, lane: int | None = None) -> float | None:
        """The current value of a hyperparameter; None if it is a schedule or differs between lanes."""
        values = {
            stepper.value(name, place)
            for stack, stepper in zip(self.stacks, self.steppers, strict=True)
            for place, own in enumerate(stack.lanes)
            if lane in (None, own)
        }
        return values.pop() if len(values) == 1 else None

    def refusal(self, name: str, lane: int | None, value: float) -> str:
        """Why a hyperparameter cannot be set during training; empty if it can."""
        option = self.optimizer.options.get(name)
        if option is None:
            return f"optimizer {self.optimizer.name} has no {name}; it has {', '.join(self.optimizer.options)}"
        if not option.number:
            return f"{name} cannot be changed while the run trains; fork the run instead"
        try:
            read({name: option}, {name: value}, f"optimizer {self.optimizer.name}")
        except DynvizError as error:
            return str(error)
        lanes = sum(len(stack.lanes) for stack in self.stacks)
        if lane is not None and not 0 <= lane < lanes:
            return f"there is no lane {lane}; there are {lanes}, counted from 0"
        alone = lane if lanes > 1 else None
        return next(filter(None, (stepper.refusal(name, value, alone) for stepper in self.steppers)), "")

    def check(self, changes: Iterable[Change], source: Path, *, steps: float = math.inf) -> None:
        """Check that changes from a file can be applied.

        Args:
            changes: The changes that were not refused.
            source: The file that contains them.
            steps: The length of the run, if changes beyond its end are to be refused.

        Raises:
            DynvizError: One of them cannot.
        """
        for change in changes:
            refused = self.refusal(change.name, change.lane, change.new)
            if change.step >= steps:
                refused = f"the run ends at step {steps}"
            if refused:
                who = self.optimizer.label
                raise DynvizError(
                    f"{source} changes {change.name} at step {change.step}, which is impossible for {who}: {refused}"
                )

    def change(self, name: str, lane: int | None, value: float) -> None:
        """Set a hyperparameter, for all lanes or one, from the next step on."""
        for stack, stepper in zip(self.stacks, self.steppers, strict=True):
            places = [place for place, own in enumerate(stack.lanes) if lane in (None, own)]
            if places:
                stepper.change(name, value, None if len(places) == len(stack.lanes) else places)
        self.rates.change(name, lane, value)

    def fits(self, state: Any) -> bool:
        """Whether a state matches these parameters, buffers and rules in names and shapes."""
        # Classes of torch's kind make their state at the first step, and check what they are given themselves.
        grown = isinstance(self.steppers[0], TorchStepper)
        forms = (form(tree) for tree in (state, self.state()))
        there, here = ([{**stack, "optimizer": None} if grown else stack for stack in stacks] for stacks in forms)
        return there == here

    def restore(self, state: Any) -> None:
        """Restore a state."""
        for stack, stepper, tree in zip(self.stacks, self.steppers, state, strict=True):
            stack.theta = tree["theta"].to(self.device)
            stack.buffers = {name: value.to(self.device) for name, value in tree["buffers"].items()}
            stepper.restore(stack.theta, tree["optimizer"])


def build(plan: RecordingPlan, device: torch.device) -> LaneStacks:
    """Build the tasks, stack lanes where possible, and initialise their optimizers.

    Raises:
        DynvizError: The optimizer refuses its hyperparameters.
    """
    tasks = plan.tasks
    check_batches(tasks[0])
    draws = loss_draws(tasks[0])

    def started(lanes: Sequence[int]) -> tuple[LaneStack, Stepper]:
        seeds = [plan.lanes[lane].seed for lane in lanes]
        stack = LaneStack(lanes, [tasks[lane] for lane in lanes], device, seeds=seeds)
        stack.draws = draws
        return stack, _stepper(plan, stack)

    keys = [tuple(sorted(split_values(lane.hyperparameters, plan.is_torch).items())) for lane in plan.lanes]
    ready: list[tuple[LaneStack, Stepper]] = []
    apart = ""
    for lanes in groups(tasks, keys):
        reason = _unstackable(plan, lanes, started, draws=draws) if len(lanes) > 1 else ""
        ready += [started([lane]) for lane in lanes] if reason else [started(lanes)]
        apart = apart or reason
    stacks, steppers = zip(*ready, strict=True)
    rates, threads = Rates.of(plan), ThreadPoolExecutor(devices.cores(), initializer=devices.settle)
    return LaneStacks(
        stacks=tuple(stacks),
        steppers=tuple(steppers),
        sources=tuple(
            sources(SampledStack(stack=stack, stepper=stepper, rates=rates, threads=threads))
            for stack, stepper in zip(stacks, steppers, strict=True)
        ),
        device=device,
        optimizer=plan.optimizer,
        rates=rates,
        threads=threads,
        apart=apart,
    )


def bundled(plan: RecordingPlan) -> bool:
    """Whether scenario and optimizer are bundled, so that nothing needs to be tried out."""
    parts = (plan.scenario,) if plan.is_torch else (plan.scenario, plan.optimizer)
    return all(getattr(part.target, "__module__", "").startswith("dynviz.") for part in parts)


def _unstackable(
    plan: RecordingPlan,
    lanes: Sequence[int],
    started: Callable[[Sequence[int]], tuple[LaneStack, Stepper]],
    *,
    draws: bool,
) -> str:
    """Why lanes cannot be stacked; empty where they can."""
    if draws:
        return "the loss draws random numbers"
    if not plan.is_torch and bundled(plan):
        return ""
    try:
        # vmap has no rule for a GRU, for example, nor for one's own operators.
        stack, stepper = started(lanes[:2])
        if not bundled(plan):
            stack.gradient(stack.batches(0, 1)[0])
    except DynvizError:
        raise
    except Exception as error:  # what is wrong with loss or rule themselves shows where lanes are alone
        return f"torch.vmap has no rule for {_operation(error)}"
    if isinstance(stepper, TorchStepper) and stepper.closure:
        return f"each step of {plan.optimizer.name} evaluates the loss of its own lane"
    return ""


def _operation(error: Exception) -> str:
    """The operation that vmap cannot go through, else the error itself."""
    operation = re.search(r"aten::\w+", str(error))
    return operation.group().removesuffix("_") if operation else f"this loss: {in_words(error)}"


def split_values(values: Any, is_torch: bool) -> dict[str, Any]:  # noqa: FBT001
    """The hyperparameters of a lane that cannot be stacked: all except a rule's floats."""
    return {name: value for name, value in values.items() if is_torch or not isinstance(value, float)}


def _stepper(plan: RecordingPlan, stack: LaneStack) -> Stepper:
    varying = {
        name: [plan.lanes[lane].hyperparameters[name] for lane in stack.lanes]
        for name in plan.lanes[stack.lanes[0]].hyperparameters
    }
    seeds = [plan.lanes[lane].seed for lane in stack.lanes]
    fixed = {**plan.values(), **{name: values[0] for name, values in varying.items()}}
    if plan.is_torch:

        def make(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
            if plan.is_factory:
                return from_factory(plan.optimizer.target, [*zip(stack.layout.shapes, parameters, strict=False)], fixed)
            return plan.optimizer.target(parameters, **fixed)  # type: ignore[no-any-return]

        return TorchStepper(
            make,
            plan.optimizer.name,
            stack.layout,
            stack.theta,
            schedules=plan.schedules(),
            seeds=seeds,
            evaluate=stack.evaluate,
        )
    floats = {} if stack.single else {name: values for name, values in varying.items() if isinstance(values[0], float)}
    schedules = {name: schedule for name, schedule in plan.schedules().items() if name not in varying}
    rule = plan.optimizer.target(**fixed)
    return RuleStepper(rule, floats, stack.layout, stack.theta, schedules=schedules, seeds=seeds)
