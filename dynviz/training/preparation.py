"""Recordings that could be begun or gone on with: built, measured once and checked, and nothing is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

import torch

from dynviz.errors import DynvizError, one_line_for_users
from dynviz.plugins import Plugin, objects, trust
from dynviz.plugins.options import check_schedule, read
from dynviz.plugins.trust import ChangedFileError, Trusted, resolve
from dynviz.recording import Recording, inputs
from dynviz.recording.metadata import Lane, Metadata
from dynviz.task import Scenario, Task
from dynviz.training import devices, randomness
from dynviz.training.block import BlockFunction
from dynviz.training.block_functions import block_functions, warm
from dynviz.training.description import available, describe
from dynviz.training.lane_stack import cast
from dynviz.training.lane_stacks import LaneStacks, build
from dynviz.training.plan import ChannelRequest, RecordingPlan, check_optimizer, check_requests, hyperparameters, labels

LARGE = 4_000_000_000
"""Bytes above which a run is not begun unless told."""


@dataclass(frozen=True, kw_only=True)
class PreparedRecording:
    """A recording that could be begun: everything about it is checked, and nothing is written."""

    lanes: LaneStacks
    metadata: Metadata
    blocks: tuple[BlockFunction | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What is asked of a run beside its scenario, optimizers and lanes; see `run`."""

    steps: int | None
    channels: tuple[ChannelRequest, ...]
    device: torch.device
    dtype: str = ""
    compiled: bool = False


def prepare(
    scenario: Plugin, optimizers: Sequence[Plugin], lanes: tuple[Lane, ...], request: RunRequest
) -> list[PreparedRecording]:
    """Build the lanes of each optimizer, and measure them once on the state before training.

    Raises:
        DynvizError: The scenario or an optimizer refuses its options, or a request matches no channel.
    """
    with devices.reproducible(), one_line_for_users():
        built = tasks(scenario, lanes, request.dtype)
        length = built[0].steps if request.steps is None else request.steps
        planned = []
        for order, (plugin, label) in enumerate(zip(optimizers, labels(optimizers), strict=True)):
            values = hyperparameters(plugin, built[0].hyperparameters, length)
            plan = RecordingPlan(
                scenario=scenario,
                optimizer=plugin,
                label=label,
                order=order,
                hyperparameters=values,
                lanes=lanes,
                steps=length,
                requests=request.channels,
                dtype=request.dtype,
                tasks=built,
                compiled=request.compiled,
            )
            planned.append((plan, build(plan, request.device)))
        check_requests(request.channels, [name for _, stacks in planned for name in available(stacks)])
        return [_prepared(stacks, describe(plan, stacks, "")) for plan, stacks in planned]


def _prepared(lanes: LaneStacks, metadata: Metadata) -> PreparedRecording:
    samples = lanes.samples(metadata.channels)
    blocks = block_functions(lanes, samples, metadata.label, compiled=metadata.compiled)
    return PreparedRecording(lanes=lanes, metadata=metadata, blocks=blocks)


def compile_steps(prepared: Sequence[PreparedRecording], report: Callable[[str], None]) -> None:
    """Compile the steps of recordings that are to be compiled; it is done once, and kept.

    Args:
        prepared: The recordings.
        report: Is told what is done.

    Raises:
        DynvizError: They cannot be compiled.
    """
    with devices.reproducible(), one_line_for_users():
        for recording in prepared:
            if recording.metadata.compiled:
                warm(recording.lanes, recording.blocks, report)


def check_size(prepared: Sequence[PreparedRecording], large: bool) -> None:  # noqa: FBT001
    """Refuse a run that would write a great deal.

    Raises:
        DynvizError: It would, and `large` is not said.
    """
    heavy = [(size, name) for recording in prepared for name, size in recording.metadata.channel_bytes.items()]
    total = sum(size for size, _ in heavy)
    if total > LARGE and not large:
        size, name = max(heavy)
        raise DynvizError(
            f"this run would write {total / 1e9:.1f} GB, of which {name} {size / 1e9:.1f} GB; "
            f"record less (--record '{name}:every=...') or say --yes"
        )


def tasks(scenario: Plugin, lanes: Sequence[Lane], dtype: str = "") -> tuple[Task, ...]:
    """The task of each lane; lanes of one seed share it.

    Raises:
        DynvizError: It is no scenario, or refuses its options.
    """
    if not (is_dataclass(scenario.target) and callable(getattr(scenario.target, "build", None))):
        raise DynvizError(f"scenario {scenario.name} is not a dataclass with build(seed), which gives a Task")
    made: Scenario = scenario.make()
    built: dict[int, Task] = {}
    for seed in dict.fromkeys(lane.seed for lane in lanes):
        # What a module is initialised with depends on the seed even where the scenario passes it over.
        randomness.seed(seed, 0, torch.device("cpu"))
        built[seed] = made.build(seed)
    for seed, task in built.items():
        if not isinstance(task, Task):
            raise DynvizError(f"build(seed) of scenario {scenario.name} gave {type(task).__name__}, not a Task")
        built[seed] = cast(task, getattr(torch, dtype)) if dtype else task
        _check_parameters(built[seed], scenario.name)
    return tuple(built[lane.seed] for lane in lanes)


