"""Events in a recording, one line of JSON each."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.recording import disk, files, layout, schema
from dynviz.recording.checksums import Checksum
from dynviz.recording.disk import Folder
from dynviz.recording.schema import Misfit, record, whole

KINDS = ("diverged", "changed", "forked")
"""Kinds of events that are recorded during training, without a detector."""


@frozen
class Event:
    """Something that happened at a step.

    Attributes:
        step: The step at which it happened.
        lane: The trajectory concerned.
        kind: The kind of event: `diverged`.
        value: A measure of the event, if it has one; None if it is not finite.
    """

    step: int
    lane: int
    kind: str
    value: float | None = None

    def line(self) -> bytes:
        r"""The line in events.jsonl.

        >>> Event(120, 0, "diverged", math.inf).line()
        b'{"step": 120, "lane": 0, "kind": "diverged", "value": null}\n'
        """
        tree = asdict(self)
        if self.value is not None:
            tree["value"] = float(self.value) if math.isfinite(self.value) else None
        return json.dumps(tree).encode() + b"\n"


def parse(data: bytes, path: Path) -> tuple[Event, ...]:
    r"""Parse the bytes of a file, ignoring an unterminated last line, which is still being written or was cut off.

    >>> parse(Event(3, 0, "died", 2.0).line() + b'{"step": 12', Path("events.jsonl"))
    (Event(step=3, lane=0, kind='died', value=2.0),)
    """
    lines = whole_lines(data).split(b"\n")[:-1]
    return tuple(_parse_line(line, number, path) for number, line in enumerate(lines, start=1))


def whole_lines(data: bytes) -> bytes:
    r"""The complete lines before the first torn one; a power loss can leave zero bytes in place of lines.

    >>> whole_lines(b"one\ntwo\nth\0\0\0\0\nfour\n")
    b'one\ntwo\n'
    """
    data = data.partition(b"\0")[0]
    return data[: data.rfind(b"\n") + 1]


def tail(path: Path) -> int:
    """The number of bytes after the last complete line of a file."""
    try:
        data = files.read(path)
    except OSError:
        return 0
    return len(data) - len(whole_lines(data))


def _parse_line(line: bytes, number: int, path: Path) -> Event:
    try:
        return _EVENT(json.loads(line))
    except Misfit as misfit:
        raise DynvizError(f"{path} is damaged: line {number} is not an event: {misfit}") from misfit
    except (ValueError, RecursionError) as error:
        raise DynvizError(f"{path} is damaged: line {number} is not an event") from error


def _value(value: Any) -> float | None:
    return None if value is None else schema.number(value)


_EVENT = record(
    Event,
    step=whole(0, schema.STEPS),
    lane=whole(0, schema.LANES - 1),
    kind=schema.text,
    value=_value,
)


class EventReader:
    """Reads events.jsonl again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] = (-1, -1)
        self._events: tuple[Event, ...] = ()

    def read(self, count: int, lanes: Sequence[int] | None) -> tuple[Event, ...]:
        """The events so far, in the order of writing.

        Args:
            count: The number of lanes in the recording.
            lanes: The chosen lanes, renumbered from 0 in the result; None for all.
        """
        try:
            file = self._path.stat()
            now = (file.st_ino, file.st_size)
            if now != self._seen:
                self._events = parse(files.read(self._path), self._path)
                self._seen = now
        except OSError as error:
            raise disk.unreadable(self._path, error) from error
        for event in self._events:
            if event.lane >= count:
                raise DynvizError(
                    f"{self._path} is damaged: it has an event of lane {event.lane}, "
                    f"and the recording has lanes 0 to {count - 1}"
                )
        if lanes is None:
            return self._events
        place = {lane: index for index, lane in enumerate(lanes)}
        return tuple(replace(event, lane=place[event.lane]) for event in self._events if event.lane in place)


class EventLog:
    """events.jsonl, open for writing."""

    def __init__(self, folder: Folder) -> None:
        """Open the event file in a recording's folder."""
        self._folder = folder
        self._path = folder.path / layout.EVENTS
        self._fd = -1
        self._open()

    def _open(self) -> None:
        self._fd = self._folder.open(layout.EVENTS, os.O_RDWR | os.O_CREAT)
        try:
            # A torn last line gets overwritten by the next event.
            self._end = len(whole_lines(self._read()))
        except BaseException:
            self.close()
            raise

    def _read(self) -> bytes:
        try:
            return os.pread(self._fd, os.fstat(self._fd).st_size, 0)
        except OSError as error:
            raise disk.unreadable(self._path, error) from error

    def check(self) -> None:
        """Check that every line is an event, which `drop` relies on.

        Raises:
            DynvizError: A line is not an event.
        """
        parse(self._read(), self._path)

    @property
    def fd(self) -> int:
        """The file descriptor."""
        return self._fd

    def checksum(self) -> Checksum:
        """The checksum of all lines."""
        return Checksum.of(self._read()[: self._end])

    def holds(self, checksum: Checksum) -> bool:
        """Whether the lines covered by a checkpoint are present and unaltered."""
        return checksum.begins(self._read())

    def append(self, event: Event) -> None:
        """Append an event; after a failure, the next event overwrites the partial line."""
        line = event.line()
        try:
            disk.write_at(self._fd, line, self._end)
        except OSError as error:
            raise disk.unwritable(self._path, error) from error
        self._end += len(line)

    def drop(self, after: int) -> None:
        """Remove the events of steps after this one."""
        events = parse(self._read(), self._path)
        kept = b"".join(event.line() for event in events if event.step <= after)
        with self._folder.replacing(layout.EVENTS) as file:
            file.write(kept)
        self.close()
        self._open()

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
