"""What run.json says about a recording."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from dynviz.errors import DynvizError
from dynviz.recording import layout, schema
from dynviz.recording.inputs import Input
from dynviz.recording.values import encode

FORMAT = 2
"""Since 2 the file ends in a checksum of itself, see `dynviz.recording.sealed`."""
NAMED = 4
"""Parameters that are named one by one."""
Status: TypeAlias = Literal["running", "finished", "interrupted", "failed"]
Source: TypeAlias = Literal["given", "protocol", "default"]
Better: TypeAlias = Literal["lower", "higher", "neither"]


@dataclass(frozen=True)
class Hyperparameter:
    """A value and where it came from: what was written, the scenario's protocol, or the rule's own default."""

    value: Any
    source: Source


@dataclass(frozen=True)
class Part:
    """Where one parameter stands in a channel that holds all of them in a row."""

    start: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class ChannelInfo:
    """One channel: the array [samples, lanes, *shape].

    Attributes:
        every: Steps between samples; sample i belongs to step min(i x every, steps). 0: one sample, at step 0.
        dtype: As NumPy writes it, byte order included: `<f4`.
        shape: Of one lane's sample; where lanes differ the largest, the others padded with NaN.
        dims: A name for each dimension of `shape`.
        help: What it is, in one line.
        shapes: The true shape of each lane's sample where they differ, else empty.
        parts: For a channel of all parameters in a row: where each stands.
        title: What pictures call it; empty for its name.
        better: Which values are better.
        bounds: What no value can be below or above.
    """

    every: int
    dtype: str
    shape: tuple[int, ...] = ()
    dims: tuple[str, ...] = ()
    help: str = ""
    shapes: tuple[tuple[int, ...], ...] = ()
    parts: Mapping[str, Part] = field(default_factory=dict)
    title: str = ""
    better: Better = "neither"
    bounds: tuple[float, float] = (-math.inf, math.inf)

    def samples(self, steps: int) -> int:
        """How many samples a run of this many steps has: one before training, the last state always there.

        >>> [ChannelInfo(every=100, dtype="<f4").samples(steps) for steps in (0, 1, 100, 250)]
        [1, 2, 2, 4]
        """
        return 1 if self.every == 0 else -(-steps // self.every) + 1

    def bytes_per_sample(self, lanes: int) -> int:
        """The size of one sample of all lanes."""
        return np.dtype(self.dtype).itemsize * lanes * int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class Named:
    """A plug-in as it was asked for.

    Attributes:
        name: On the command line: `voronoi`, `torch.optim.NAdam`, `./mine.py`.
        given: The options that were written, read by their types.
        options: All options (of an optimizer: none, see `Metadata.hyperparameters`).
        file: The user's file, absolute, where it is one.
        sha256: Of that file, when the run began.
    """

    name: str
    given: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    sha256: str = ""

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Of each user's file in its name, in order."""
        return tuple(self.sha256.split("+")) if self.sha256 else ()


