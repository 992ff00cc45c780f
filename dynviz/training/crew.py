"""The stacks of one recording with their steppers, and what its probes measure."""

import dataclasses
import platform
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import dynviz
from dynviz.errors import DynvizError, unknown
from dynviz.recording.metadata import ChannelInfo, Metadata
from dynviz.task import Channel, Probe, Task
from dynviz.training import devices
from dynviz.training.channels import GRADIENT, LOSS, PARAMETERS, PERTURBATION, Measured, built_in, info
from dynviz.training.plan import Plan, named, sampling
from dynviz.training.program import LONGEST
from dynviz.training.rates import Rates
from dynviz.training.stack import Stack, cast, groups
from dynviz.training.steppers import RuleStepper, Stepper
from dynviz.training.tape import Tapes
from dynviz.training.torch_stepper import TorchStepper
from dynviz.training.trees import form, to_arrays
from dynviz.training.watch import watched

CHECKPOINTS = 20
CHECKPOINT_BYTES = 200_000_000
"""How many checkpoints a run keeps, and how much room they may take before there are fewer."""

MAP = "map"
"""The view that suits lanes that differ in hyperparameters, before those of the scenario."""


@dataclass(frozen=True)
class Crew:
    """All lanes of a recording, ready to train.

    Attributes:
        stacks: Lanes of equal shape, stacked.
        steppers: The optimizer of each stack.
        probes: Of each stack, its probes with the names of their channels.
        device: Where they train.
        shown: What the optimizer of each stack shows of its state before training, by channel.
        rates: The learning rate, and hyperparameters that change with the step.
        aside: Who makes long measurements on a CPU. They need little Python and so do not hold up the steps, which need
            much; one thread each, so that their sums are those of training's own thread.
    """

    stacks: tuple[Stack, ...]
    steppers: tuple[Stepper, ...]
    probes: tuple[tuple[tuple[Probe, tuple[str, ...]], ...], ...]
    device: torch.device
    shown: tuple[Mapping[str, Tensor], ...]
    rates: Rates
    aside: Executor = dataclasses.field(
        default_factory=lambda: ThreadPoolExecutor(devices.cores(), initializer=devices.settle)
    )

    def tapes(self, channels: Mapping[str, ChannelInfo]) -> list[Tapes]:
        """Empty tapes for what is recorded of each stack."""
        return [Tapes.of(stack, channels, self.aside, self.rates.moving) for stack in self.stacks]

    @property
    def perturbs(self) -> bool:
        """Whether the gradient of a step is taken elsewhere than at its beginning."""
        return self.steppers[0].perturb is not None

    def state(self) -> Any:
        """All that the next step depends on, as a tree."""
        return [
            {"theta": stack.theta, "buffers": stack.buffers, "optimizer": stepper.state()}
            for stack, stepper in zip(self.stacks, self.steppers, strict=True)
        ]

    def fits(self, state: Any) -> bool:
        """Whether a state is one of these parameters, buffers and rules, by its names and shapes."""
        # Classes of torch's kind make their state at the first step, and check what they are given themselves.
        grown = isinstance(self.steppers[0], TorchStepper)
        forms = (form(each) for each in (state, self.state()))
        own, other = ([{**stack, "optimizer": None} if grown else stack for stack in each] for each in forms)
        return own == other

    def restore(self, state: Any) -> None:
        """Go on from a state."""
        for stack, stepper, tree in zip(self.stacks, self.steppers, state, strict=True):
            stack.theta = tree["theta"].to(self.device)
            stack.buffers = {name: value.to(self.device) for name, value in tree["buffers"].items()}
            stepper.restore(stack.theta, tree["optimizer"])


def build(plan: Plan, device: torch.device) -> Crew:
    """Build the tasks, stack the lanes that can be stacked, and start their optimizers.

    Raises:
        DynvizError: The optimizer refuses its hyperparameters.
    """
    tasks: tuple[Task, ...] = plan.tasks
    if plan.dtype:
        dtype = {"float32": torch.float32, "float64": torch.float64}[plan.dtype]
        tasks = tuple(cast(task, dtype) for task in tasks)
    keys = [tuple(sorted(split_values(lane.hyperparameters, plan.is_torch).items())) for lane in plan.lanes]
    stacks, steppers = [], []
    for lanes in groups(tasks, keys):
        stack = Stack(lanes, [tasks[lane] for lane in lanes], device)
        stacks.append(stack)
        steppers.append(_stepper(plan, stack))
    probes = tuple(
        tuple((probe, tuple(channel.name for channel in probe.channels)) for probe in stack.task.probes)
        for stack in stacks
    )
    shown = tuple(watched(stepper, 0) for stepper in steppers)
    return Crew(tuple(stacks), tuple(steppers), probes, device, shown, Rates.of(plan))


def split_values(values: Any, is_torch: bool) -> dict[str, Any]:  # noqa: FBT001
    """The hyperparameters of a lane that cannot be stacked: all but floats of a rule."""
    return {name: value for name, value in values.items() if is_torch or not isinstance(value, float)}


