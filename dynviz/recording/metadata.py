"""The metadata of a recording, stored in run.json."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import field, fields, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.spec import Spec
from dynviz.recording import layout, schema
from dynviz.recording.inputs import Input
from dynviz.recording.values import encode

FORMAT = 3
"""Since version 2 the file ends with a checksum of itself, see `dynviz.recording.sealed`; since version 3 a rule and
its modifiers are separate entries, where older files have one text that joins their names."""
NAMED = 4
"""Maximum number of parameters listed by name."""
Status: TypeAlias = Literal["running", "finished", "interrupted", "failed"]
Source: TypeAlias = Literal["given", "protocol", "default"]
Better: TypeAlias = Literal["lower", "higher", "neither"]


@frozen
class Hyperparameter:
    """A value and its source: the command line, the scenario's protocol, or the rule's default."""

    value: Any
    source: Source


@frozen
class Part:
    """The position of one parameter in a channel that holds all of them, flattened."""

    start: int
    shape: tuple[int, ...]


@frozen
class ChannelInfo:
    """One channel: the array [samples, lanes, *shape].

    Attributes:
        every: Steps between samples; sample i belongs to step min(i x every, steps). 0 means one sample, at step 0.
        dtype: The NumPy type string, including byte order: `<f4`.
        shape: The shape of one lane's sample; if lanes differ, the largest, to which the others are padded with NaN.
        dims: A name for each dimension of `shape`.
        help: A one-line description.
        shapes: The unpadded shape of each lane's sample if they differ, else empty.
        parts: For a channel of all parameters, flattened: the position of each.
        title: The title in pictures; empty to use the name.
        better: Which values are better.
        bounds: The lowest and highest possible value.
        of_steps: Whether a sample belongs to the step that follows its state, so that the last state has none.
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
    of_steps: bool = False

    def samples(self, steps: int) -> int:
        """The number of samples in a run of this many steps, including the initial and the final state.

        >>> [ChannelInfo(every=100, dtype="<f4").samples(steps) for steps in (0, 1, 100, 250)]
        [1, 2, 2, 4]
        """
        return 1 if self.every == 0 else -(-steps // self.every) + (not self.of_steps)

    def reached(self, samples: int) -> int:
        """The last step that a number of samples tell of, which may be beyond the planned end."""
        return max(samples - (not self.of_steps), 0) * self.every

    def bytes_per_sample(self, lanes: int) -> int:
        """The size of one sample of all lanes."""
        return np.dtype(self.dtype).itemsize * lanes * int(np.prod(self.shape, dtype=np.int64))


@frozen
class Named:
    """A plug-in as requested.

    Attributes:
        name: The name on the command line: `voronoi`, `torch.optim.NAdam`, `./mine.py`.
        given: The options that were set explicitly, converted to their types.
        options: All options (empty for an optimizer, see `Metadata.hyperparameters`).
        file: The absolute path of a user's file; empty for anything else.
        sha256: The fingerprint of the user's code when the run began; empty for bundled code.
        modifiers: Those of a rule, from the inside out, each with the options that it takes.
    """

    name: str
    given: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    sha256: str = ""
    modifiers: "tuple[Named, ...]" = ()

    @property
    def title(self) -> str:
        """The names of a rule and its modifiers, joined: `adam+sam`."""
        return "+".join(part.name for part in (self, *self.modifiers))

    @property
    def spec(self) -> Spec:
        """The plug-in with the options that were given."""
        return Spec(self.file or self.name, self.given, tuple(part.spec for part in self.modifiers), typed=True)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The fingerprint of the code of each part."""
        return (self.sha256, *(part.sha256 for part in self.modifiers))


@frozen
class Lane:
    """One trajectory: its seed and the hyperparameters that override the recording's."""

    seed: int
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)


@frozen(kw_only=True)
class Origin:
    """The recording that another one was forked from.

    Attributes:
        folder: The absolute path of the parent.
        sha256: The hash of the parent's run.json at the time of the fork.
        step: The step after which it was forked.
        lanes: For each lane, the lane of the parent that it continues.
        changes: What changed in the fork: hyperparameters, the optimizer, the length.
        state: What happened to each part of the optimizer's state: `m kept`, `h new`.
        inexact: How the replay of the parent deviated from the recording; empty if it did not.
    """

    folder: str
    sha256: str
    step: int
    lanes: tuple[int, ...]
    changes: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    inexact: str = ""


