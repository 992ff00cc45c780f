"""Recordings as the columns of one table, whose rows are steps of lanes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from fnmatch import fnmatchcase
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from dynviz.errors import unknown
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.recording.metadata import ChannelInfo

Cells: TypeAlias = "np.ma.MaskedArray[Any, Any]"
"""The cells of a column; masked where there is nothing: a step at which a channel has no sample, for example."""
Block: TypeAlias = Mapping[str, Cells]
"""The columns of some rows."""

KEYS = ("recording", "lane", "seed", "step")
WIDE = 64
"""Channels of more numbers a sample are left out of tables that do not name them."""
NUMBERS = "biuf"


@frozen
class TableColumn:
    """One column of a table.

    Attributes:
        dtype: The type of its cells.
        help: A one-line description.
        units: Its unit, `1` for pure numbers; empty if unknown.
    """

    dtype: np.dtype[Any]
    help: str = ""
    units: str = ""


@frozen
class Table:
    """A table of recordings that is read a lane at a time.

    Attributes:
        recordings: What it is of.
        columns: Its columns, in order.
        omitted: The channels that are too wide for it, with the number of numbers in a sample.
    """

    recordings: tuple[Recording, ...]
    columns: Mapping[str, TableColumn]
    omitted: Mapping[str, int]
    _channels: tuple[tuple[str, ...], ...] = field(repr=False)

    @classmethod
    def of(cls, recordings: Sequence[Recording], channels: Sequence[str] = ()) -> "Table":
        """The table of recordings.

        Args:
            recordings: At least one.
            channels: Names or patterns (`term.*`) of channels; by default all that are sampled along the run with at
                most 64 numbers each.

        Raises:
            DynvizError: A pattern matches no channel.
        """
        check_channels(recordings, channels)
        chosen = tuple(tuple(chosen_channels(recording, channels)) for recording in recordings)
        columns: dict[str, TableColumn] = {
            "recording": TableColumn(np.dtype(object), "name of the recording in its run"),
            "lane": TableColumn(np.dtype(np.int64), "number of the lane"),
            "seed": TableColumn(np.dtype(np.int64), "seed of the lane"),
        }
        values = [settings(recording, names) for recording, names in zip(recordings, chosen, strict=True)]
        for name in dict.fromkeys(key for lanes in values for key in lanes):
            kinds = [_dtype_of(lanes[name]) for lanes in values if name in lanes]
            columns[name] = TableColumn(reduce(_common, kinds), "hyperparameter")
        columns["step"] = TableColumn(np.dtype(np.int64), "number of steps taken", "steps")
        for recording, names in zip(recordings, chosen, strict=True):
            for channel in names:
                for name, column in _columns(recording, channel).items():
                    known = columns.get(name, column)
                    columns[name] = TableColumn(_common(known.dtype, column.dtype), known.help, known.units)
        wide = {
            name: width(info)
            for recording in recordings
            for name, info in recording.metadata.channels.items()
            if not channels and info.every and width(info) > WIDE
        }
        return cls(tuple(recordings), columns, wide, chosen)

    def blocks(self) -> Iterator[Block]:
        """The rows of each lane of each recording, in order; each block has all columns."""
        for recording, channels in zip(self.recordings, self._channels, strict=True):
            given = settings(recording, channels)
            for lane, seed in enumerate(recording.seeds):
                yield self._block(recording, channels, lane, {**given, "seed": [seed] * (lane + 1)})

    def _block(
        self, recording: Recording, channels: Sequence[str], lane: int, given: Mapping[str, Sequence[Any]]
    ) -> Block:
        steps_of = {name: recording.steps(name) for name in channels}
        steps = reduce(np.union1d, steps_of.values(), np.zeros(0, np.int64))
        count = len(steps)
        cells: dict[str, Cells] = {
            name: np.ma.MaskedArray(np.empty(count, column.dtype), mask=True) for name, column in self.columns.items()
        }
        whole = {"recording": recording.label, "lane": lane, **{name: row[lane] for name, row in given.items()}}
        for name, value in whole.items():
            if value is not None:
                cells[name][:] = str(value) if self.columns[name].dtype == object else value
        cells["step"][:] = steps
        for channel, at in steps_of.items():
            rows = np.searchsorted(steps, at)
            samples = np.asarray(recording[channel][: len(at), lane]).reshape(len(at), -1)
            parts = (samples.real, samples.imag) if samples.dtype.kind == "c" else (samples,)
            names = iter(_columns(recording, channel))
            for number in range(samples.shape[1]):
                for part in parts:
                    cells[next(names)][rows] = part[:, number]
        return cells


def check_channels(recordings: Sequence[Recording], patterns: Sequence[str]) -> None:
    """See that each pattern matches a channel.

    Raises:
        DynvizError: One does not.
    """
    known = {name for recording in recordings for name in recording.channels}
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise unknown("channel", pattern, known)


def chosen_channels(recording: Recording, patterns: Sequence[str]) -> list[str]:
    """The channels of a recording that a table has, see `Table.of`."""
    known = recording.metadata.channels
    if patterns:
        return [name for name in known if any(fnmatchcase(name, pattern) for pattern in patterns)]
    return [name for name, info in known.items() if info.every and width(info) <= WIDE]


def settings(recording: Recording, taken: Sequence[str]) -> dict[str, list[Any]]:
    """The values of each hyperparameter by lane; one that is called like a channel becomes `optimizer.NAME`."""
    metadata = recording.metadata
    values = {}
    for name, known in metadata.hyperparameters.items():
        key = f"optimizer.{name}" if name in taken or name in KEYS else name
        values[key] = [lane.hyperparameters.get(name, known.value) for lane in metadata.lanes]
    return values


def entries(info: ChannelInfo) -> list[str]:
    """What the numbers of a sample are called: `0`, `1` or `2,3`; or what the channel calls them."""
    if len(info.shape) == 1 and info.dims:
        words = " ".join(info.dims).split(" or ")
        if len(words) == info.shape[0] > 1:
            return words
    return [",".join(map(str, index)) for index in np.ndindex(*info.shape)]


def width(info: ChannelInfo) -> int:
    """The number of numbers in a sample of one lane."""
    return int(np.prod(info.shape, dtype=np.int64))


def units(recording: Recording) -> str:
    """The unit of its channels: what dynviz measures are pure numbers; of what others measured it is unknown."""
    return "" if recording.metadata.imported else "1"


def _columns(recording: Recording, channel: str) -> dict[str, TableColumn]:
    """The columns of a channel."""
    info = recording.metadata.channels[channel]
    base = f"channel.{channel}" if channel in KEYS else channel
    names = [base] if not info.shape else [f"{base}[{entry}]" for entry in entries(info)]
    dtype = np.dtype(info.dtype).newbyteorder("=")
    if dtype.kind == "c":
        names = [f"{name}.{part}" for name in names for part in ("real", "imag")]
        dtype = np.zeros(0, dtype).real.dtype
    return dict.fromkeys(names, TableColumn(dtype, info.help, units(recording)))


def _dtype_of(values: Sequence[Any]) -> np.dtype[Any]:
    """The type of a column of plain values, of which some may be None."""
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, bool | int | float) for value in there):
        return reduce(_common, (np.asarray(value).dtype for value in there))
    return np.dtype(object)


def _common(one: np.dtype[Any], other: np.dtype[Any]) -> np.dtype[Any]:
    """The type that holds values of both; text where they are no numbers."""
    if one.kind in NUMBERS and other.kind in NUMBERS:
        return np.result_type(one, other)
    return np.dtype(object)
