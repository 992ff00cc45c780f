"""Recordings that are ready to be begun or resumed: built, measured once and checked, with nothing written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass, replace
from typing import Any

import torch

from dynviz import plugins
from dynviz.errors import DynvizError, one_line_for_users
from dynviz.frozen import frozen
from dynviz.plugins import Plugin, objects, trust
from dynviz.plugins.option_values import check_schedule, read
from dynviz.plugins.trust import ChangedFileError, Code, Trusted, resolve
from dynviz.recording import Recording, inputs
from dynviz.recording.metadata import Lane, Metadata
from dynviz.task import Scenario, Task
from dynviz.training import devices, randomness
from dynviz.training.block import BlockFunction
from dynviz.training.block_functions import block_functions, pays, warm
from dynviz.training.description import available, describe
from dynviz.training.lane_stack import cast
from dynviz.training.lane_stacks import LaneStacks, build
from dynviz.training.plan import ChannelRequest, RecordingPlan, check_optimizer, check_requests, hyperparameters, labels

LARGE = 4_000_000_000
"""Bytes above which a run is not begun unless told."""


@frozen(kw_only=True)
class PreparedRecording:
    """A recording that is ready to be begun: everything is checked, and nothing is written."""

    lanes: LaneStacks
    metadata: Metadata
    blocks: tuple[BlockFunction | None, ...] = ()


@frozen(kw_only=True)
class RunRequest:
    """The settings of a run besides its scenario, optimizers and lanes; see `run`."""

    steps: int | None
    channels: tuple[ChannelRequest, ...]
    device: torch.device
    dtype: str = ""
    compiled: bool | None = False


def prepare(
    scenario: Plugin, optimizers: Sequence[Plugin], lanes: tuple[Lane, ...], request: RunRequest
) -> list[PreparedRecording]:
    """Build the lanes of each optimizer, and measure them once in the initial state.

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
            )
            stacks = build(plan, request.device)
            compiled = pays(stacks, length) if request.compiled is None else request.compiled
            planned.append((replace(plan, compiled=compiled), stacks))
        check_requests(request.channels, [name for _, stacks in planned for name in available(stacks)])
        return [_prepared(stacks, describe(plan, stacks, "")) for plan, stacks in planned]


def _prepared(lanes: LaneStacks, metadata: Metadata) -> PreparedRecording:
    samples = lanes.samples(metadata.channels)
    blocks = block_functions(lanes, samples, metadata.label, steps=metadata.steps, compiled=metadata.compiled)
    return PreparedRecording(lanes=lanes, metadata=metadata, blocks=blocks)


def compile_steps(prepared: Sequence[PreparedRecording], report: Callable[[str], None]) -> None:
    """Compile the steps of recordings that request it; the result is cached.

    Args:
        prepared: The recordings.
        report: Called with what is being done.

    Raises:
        DynvizError: They cannot be compiled.
    """
    with devices.reproducible(), one_line_for_users():
        for recording in prepared:
            if recording.metadata.compiled:
                warm(recording.lanes, recording.blocks, report)


def check_size(prepared: Sequence[PreparedRecording], large: bool) -> None:  # noqa: FBT001
    """Refuse a run that would write too much.

    Raises:
        DynvizError: It would, and `large` is not set.
    """
    heavy = [(size, name) for recording in prepared for name, size in recording.metadata.channel_bytes.items()]
    total = sum(size for size, _ in heavy)
    if total > LARGE and not large:
        size, name = max(heavy)
        raise DynvizError(
            f"this run would write {total / 1e9:.1f} GB, of which {name} {size / 1e9:.1f} GB; "
            f"record less (--record '{name}:every=...') or add --yes"
        )