@frozen
class Metadata:
    """Everything about a recording except its numbers.

    Attributes:
        scenario: The task.
        optimizer: The rule.
        label: The recording's name in its run: `adamw-l1`.
        order: Its position in the run, from 0.
        hyperparameters: All hyperparameters, with their sources.
        terms: The names of the terms whose sum is the rule's step.
        lanes: The trajectories, ordered by hyperparameters, then by seed.
        steps: The planned length of the run.
        channels: The recorded channels.
        views: The names of suitable views, the most informative first.
        facts: What views need to know beyond the channels, as provided by the scenario.
        story: The view of pictures that tell a story, with options; empty for the first of `views`.
        title: The title of pictures; empty for the scenario's name and options.
        what: What options of the scenario mean, in a few words each, by option.
        parameters: The shape of each parameter in one lane.
        fallbacks: How the optimizer treats parameters of shapes that it is not made for, by parameter.
        versions: The versions of dynviz, torch, numpy and python.
        device: The training device: `cpu`, `cuda:0`.
        device_name: The name of the hardware.
        threads: The number of torch threads, on a CPU.
        dtype: The type of parameters and arithmetic, if it was overridden.
        compiled: Whether blocks of steps were compiled.
        checkpoint_every: Steps between checkpoints.
        created: When it began, ISO 8601, UTC.
        status: The status. A recording marked `running` without a live writer was killed.
        error: Why it failed, if it did.
        origin: The recording that it was forked from; None if it is not a fork.
        inputs: The files that it depends on.
        own_loop: Whether a script's own loop was recorded, which only that script can go on with.
        imported: The program whose files it was imported from: `TensorBoard`; empty if dynviz recorded it.
        format: The version of the format.
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
    story: str = ""
    title: str = ""
    what: Mapping[str, str] = field(default_factory=dict)
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
    own_loop: bool = False
    imported: str = ""
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
        """How the optimizer treats parameters of unsupported shapes, in words: `AdamW's step for offset, scale`."""
        by_words: dict[str, list[str]] = {}
        for name, words in self.fallbacks.items():
            by_words.setdefault(words, []).append(name)
        return "; ".join(
            f"{words} {'throughout' if len(names) == len(self.parameters) else f'for {_first(names)}'}"
            for words, names in by_words.items()
        )

    @property
    def channel_bytes(self) -> dict[str, int]:
        """The size of each channel at the end of the run."""
        return {
            name: info.samples(self.steps) * info.bytes_per_sample(len(self.lanes))
            for name, info in self.channels.items()
        }

    def with_status(self, status: Status, error: str = "") -> "Metadata":
        """A copy with another status."""
        return replace(self, status=status, error=error)

    def to_json(self) -> dict[str, Any]:
        """Convert to a tree of standard JSON values, see `dynviz.recording.values`.

        Raises:
            DynvizError: An option or a fact cannot be represented in JSON.
        """
        return {item.name: encode(getattr(self, item.name), item.name) for item in fields(self)}

    @classmethod
    def from_json(cls, tree: Any) -> "Metadata":
        """Read the output of `to_json`. Sequences in options and hyperparameters become tuples.

        Raises:
            DynvizError: The format is newer, or the tree does not describe a recording.
        """
        if not isinstance(tree, dict) or type(tree.get("format")) is not int:
            raise DynvizError("it does not describe a recording: no format number")
        if tree["format"] > FORMAT:
            raise DynvizError(
                f"it is of format {tree['format']}; this dynviz reads up to {FORMAT}: install a newer dynviz"
            )
        from dynviz.recording import expected, upgrade  # the first imports this module

        return schema.check(expected.metadata, upgrade.of_recording(tree), "a recording")


def _first(names: Sequence[str]) -> str:
    return (
        ", ".join(names)
        if len(names) <= NAMED
        else f"{', '.join(names[: NAMED - 1])} and {len(names) - NAMED + 1} more"
    )