@dataclass(frozen=True)
class Lane:
    """One trajectory: its seed, and the hyperparameters in which it differs from the recording's."""

    seed: int
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The recording that another one was forked from.

    Attributes:
        folder: The parent's, absolute.
        sha256: Of the parent's run.json, when it was forked.
        step: After which step.
        lanes: Of each lane, which of the parent's it goes on with.
        changes: What is different since then: hyperparameters, the optimizer, the length.
        state: What became of each part of the optimizer's state: `m kept`, `h new`.
        inexact: Where the replay of the parent differed from what is recorded, in words; empty where it did not.
    """

    folder: str
    sha256: str
    step: int
    lanes: tuple[int, ...]
    changes: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    inexact: str = ""


@dataclass(frozen=True)
class Metadata:
    """All that a recording knows beside its numbers.

    Attributes:
        scenario: The task.
        optimizer: The rule.
        label: The recording's name in its run: `adamw-l1`.
        order: Its place in the run, from 0.
        hyperparameters: All of them, with where they came from.
        terms: Names of the terms that the rule's steps add up from.
        lanes: The trajectories, hyperparameters outside, seeds inside.
        steps: How long the run is meant to be.
        channels: What is recorded.
        views: Names of the views that suit, the most telling first.
        facts: What pictures need to know: the scenario's words.
        parameters: Shape of each parameter of one lane.
        fallbacks: What the optimizer does with parameters of shapes that it is not made for, by parameter.
        versions: Of dynviz, torch, numpy and python.
        device: Where it trained: `cpu`, `cuda:0`.
        device_name: The device in words.
        threads: Of torch, on a CPU.
        dtype: Of parameters and arithmetic where another one than the task's was asked for.
        compiled: Whether blocks of steps were compiled.
        checkpoint_every: Steps between checkpoints.
        created: When it began, ISO 8601, UTC.
        status: How it stands. A recording that says `running` without a writer was killed.
        error: Why it failed, when it did.
        origin: Where it was forked from; None of a run that began with its first step.
        inputs: The files that it depends on.
        format: Version of this layout.
    """

    scenario: Named
    optimizer: Named
    label: str
    order: int
    hyperparameters: Mapping[str, Hyperparameter]
    terms: tuple[str, ...]
    lanes: tuple[Lane, ...]
    steps: int
    channels: Mapping[str, ChannelInfo]
    views: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    fallbacks: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    device: str = "cpu"
    device_name: str = ""
    threads: int = 1
    dtype: str = ""
    compiled: bool = False
    checkpoint_every: int = 0
    created: str = ""
    status: Status = "running"
    error: str = ""
    origin: Origin | None = None
    inputs: tuple[Input, ...] = ()
    format: int = FORMAT

    def __post_init__(self) -> None:
        for name, info in self.channels.items():
            layout.check_channel(name, info.dtype)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each lane."""
        return tuple(lane.seed for lane in self.lanes)

    @property
    def fallback(self) -> str:
        """What the optimizer does where it is not made for a parameter's shape: `AdamW's step for offset, scale`."""
        by_words: dict[str, list[str]] = {}
        for name, words in self.fallbacks.items():
            by_words.setdefault(words, []).append(name)
        return "; ".join(
            f"{words} {'throughout' if len(names) == len(self.parameters) else f'for {_first(names)}'}"
            for words, names in by_words.items()
        )

    @property
    def channel_bytes(self) -> dict[str, int]:
        """How much each channel takes when the run is at its end."""
        return {
            name: info.samples(self.steps) * info.bytes_per_sample(len(self.lanes))
            for name, info in self.channels.items()
        }

    def with_status(self, status: Status, error: str = "") -> "Metadata":
        """The same with another status."""
        return replace(self, status=status, error=error)

    def to_json(self) -> dict[str, Any]:
        """As a tree of standard JSON values, see `dynviz.recording.values`.

        Raises:
            DynvizError: An option or a fact is no value that JSON has.
        """
        return {name: encode(getattr(self, name), name) for name in (each.name for each in fields(self))}

    @classmethod
    def from_json(cls, tree: Any) -> "Metadata":
        """Read the tree that `to_json` wrote. Sequences among options and hyperparameters become tuples.

        Raises:
            DynvizError: It is of a newer format, or not a recording's.
        """
        if not isinstance(tree, dict) or type(tree.get("format")) is not int:
            raise DynvizError("it does not describe a recording: no format number")
        if tree["format"] > FORMAT:
            raise DynvizError(
                f"it is of format {tree['format']}; this dynviz reads up to {FORMAT}: install a newer dynviz"
            )
        from dynviz.recording import expected  # which needs the classes of this module

        return schema.check(expected.metadata, tree, "a recording")


def _first(names: Sequence[str]) -> str:
    return (
        ", ".join(names)
        if len(names) <= NAMED
        else f"{', '.join(names[: NAMED - 1])} and {len(names) - NAMED + 1} more"
    )
