"""Reading a recording of one optimizer's lanes, finished or still growing."""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from dynviz import errors
from dynviz.errors import DynvizError
from dynviz.recording import checkpoint, layout, lock, runjson, schema
from dynviz.recording.actions import Actions
from dynviz.recording.changes import Change
from dynviz.recording.changes_file import ChangeReader
from dynviz.recording.channel_reader import ChannelReader
from dynviz.recording.events import Event, EventReader
from dynviz.recording.metadata import ChannelInfo, Metadata, Status
from dynviz.recording.shortfall import shortfall
from dynviz.text import clean, quoted

Array: TypeAlias = NDArray[Any]
Facts = TypeVar("Facts")
SHOWN = 8
"""Maximum number of lanes listed in an error."""
Standing: TypeAlias = Status | Literal["killed"]


class Recording(Actions):
    """A recording, read from its folder. It may still be growing; every access reflects the current files.

    Attributes:
        folder: The path of the folder.
        metadata: The metadata when run.json was last read, see `refresh`, restricted to the chosen lanes.
        chosen: The chosen lanes, which everywhere else are renumbered from 0; None for all.

    Example:
        >>> import tempfile
        >>> from dynviz.recording import Writer
        >>> from dynviz.recording.metadata import Lane, Metadata, Named
        >>> channels = {"loss": ChannelInfo(every=1, dtype="<f4"), "w": ChannelInfo(every=2, dtype="<f4", shape=(2,))}
        >>> metadata = Metadata(Named("bowl"), Named("sgd"), "sgd", 0, {}, (), (Lane(seed=7),), 3, channels)
        >>> folder = Path(tempfile.mkdtemp(), "sgd")
        >>> with Writer.create(folder, metadata) as writer:
        ...     writer.write("loss", 0, np.array([[4], [2], [1], [0.5]], np.float32))
        ...     writer.write("w", 0, np.array([[[8, 8]], [[4, 2]], [[3, 1]]], np.float32))
        ...     writer.status("finished")
        >>> recording = Recording(folder)
        >>> recording, recording.status
        (<Recording sgd: 3 steps, seeds 7, channels loss, w>, 'finished')
        >>> recording["w"].shape, recording.steps("w").tolist()
        ((3, 1, 2), [0, 2, 3])
        >>> recording.at("w", 2).tolist()
        [[4.0, 2.0]]
    """

    def __init__(self, folder: Path | str, lanes: Sequence[int] | None = None) -> None:
        """Read run.json.

        Args:
            folder: The recording's folder.
            lanes: The lanes to read; None for all.

        Raises:
            DynvizError: The folder is not a recording, or a lane does not exist.
        """
        self.folder = Path(folder)
        self.chosen = None if lanes is None else tuple(lanes)
        self._name = ""
        self.metadata: Metadata
        self._metadata_seen = (-1, -1, -1)
        self.refresh()
        self._channels: dict[str, ChannelReader] = {}
        self._cut: dict[str, tuple[Array, Array]] = {}
        self._events = EventReader(self.folder / layout.EVENTS)
        self._changes = ChangeReader(self.folder)

    def __repr__(self) -> str:
        """A one-line summary."""
        seeds = ", ".join(map(str, dict.fromkeys(self.seeds)))
        channels = ", ".join(self.channels)
        return clean(f"<Recording {self.label}: {self.total} steps, seeds {seeds}, channels {channels}>")

    def only(self, lanes: Sequence[int]) -> Self:
        """Of a recording with all its lanes the same with these, without reading run.json again.

        Raises:
            DynvizError: A lane does not exist.
        """
        other = copy(self)
        other.chosen = tuple(lanes)
        other.metadata = other._choose(self.metadata)
        other._channels, other._cut = {}, {}
        other._events, other._changes = EventReader(self.folder / layout.EVENTS), ChangeReader(self.folder)
        return other

    def refresh(self) -> None:
        """Read run.json again if it changed, for example the status or the planned length."""
        now = runjson.version(self.folder)
        if now != self._metadata_seen:
            self.metadata = self._choose(runjson.load(self.folder))
            self._metadata_seen = now

    def _choose(self, metadata: Metadata) -> Metadata:
        self._lanes = len(metadata.lanes)
        if self.chosen is None:
            return metadata
        if not self.chosen or max(self.chosen) >= self._lanes:
            asked = ", ".join(map(str, self.chosen[:SHOWN])) + (", ..." if len(self.chosen) > SHOWN else "")
            raise DynvizError(
                f"recording {quoted(metadata.label)} has lanes 0 to {self._lanes - 1}, not {asked or 'none'}"
            )
        return replace(metadata, lanes=tuple(metadata.lanes[lane] for lane in self.chosen))

    @property
    def source(self) -> str:
        """The source by which `dynviz.open` and commands refer to it: the folder, with the lanes if some are chosen."""
        return str(self.folder) if self.chosen is None else f"{self.folder}@{','.join(map(str, self.chosen))}"

    @property
    def label(self) -> str:
        """The name of the recording in its run."""
        return self._name or self.metadata.label

    def called(self, name: str) -> Self:
        """The same recording under another name."""
        other = copy(self)
        other._name = name
        return other

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each lane."""
        return self.metadata.seeds

    @property
    def total(self) -> int:
        """The planned number of steps."""
        return self.metadata.steps

    @property
    def facts(self) -> Mapping[str, Any]:
        """What views need to know beyond the channels."""
        return self.metadata.facts

    def facts_as(self, kind: type[Facts]) -> Facts:
        """The facts that match the fields of a dataclass, as an instance of it.

        Raises:
            DynvizError: A fact is missing or has the wrong type.
        """
        try:
            return schema.part(kind)(self.facts)
        except schema.Misfit as misfit:
            raise DynvizError(f"the facts of recording {quoted(self.label)} do not fit: {misfit}") from misfit

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the recorded channels."""
        return tuple(self.metadata.channels)

    def __contains__(self, name: object) -> bool:
        """Whether a channel is recorded."""
        return name in self.metadata.channels

    def __iter__(self) -> Iterator[str]:
        """The names of the recorded channels."""
        return iter(self.metadata.channels)

    def __getitem__(self, name: str) -> Array:
        """All complete samples of a channel, [samples, lanes, ...], read-only.

        The array does not grow with the recording; index again for more samples. A channel of more than 128 MiB is not
        read at once: what is returned is indexed like an array, and reads only those samples (`LongArray`).

        Raises:
            DynvizError: There is no such channel, or its file is missing or damaged.
        """
        channel = self._reader(name)
        return channel.array() if self.chosen is None else self._chosen_lanes(name, channel.array())

    def _reader(self, name: str) -> ChannelReader:
        channel = self._channels.get(name)
        if channel is None:
            info = self._info(name)
            path = self.folder / layout.channel_file(name)
            channel = self._channels[name] = ChannelReader(path, info.dtype, (self._lanes, *info.shape))
        return channel

    def _chosen_lanes(self, name: str, samples: Array) -> Array:
        """The samples of the chosen lanes; the same object until there are more samples."""
        if name not in self._cut or self._cut[name][0] is not samples:
            lanes = self.chosen or ()
            steps = {after - before for before, after in pairwise(lanes)}
            # Evenly spaced lanes can be a view; others must be copied.
            ahead = len(steps) < 2 and min(steps, default=1) > 0
            index: Any = slice(lanes[0], lanes[-1] + 1, min(steps, default=1)) if ahead else list(lanes)
            cut = samples[:, index]
            if isinstance(cut, np.ndarray):
                cut.flags.writeable = False
            self._cut[name] = samples, cut
        return self._cut[name][1]

    def _info(self, name: str) -> ChannelInfo:
        try:
            return self.metadata.channels[name]
        except KeyError:
            raise errors.unknown("channel", name, self.metadata.channels) from None

    def steps(self, name: str) -> NDArray[np.int64]:
        """The step of each sample of a channel, in ascending order."""
        every = min(self._info(name).every, self.total)
        return np.minimum(np.arange(len(self[name]), dtype=np.int64) * every, self.total)

    def at(self, name: str, step: int) -> Array:
        """The sample [lanes, ...] of a channel at a step, or the last recorded one before it.

        Raises:
            DynvizError: Nothing is recorded yet.
        """
        info = self._info(name)
        samples = self[name]
        if not len(samples):
            raise DynvizError(f"channel {name!r} in {self.folder} has no samples yet")
        index = info.samples(self.total) - 1 if step >= self.total else step // max(info.every, 1)
        last = 0 if info.every == 0 else len(samples) - 1
        sample: Array = samples[min(max(index, 0), last)]
        return sample

    def part(self, name: str, parameter: str) -> Array:
        """One parameter [samples, lanes, *shape] from a channel that holds all of them, flattened.

        Raises:
            DynvizError: There is no such channel, or no such parameter in it.
        """
        parts = self._info(name).parts
        if parameter not in parts:
            raise errors.unknown(f"part of channel {name!r}", parameter, parts)
        part = parts[parameter]
        samples = self[name]
        size = int(np.prod(part.shape, dtype=np.int64))
        row = samples[..., part.start : part.start + size]
        return row.reshape(*samples.shape[:-1], *part.shape)

    def of_lanes(self, lanes: Sequence[int]) -> "Recording":
        """The same recording, of some of the lanes that are looked at."""
        return Recording(self.folder, [lane if self.chosen is None else self.chosen[lane] for lane in lanes])

    def events(self) -> tuple[Event, ...]:
        """The events so far, in the order of writing."""
        return self._events.read(self._lanes, self.chosen)

    def changes(self) -> tuple[Change, ...]:
        """The changes of hyperparameters during training, sorted by step."""
        return self._changes.read(self._lanes, self.chosen)

    @property
    def live(self) -> bool:
        """Whether a writer currently has it open."""
        return lock.held(self.folder)

    @property
    def status(self) -> Standing:
        """The current status; reads run.json again if it changed."""
        self.refresh()
        if self.metadata.status != "running" or self.live:
            return self.metadata.status
        # The writer may have finished between the two checks: it updates the status before it releases the lock.
        self.refresh()
        return "killed" if self.metadata.status == "running" else self.metadata.status

    @property
    def missing(self) -> str:
        """Data that is promised but missing, in one line; empty if nothing is missing or a writer is active.

        A power loss may leave such files; `resume` reproduces the data.
        """
        return "" if self.live else shortfall(self.folder, self.channels, self._reader)

    def checkpoints(self) -> tuple[int, ...]:
        """The steps with a checkpoint, in ascending order."""
        return checkpoint.steps(self.folder)

    def checkpoint(self, step: int) -> dict[str, Array]:
        """The arrays of a checkpoint, by name."""
        return checkpoint.load(self.folder, step)

    @property
    def recorded(self) -> int:
        """The last recorded step of the most densely sampled channel, or of all imported ones; 0 if there is none."""
        if self.metadata.imported:
            return self.total
        sampled = {name: info for name, info in self.metadata.channels.items() if info.every}
        if not sampled:
            return 0
        densest = min(sampled, key=lambda name: sampled[name].every)
        return min(sampled[densest].reached(min(self._reader(densest).counts())), self.total)
