"""Plans: a scenario, an optimizer with its hyperparameters, and lanes."""

import fnmatch
import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, is_dataclass, replace
from typing import Any

import torch

from dynviz.errors import DynvizError, unknown
from dynviz.frozen import frozen
from dynviz.plugins import Plugin, files, load
from dynviz.plugins.option_values import check_schedule, read
from dynviz.plugins.options import MISSING
from dynviz.plugins.schedules import Schedule
from dynviz.plugins.spec import parse
from dynviz.recording.metadata import Hyperparameter, Lane, Named, Source
from dynviz.task import Task


@frozen
class ChannelRequest:
    """A request from `--record`: channels whose name matches a pattern, and how often to sample them."""

    pattern: str
    every: int | None = None


@frozen(kw_only=True)
class RecordingPlan:
    """One recording to be created.

    Attributes:
        scenario: The scenario plug-in.
        optimizer: The optimizer plug-in.
        label: The recording's name in its run.
        order: Its position in the run.
        hyperparameters: All hyperparameters, with their sources.
        lanes: The trajectories.
        steps: The number of steps.
        requests: Deviations from the default channels.
        dtype: The type of parameters and arithmetic; empty for the task's own.
        tasks: The task of each lane.
        compiled: Whether to compile blocks of steps.
    """

    scenario: Plugin
    optimizer: Plugin
    label: str
    order: int
    hyperparameters: Mapping[str, Hyperparameter]
    lanes: tuple[Lane, ...]
    steps: int
    requests: tuple[ChannelRequest, ...] = ()
    dtype: str = ""
    tasks: tuple[Task, ...] = field(default=(), repr=False)
    compiled: bool = False

    @property
    def is_torch(self) -> bool:
        """Whether the optimizer is a PyTorch optimizer, or a function that creates one, rather than a rule."""
        return _is_torch(self.optimizer.target) or self.is_factory

    @property
    def is_factory(self) -> bool:
        """Whether the optimizer is a function that creates PyTorch optimizers from named parameters."""
        return inspect.isfunction(self.optimizer.target)

    def values(self) -> dict[str, Any]:
        """The hyperparameters that all lanes share; scheduled ones have the values of the first step."""
        schedules = self.schedules()
        return {
            name: schedules[name].at(1) if name in schedules else hyperparameter.value
            for name, hyperparameter in self.hyperparameters.items()
        }

    def schedules(self) -> dict[str, Schedule]:
        """The hyperparameters that change with the step."""
        known = self.optimizer.options
        return {
            name: Schedule(hyperparameter.value)
            for name, hyperparameter in self.hyperparameters.items()
            if isinstance(value := hyperparameter.value, str) and known[name].number and Schedule.looks(value)
        }


def requests(texts: Sequence[str]) -> tuple[ChannelRequest, ...]:
    """Parse the requests given to `--record`: `term.*`, `val_loss:every=1`.

    Raises:
        DynvizError: A request does not have that form.
    """
    requested = []
    for text in texts:
        spec = parse(text)
        for name in spec.options:
            if name != "every":
                raise unknown("option of --record", name, ["every"])
        every = spec.options.get("every")
        if every is not None and (not re.fullmatch(r"[0-9]{1,9}", every) or int(every) < 1):
            raise DynvizError(
                f"every={every} in --record {text!r} is not a number of steps; write a whole number from 1 to 999999999"
            )
        requested.append(ChannelRequest(spec.title, int(every) if every else None))
    return tuple(requested)


def sampling(wanted: Sequence[ChannelRequest], known: Mapping[str, tuple[int, bool]]) -> dict[str, int]:
    """Which channels are recorded, and how often.

    Args:
        wanted: The requests; later ones take precedence.
        known: For each available channel, its own `every` and whether it is on by default.

    Raises:
        DynvizError: A request asks for samples of a constant.
    """
    chosen = {name: every for name, (every, on) in known.items() if on}
    for request in wanted:
        for name in fnmatch.filter(known, request.pattern):
            own = known[name][0]
            if own == 0 and request.every is not None and "*" not in request.pattern:
                raise DynvizError(f"{name} is the same at every step and is recorded once; leave out :every")
            chosen[name] = own if own == 0 or request.every is None else request.every
    return {name: chosen[name] for name in known if name in chosen}