def tasks(scenario: Plugin, lanes: Sequence[Lane], dtype: str = "") -> tuple[Task, ...]:
    """The task of each lane; lanes with the same seed share it.

    Raises:
        DynvizError: It is not a scenario, or refuses its options.
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
            raise DynvizError(f"parameter {key!r} of scenario {name} is empty: its shape is {tuple(value.shape)}")
    dtypes = sorted({str(value.dtype).removeprefix("torch.") for value in task.parameters.values()})
    if len(dtypes) > 1:
        raise DynvizError(
            f"the parameters of scenario {name} are of {' and '.join(dtypes)}; give all one dtype, or choose it with "
            "--dtype"
        )


def rebuild(recording: Recording, steps: int | None, trusted: Trusted = ()) -> PreparedRecording:
    """Prepare to resume a recording, from its metadata.

    Args:
        recording: The recording.
        steps: The new length; None for the planned one.
        trusted: Code that may run besides bundled code, see `dynviz.plugins.trust`.

    Raises:
        DynvizError: Code that it names is not trusted, has changed, or does not accept the recorded options.
    """
    metadata = recording.metadata
    with devices.reproducible(), one_line_for_users():
        plan = planned(recording, steps, trusted)
        return _prepared(build(plan, _device(metadata)), metadata)


def changed(plan: RecordingPlan, metadata: Metadata, **parts: Any) -> PreparedRecording:
    """Prepare a recording under the conditions of another one: its device and its checkpoint interval.

    Args:
        plan: The plan of the new recording.
        metadata: The other recording's.
        parts: Fields of the new recording's metadata.
    """
    with devices.reproducible(), one_line_for_users():
        stacks = build(plan, _device(metadata))
        described = describe(plan, stacks, "")
        return _prepared(stacks, replace(described, checkpoint_every=metadata.checkpoint_every, **parts))


def check_own(recording: Recording) -> None:
    """See that dynviz trained a recording.

    Raises:
        DynvizError: A script's own loop did, or another program.
    """
    if recording.metadata.imported:
        raise DynvizError(f"{recording.folder} was imported from {recording.metadata.imported}: it has no checkpoint")
    if recording.metadata.own_loop:
        raise DynvizError(
            f"{recording.folder} is of a script's own loop: dynviz has neither its task nor a checkpoint to go on from"
        )


def planned(recording: Recording, steps: int | None = None, trusted: Trusted = ()) -> RecordingPlan:
    """The plan of a recording, from its metadata; the arguments are those of `rebuild`.

    Raises:
        DynvizError: As for `rebuild`.
    """
    metadata = recording.metadata
    scenario = rebuilt(recording, "scenarios", trusted)
    optimizer = rebuilt(recording, "optimizers", trusted)
    check_optimizer(optimizer)
    what = f"optimizer {optimizer.name}"
    for lane in metadata.lanes:
        read(optimizer.options, lane.hyperparameters, what, scheduled=True, typed=True)
    values = {name: hyperparameter.value for name, hyperparameter in metadata.hyperparameters.items()}
    files = _files(optimizer, read(optimizer.options, values, what, scheduled=True, typed=True))
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
            f"the run began on {metadata.device} and can only continue there, but this machine has no such device"
        ) from error


def rebuilt(recording: Recording, plural: str, trusted: Trusted = ()) -> Plugin:
    """The scenario or the optimizer of a recording, as it was.

    Raises:
        DynvizError: It is not trusted, it or a file that the run reads has changed, or its options differ.
    """
    metadata = recording.metadata
    check_own(recording)
    named = metadata.scenario if plural == "scenarios" else metadata.optimizer
    target = objects.among(plural, named.name, trust.objects(trusted))
    try:
        if target is not None:
            Code(named.name, named.sha256).check_definition(target)
        spec = resolve(plural, named.spec, trusted, named.fingerprints) if target is None else named.spec
    except ChangedFileError as error:
        inputs.check(recording.folder, metadata.inputs, beside=error.path)
        raise
    inputs.check(recording.folder, metadata.inputs)
    plugin = plugins.load(plural, spec) if target is None else objects.with_options(plural, target, named.given)
    parts = zip(plugin.parts, (named, *named.modifiers), strict=bool(plugin.parts))
    return replace(plugin, name=named.title, parts=tuple(replace(part, name=known.name) for part, known in parts))


def _files(plugin: Plugin, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of options that name files."""
    return {name: value for name, value in values.items() if plugin.options[name].takes_file}
