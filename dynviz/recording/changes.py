"""Changes of hyperparameters while a run trains: what is asked for, and what came of it, one line of JSON each.

    requests.jsonl   what was asked for; anybody may add a line
    changes.jsonl    what became of it; written by the trainer alone, before it takes effect

A change counts from the step after `step` on. What is asked for is told apart by the number of its line.
"""

import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from dynviz.errors import DynvizError
from dynviz.recording import disk, files, layout, schema
from dynviz.recording.disk import Folder
from dynviz.recording.events import whole_lines
from dynviz.recording.schema import Misfit, optional, record, whole
from dynviz.recording.values import encode

Action: TypeAlias = Literal["set", "pause", "continue", "step", "stop"]
LONGEST = 1 << 22
"""Bytes of requests. No more are taken: with an answer for each, changes.jsonl is still one that can be read."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Something that is asked of the process that trains.

    Attributes:
        action: What: to set a hyperparameter, or to pause, continue, take some steps while paused, or stop.
        name: Of the hyperparameter.
        value: Its new value.
        lane: Of which lane alone; None for all.
        at: After which step; None for as soon as possible.
        steps: How many to take.
    """

    action: Action
    name: str = ""
    value: float = 0.0
    lane: int | None = None
    at: int | None = None
    steps: int = 1

    def line(self) -> bytes:
        """As it stands in requests.jsonl."""
        return _line(self)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What became of a request to set a hyperparameter.

    Attributes:
        step: After which step it has changed; where it was refused, how far training was.
        name: Of the hyperparameter.
        new: The value that was asked for.
        old: The value before; None where it was a schedule, or not the same in all lanes.
        lane: Of which lane alone; None for all.
        request: The number of the request's line; -1 for one that was known when the run began.
        refused: Why nothing was changed; empty where it was.
    """

    step: int
    name: str
    new: float
    old: float | None = None
    lane: int | None = None
    request: int = -1
    refused: str = ""

    def line(self) -> bytes:
        """As it stands in changes.jsonl."""
        return _line(self)


_LANE = optional(whole(0, schema.LANES - 1))
_REQUEST: schema.Reader[Request] = record(
    Request,
    action=schema.one_of("set", "pause", "continue", "step", "stop"),
    name=schema.text,
    value=schema.number,
    lane=_LANE,
    at=optional(whole(0, schema.STEPS)),
    steps=whole(1, schema.STEPS),
)
_CHANGE: schema.Reader[Change] = record(
    Change,
    step=whole(0, schema.STEPS),
    name=schema.text,
    new=schema.number,
    old=optional(schema.number),
    lane=_LANE,
    request=whole(-1, schema.STEPS),
    refused=schema.text,
)


def ask(folder: Path, request: Request) -> int:
    """Add a request to those in a folder; the number of its line.

    Raises:
        DynvizError: It cannot be written.
    """
    line = request.line()
    path = folder / layout.REQUESTS
    answered = 1 + max((change.request for change in load(folder)), default=-1)
    try:
        with Folder(folder) as opened:
            descriptor = opened.open(layout.REQUESTS, os.O_RDWR | os.O_CREAT)
            try:
                # Two who ask at once get numbers of their own.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                data = os.pread(descriptor, LONGEST + 1, 0)
                end, number = len(data), data.count(b"\n")
                if data and not data.endswith(b"\n"):
                    # Somebody was stopped in the middle of a line, which is ended and means nothing.
                    line, number = b"\n" + line, number + 1
                if number < answered:
                    # The file was lost, and a number is never given twice: the other one's answer would be taken for
                    # this one's. Empty lines ask for nothing.
                    line, number = b"\n" * min(answered - number, LONGEST) + line, answered
                if end + len(line) > LONGEST:
                    raise DynvizError(f"{path} would be longer than {LONGEST >> 20} MiB: remove it to ask for more")
                try:
                    disk.write_at(descriptor, line, end)
                except OSError:
                    os.ftruncate(descriptor, end)
                    raise
            finally:
                os.close(descriptor)
    except OSError as error:
        raise disk.unwritable(path, error) from error
    return number


class RequestReader:
    """What is asked for in a folder, read as it grows."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / layout.REQUESTS
        self._size = -1
        self.count = 0

    def new(self) -> list[tuple[int, Request]]:
        """Those since the last time, with the numbers of their lines; a line that is none is passed over."""
        try:
            size = os.stat(self._path).st_size  # noqa: PTH116 - between any two blocks of steps
        except OSError:
            size = -1
        if size == self._size:
            return []
        if size < self._size:
            # The file was removed. What is answered already has a lower number than what is asked in a new one.
            self.count = 0
        self._size = size
        try:
            lines = files.read(self._path, LONGEST).split(b"\n")[:-1]
        except OSError:
            return []
        fresh = [(number, _read(line)) for number, line in enumerate(lines) if number >= self.count]
        self.count = max(self.count, len(lines))
        return [(number, request) for number, request in fresh if request is not None]


def load(folder: Path) -> tuple[Change, ...]:
    """The changes of a recording, in the order in which they were decided.

    Raises:
        DynvizError: The file is damaged.
    """
    return parse(folder / layout.CHANGES)


def read(path: Path) -> tuple[Change, ...]:
    """The changes in a file that must be there.

    Raises:
        DynvizError: It is not, or it is damaged.
    """
    if not path.exists():
        raise DynvizError(f"there is no file {path}")
    return parse(path)


def parse(path: Path) -> tuple[Change, ...]:
    """The changes in a file; none where there is no file."""
    changes = []
    for number, line in enumerate(lines(path).split(b"\n")[:-1], 1):
        try:
            changes.append(_CHANGE(json.loads(line)))
        except (Misfit, ValueError, RecursionError) as error:
            raise DynvizError(f"{path} is damaged: line {number} is not a change: {error}") from error
    return tuple(changes)


def lines(path: Path) -> bytes:
    """The whole lines of a file; none where there is no file."""
    try:
        return whole_lines(files.read(path))
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise disk.unreadable(path, error) from error


def effective(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Those that were not refused, by step."""
    return tuple(sorted((change for change in changes if not change.refused), key=lambda change: change.step))


def _line(about: "Request | Change") -> bytes:
    return json.dumps(encode(about, "change"), allow_nan=False).encode() + b"\n"


def _read(line: bytes) -> Request | None:
    try:
        return _REQUEST(json.loads(line))
    except (Misfit, ValueError, RecursionError):
        return None


def value_at(changes: Sequence[Change], name: str, lane: int, step: int) -> float | None:
    """What a hyperparameter of a lane was changed to by a step; None where it was not changed yet."""
    made = [change for change in changes if change.name == name and change.step <= step and change.lane in (None, lane)]
    return made[-1].new if made else None


def of_lanes(changes: Sequence[Change], lanes: Sequence[int] | None) -> tuple[Change, ...]:
    """Those of some lanes, or of all, with the lanes counted among these."""
    if lanes is None:
        return tuple(changes)
    place = {lane: index for index, lane in enumerate(lanes)}
    kept = (change for change in changes if change.lane is None or change.lane in place)
    return tuple(replace(change, lane=None if change.lane is None else place[change.lane]) for change in kept)