def check_requests(wanted: Sequence[ChannelRequest], known: Iterable[str]) -> None:
    """Check that each request matches a channel of at least one recording, since optimizers differ in their terms.

    Args:
        wanted: The requests.
        known: The channels available in any recording of the run.

    Raises:
        DynvizError: A request matches none.
    """
    names = sorted(set(known))
    for request in wanted:
        if not fnmatch.filter(names, request.pattern):
            raise unknown("channel to record", request.pattern, names)


def check_optimizer(optimizer: Plugin) -> None:
    """Check that an optimizer is a rule, a PyTorch optimizer class, or a function that creates one.

    Raises:
        DynvizError: It is none of these.
    """
    target = optimizer.target
    if _is_torch(target) or inspect.isfunction(target):
        return
    missing = [name for name in ("init", "update") if not callable(getattr(target, name, None))]
    if missing or not is_dataclass(target):
        lacks = f"has no {missing[0]}()" if missing else "is not a dataclass"
        raise DynvizError(
            f"optimizer {optimizer.name} {lacks}; an optimizer is a dataclass with init and update, "
            "a class that extends torch.optim.Optimizer, or a function of named parameters that returns one"
        )
    if not isinstance(getattr(target, "coordinatewise", None), bool):
        raise DynvizError(
            f"optimizer {optimizer.name} does not say whether its coordinates move independently of each other; "
            "write coordinatewise: ClassVar[bool] = True, or False"
        )


def _is_torch(target: Any) -> bool:
    return isinstance(target, type) and issubclass(target, torch.optim.Optimizer)


def hyperparameters(
    optimizer: Plugin, protocol: Mapping[str, Mapping[str, Any]], steps: int = 1
) -> dict[str, Hyperparameter]:
    """The given hyperparameters, else those of the scenario's protocol, else the rule's defaults.

    A schedule is kept as text, with every number of steps in it.

    Args:
        optimizer: The plug-in, with the given hyperparameters.
        protocol: The scenario's hyperparameters by optimizer name, family, or `*`.
        steps: The length of the run.

    Raises:
        DynvizError: A hyperparameter has no value.
    """
    known, what = optimizer.options, f"optimizer {optimizer.name}"
    ours = next((protocol[key] for key in (optimizer.stem, _family(optimizer), "*") if key in protocol), {})
    ours = read(known, {name: value for name, value in ours.items() if name in known}, what, scheduled=True)
    values = {}
    for name, option in known.items():
        source: Source = "given" if name in optimizer.given else "protocol" if name in ours else "default"
        value = {"given": optimizer.given, "protocol": ours}.get(source, {name: option.default})[name]
        if value is MISSING:
            raise DynvizError(f"{what} needs {name} ({option.type_name}): write {optimizer.name}:{name}=...")
        if isinstance(value, Schedule):
            check_schedule(option, value, what, steps)
            value = str(value.over(steps))
        values[name] = Hyperparameter(value, source)
    return values


def _family(optimizer: Plugin) -> str:
    """The family that a rule declares; a class of torch's kind is of the family of our rule of its name."""
    target = optimizer.target
    if _is_torch(target) and optimizer.stem in files("optimizers"):
        target = load("optimizers", optimizer.stem).target
    return getattr(target, "family", "")


def labels(plugins: Sequence[Plugin]) -> list[str]:
    """A label for each recording: the optimizer's name, or the stem of a user's file; repeated ones get -2, -3."""
    names: list[str] = []
    for plugin in plugins:
        name = plugin.label
        count, label = 1, name
        while label in names:
            count += 1
            label = f"{name}-{count}"
        names.append(label)
    return names


def named(plugin: Plugin, options: Mapping[str, Any] | None = None) -> Named:
    """A plug-in as stored in a recording's metadata."""
    head, *modifiers = (
        Named(name=part.name, given=spec.options, file=part.file, sha256=part.sha256())
        for part, spec in zip(plugin.parts or (plugin,), plugin.spec.parts, strict=True)
    )
    return replace(head, options=dict(options or {}), modifiers=tuple(modifiers))