def _check_parameters(task: Task, name: str) -> None:
    """See that all parameters can stand in one row.

    Raises:
        DynvizError: One has no numbers or cannot be trained, or they are of several dtypes.
    """
    for key, value in task.parameters.items():
        if not value.is_floating_point():
            raise DynvizError(f"parameter {key!r} of scenario {name} is of {value.dtype}; only floats can be trained")
        if not value.numel():
            raise DynvizError(f"parameter {key!r} of scenario {name} has the shape {tuple(value.shape)}: no numbers")
    dtypes = sorted({str(value.dtype).removeprefix("torch.") for value in task.parameters.values()})
    if len(dtypes) > 1:
        raise DynvizError(
            f"the parameters of scenario {name} are of {' and '.join(dtypes)}; give all one dtype, or choose it with "
            "--dtype"
        )


def rebuild(recording: Recording, steps: int | None, trusted: Trusted = ()) -> PreparedRecording:
    """A recording that can be gone on with, from what it says about itself.

    Args:
        recording: The recording.
        steps: How long it shall be; None for as long as it was meant to be.
        trusted: What may be run beside what is bundled, see `dynviz.plugins.trust`.

    Raises:
        DynvizError: What it names is not trusted, has changed, or does not take what is recorded.
    """
    metadata = recording.metadata
    with devices.reproducible(), one_line_for_users():
        plan = planned(recording, steps, trusted)
        return _prepared(build(plan, _device(metadata)), metadata)


def changed(plan: RecordingPlan, metadata: Metadata, **parts: Any) -> PreparedRecording:
    """A recording that could be begun where another one was: on its device, with its checkpoints.

    Args:
        plan: What will be trained.
        metadata: The other recording's.
        parts: Of the new recording's metadata.
    """
    with devices.reproducible(), one_line_for_users():
        stacks = build(plan, _device(metadata))
        described = describe(plan, stacks, "")
        return _prepared(stacks, replace(described, checkpoint_every=metadata.checkpoint_every, **parts))


def planned(recording: Recording, steps: int | None = None, trusted: Trusted = ()) -> RecordingPlan:
    """What a recording trains, from what it says about itself; the arguments are those of `rebuild`.

    Raises:
        DynvizError: As for `rebuild`.
    """
    metadata = recording.metadata
    scenario = rebuilt(recording, "scenarios", trusted)
    optimizer = rebuilt(recording, "optimizers", trusted)
    check_optimizer(optimizer)
    what = f"optimizer {optimizer.name}"
    for lane in metadata.lanes:
        read(optimizer.options, lane.hyperparameters, what, scheduled=True)
    values = {name: hyperparameter.value for name, hyperparameter in metadata.hyperparameters.items()}
    files = _files(optimizer, read(optimizer.options, values, what, scheduled=True))
    plan = RecordingPlan(
        scenario=scenario,
        optimizer=optimizer,
        label=metadata.label,
        order=metadata.order,
        hyperparameters={
            name: replace(hyperparameter, value=files.get(name, hyperparameter.value))
            for name, hyperparameter in metadata.hyperparameters.items()
        },
        lanes=metadata.lanes,
        steps=steps or metadata.steps,
        requests=tuple(ChannelRequest(name, info.every or None) for name, info in metadata.channels.items()),
        dtype=metadata.dtype,
        tasks=tasks(scenario, metadata.lanes, metadata.dtype),
        compiled=metadata.compiled,
    )
    for name, schedule in plan.schedules().items():
        check_schedule(optimizer.options[name], schedule, f"optimizer {optimizer.name}", plan.steps)
    return plan


def _device(metadata: Metadata) -> torch.device:
    try:
        return devices.find(metadata.device)
    except DynvizError as error:
        raise DynvizError(
            f"the run began on {metadata.device} and goes on there alone; here is no such device"
        ) from error


def rebuilt(recording: Recording, plural: str, trusted: Trusted = ()) -> Plugin:
    """The scenario, or the optimizer, of a recording, as it was.

    Raises:
        DynvizError: It is not trusted, it or a file that the run reads has changed, or it takes other options.
    """
    metadata = recording.metadata
    named = metadata.scenario if plural == "scenarios" else metadata.optimizer
    target = objects.among(plural, named.name, trust.objects(trusted))
    try:
        name = target or resolve(plural, named.file or named.name, trusted, named.fingerprints)
    except ChangedFileError as error:
        inputs.check(recording.folder, metadata.inputs, beside=error.path)
        raise
    inputs.check(recording.folder, metadata.inputs)
    plugin = objects.plugin(plural, name)
    values = read(plugin.options, named.given, f"{plugin.kind.binds} {named.name}", scheduled=plural == "optimizers")
    return replace(plugin, name=named.name, given={**named.given, **_files(plugin, values)})


def _files(plugin: Plugin, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of options that name files."""
    return {name: value for name, value in values.items() if plugin.options[name].takes_file}
