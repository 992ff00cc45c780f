"""Recordings that could be begun or gone on with: built, measured once and checked, and nothing is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, is_dataclass, replace

import torch

from dynviz.errors import DynvizError
from dynviz.plugins import Plugin, load
from dynviz.plugins.options import read
from dynviz.plugins.trust import Trusted, resolve
from dynviz.recording.metadata import Lane, Metadata, Named
from dynviz.task import Scenario, Task
from dynviz.training import devices
from dynviz.training.crew import Crew, available, build, describe
from dynviz.training.plan import Plan, Request, check_optimizer, check_requests, hyperparameters, labels
from dynviz.training.programs import Way, warm, ways

LARGE = 4_000_000_000
"""Bytes above which a run is not begun unless told."""


@dataclass(frozen=True)
class Prepared:
    """A recording that could be begun: everything about it is checked, and nothing is written."""

    crew: Crew
    metadata: Metadata
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What is asked of a run beside its scenario, optimizers and lanes; see `run`."""

    steps: int | None
    wanted: tuple[Request, ...]
    where: torch.device
    dtype: str = ""
    compiled: bool = False


def prepare(scenario: Plugin, optimizers: Sequence[Plugin], lanes: tuple[Lane, ...], asked: Asked) -> list[Prepared]:
    """Build the lanes of each optimizer, and measure them once on the state before training.

    Raises:
        DynvizError: The scenario or an optimizer refuses its options, or a request matches no channel.
    """
    with devices.one_thread():
        built = tasks(scenario, lanes)
        length = built[0].steps if asked.steps is None else asked.steps
        crews = []
        for order, (plugin, label) in enumerate(zip(optimizers, labels(optimizers), strict=True)):
            values = hyperparameters(plugin, built[0].hyperparameters, length)
            plan = Plan(
                scenario,
                plugin,
                label,
                order,
                values,
                lanes,
                length,
                asked.wanted,
                asked.dtype,
                built,
                asked.compiled,
            )
            crews.append((plan, build(plan, asked.where)))
        check_requests(asked.wanted, [name for _, crew in crews for name in available(crew)])
        return [_prepared(crew, describe(plan, crew, "")) for plan, crew in crews]


def _prepared(crew: Crew, metadata: Metadata) -> Prepared:
    tapes = crew.tapes(metadata.channels)
    return Prepared(crew, metadata, ways(crew, tapes, metadata.label, compiled=metadata.compiled))


def compile_steps(prepared: Sequence[Prepared], says: Callable[[str], None]) -> None:
    """Compile the steps of recordings that are to be compiled; it is done once, and kept.

    Args:
        prepared: The recordings.
        says: Hears what is done.

    Raises:
        DynvizError: They cannot be compiled.
    """
    with devices.one_thread():
        for each in prepared:
            if each.metadata.compiled:
                warm(each.crew, each.ways, says)


def check_size(prepared: Sequence[Prepared], large: bool) -> None:  # noqa: FBT001
    """Refuse a run that would write a great deal.

    Raises:
        DynvizError: It would, and `large` is not said.
    """
    heavy = [(size, name) for each in prepared for name, size in each.metadata.channel_bytes.items()]
    total = sum(size for size, _ in heavy)
    if total > LARGE and not large:
        size, name = max(heavy)
        raise DynvizError(
            f"this run would write {total / 1e9:.1f} GB, of which {name} {size / 1e9:.1f} GB; "
            f"record less (--record '{name}:every=...') or say --yes"
        )


def tasks(scenario: Plugin, lanes: Sequence[Lane]) -> tuple[Task, ...]:
    """The task of each lane; lanes of one seed share it.

    Raises:
        DynvizError: It is no scenario, or refuses its options.
    """
    if not (is_dataclass(scenario.target) and callable(getattr(scenario.target, "build", None))):
        raise DynvizError(f"scenario {scenario.name} is not a dataclass with build(seed), which gives a Task")
    made: Scenario = scenario.make()
    built = {seed: made.build(seed) for seed in dict.fromkeys(lane.seed for lane in lanes)}
    for task in built.values():
        if not isinstance(task, Task):
            raise DynvizError(f"build(seed) of scenario {scenario.name} gave {type(task).__name__}, not a Task")
    return tuple(built[lane.seed] for lane in lanes)


def rebuild(metadata: Metadata, steps: int | None, trusted: Trusted = ()) -> Prepared:
    """A recording that can be gone on with, from what it says about itself.

    Args:
        metadata: The recording's.
        steps: How long it shall be; None for as long as it was meant to be.
        trusted: What may be run beside what is bundled, see `dynviz.plugins.trust`.

    Raises:
        DynvizError: What it names is not trusted, has changed, or does not take what is recorded.
    """
    with devices.one_thread():
        return _rebuild(metadata, steps, trusted)


def _rebuild(metadata: Metadata, steps: int | None, trusted: Trusted) -> Prepared:
    scenario = rebuilt("scenarios", metadata.scenario, trusted)
    optimizer = rebuilt("optimizers", metadata.optimizer, trusted)
    check_optimizer(optimizer)
    hyperparameters = {name: each.value for name, each in metadata.hyperparameters.items()}
    for values in (hyperparameters, *(lane.hyperparameters for lane in metadata.lanes)):
        read(optimizer.options, values, f"optimizer {optimizer.name}", scheduled=True)
    plan = Plan(
        scenario,
        optimizer,
        metadata.label,
        metadata.order,
        metadata.hyperparameters,
        metadata.lanes,
        steps or metadata.steps,
        tuple(Request(name, info.every or None) for name, info in metadata.channels.items()),
        metadata.dtype,
        tasks(scenario, metadata.lanes),
        metadata.compiled,
    )
    try:
        device = devices.find(metadata.device)
    except DynvizError as error:
        raise DynvizError(
            f"the run began on {metadata.device} and goes on there alone; here is no such device"
        ) from error
    return _prepared(build(plan, device), metadata)


def rebuilt(plural: str, named: Named, trusted: Trusted = ()) -> Plugin:
    """The plug-in that a recording names, as it was.

    Raises:
        DynvizError: It is not trusted, has changed, or takes other options.
    """
    name = resolve(plural, named.file or named.name, trusted, named.fingerprints)
    plugin = load(plural, name)
    read(plugin.options, named.given, f"{plugin.kind.binds} {named.name}", scheduled=plural == "optimizers")
    return replace(plugin, name=named.name, given=named.given)