def available(crew: Crew) -> dict[str, Channel]:
    """Every channel that these lanes can record, by name.

    Raises:
        DynvizError: The scenario's channels are not such as can be recorded.
    """
    task, terms = crew.stacks[0].task, crew.steppers[0].terms
    own = [channel for probe in task.probes for channel in probe.channels]
    lead = 0 if crew.stacks[0].single else 1
    states = {name: value.ndim - lead for name, value in crew.shown[0].items()}
    found: dict[str, Channel] = {}
    for channel in (LOSS, *own, *built_in(task.every, terms, states, crew.rates.moving, perturbs=crew.perturbs)):
        if channel.name in found:
            raise DynvizError(f"there are two channels named {channel.name!r}; a scenario gives each a name of its own")
        if type(channel.every) is not int or channel.every < 0:
            raise DynvizError(
                f"channel {channel.name!r} has every={channel.every}; that is a number of steps, 0 for a constant"
            )
        found[channel.name] = channel
    for probe in task.probes:
        if isinstance(probe.measure, str) and probe.measure not in task.parameters:
            raise unknown("parameter to record", probe.measure, task.parameters)
    return found


def describe(plan: Plan, crew: Crew, created: str) -> Metadata:
    """Measure everything once, on the state before training, and describe the recording that will come.

    Raises:
        DynvizError: A probe does not fit its channels, or a request asks for more samples of a constant.
    """
    task, stack = crew.stacks[0].task, crew.stacks[0]
    terms, known = crew.steppers[0].terms, available(crew)
    chosen = sampling(plan.requests, {name: (channel.every, channel.on) for name, channel in known.items()})
    measured = _measured(crew, len(plan.lanes), terms, set(chosen))
    channels = {name: info(known[name], every, measured[name]) for name, every in chosen.items()}
    alike = len({tuple(each.layout.shapes.items()) for each in crew.stacks}) == 1
    for name in channels if alike else ():
        if name in (PARAMETERS, GRADIENT, PERTURBATION) or name.startswith("term."):
            channels[name] = dataclasses.replace(channels[name], parts=stack.layout.parts)
    return Metadata(
        scenario=named(plan.scenario, dataclasses.asdict(plan.scenario.make())),
        optimizer=named(plan.optimizer),
        label=plan.label,
        order=plan.order,
        hyperparameters=plan.hyperparameters,
        terms=terms,
        lanes=plan.lanes,
        steps=plan.steps,
        channels=channels,
        views=((MAP,) if any(lane.hyperparameters for lane in plan.lanes) else ()) + task.views,
        facts=task.facts,
        parameters=stack.layout.shapes,
        versions={
            "dynviz": dynviz.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        device=str(crew.device),
        device_name=devices.describe(crew.device),
        threads=1,
        checkpoint_every=_checkpoint_every(plan.steps, crew),
        created=created,
        dtype=plan.dtype,
        compiled=plan.compiled,
    )


def _stepper(plan: Plan, stack: Stack) -> Stepper:
    varying = {
        name: [plan.lanes[lane].hyperparameters[name] for lane in stack.lanes]
        for name in plan.lanes[stack.lanes[0]].hyperparameters
    }
    fixed = {**plan.values(), **{name: values[0] for name, values in varying.items()}}
    if plan.is_torch:

        def make(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
            return plan.optimizer.target(parameters, **fixed)  # type: ignore[no-any-return]

        return TorchStepper(make, plan.optimizer.name, stack.layout, stack.theta, plan.schedules())
    floats = {} if stack.single else {name: values for name, values in varying.items() if isinstance(values[0], float)}
    schedules = {name: each for name, each in plan.schedules().items() if name not in varying}
    seeds = [plan.lanes[lane].seed for lane in stack.lanes]
    rule = plan.optimizer.target(**fixed)
    return RuleStepper(rule, floats, stack.layout, stack.theta, schedules=schedules, seeds=seeds)


def _measured(crew: Crew, lanes: int, terms: tuple[str, ...], chosen: set[str]) -> dict[str, Measured]:
    """Dtype and shape of every chosen channel's sample, from measuring the state before training."""
    samples: dict[str, list[Tensor]] = {}

    def keep(name: str, value: Tensor, stack: Stack) -> None:
        rows = samples.setdefault(name, [torch.empty(0)] * lanes)
        for place, lane in enumerate(stack.lanes):
            rows[lane] = value if stack.single else value[place]

    for stack, probes, shown in zip(crew.stacks, crew.probes, crew.shown, strict=True):
        batch = stack.batches(0, 1)[0]
        keep(LOSS.name, stack.loss(batch), stack)
        for name in (PARAMETERS, GRADIENT, PERTURBATION, *(f"term.{term}" for term in terms)):
            keep(name, stack.theta, stack)
        for name, value in (*shown.items(), *crew.rates.at(stack, 1).items()):
            keep(name, value, stack)
        for probe, names in probes:
            if chosen.intersection(names):
                values = stack.measure_ahead(probe, batch)
                if len(values) != len(names):
                    raise DynvizError(
                        f"the probe of {', '.join(names)} measured {len(values)} values, not {len(names)}"
                    )
                for name, value in zip(names, values, strict=True):
                    keep(name, value, stack)
    return {
        name: Measured(values[0].dtype, tuple(tuple(value.shape) for value in values))
        for name, values in samples.items()
    }


def _checkpoint_every(steps: int, crew: Crew) -> int:
    state = sum(array.nbytes for array in to_arrays(crew.state()).values())
    # A rule's state is about as large at the end as before the first step; torch's classes make theirs later.
    size = max(state, 3 * sum(stack.theta.nbytes for stack in crew.stacks))
    count = int(min(max(CHECKPOINT_BYTES // size, 2), CHECKPOINTS))
    # Blocks of steps do not reach over a checkpoint.
    return -(-max(steps, 1) // (count * LONGEST)) * LONGEST
