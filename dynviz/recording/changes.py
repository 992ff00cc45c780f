"""Changes of hyperparameters during training: requests and their outcomes, one line of JSON each.

    requests.jsonl   requests; anybody may append a line
    changes.jsonl    outcomes; written only by the trainer, before they take effect

A change applies from the step after `step` on. Requests are identified by their line number.
"""

import itertools
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.recording import disk, files, layout, schema
from dynviz.recording.events import whole_lines
from dynviz.recording.schema import Misfit, optional, typed, whole
from dynviz.recording.values import encode

Action: TypeAlias = Literal["set", "pause", "continue", "step", "stop", "lengthen"]
LONGEST = 1 << 22
"""Maximum size of requests.jsonl in bytes; small enough that changes.jsonl, with all answers, stays readable."""


@frozen(kw_only=True)
class Request:
    """A request to the training process.

    Attributes:
        action: Set a hyperparameter, pause, continue, take some steps while paused, stop, or make the run longer.
        name: The hyperparameter.
        value: Its new value.
        lane: The only lane affected; None for all.
        at: The step after which to act; None for as soon as possible.
        steps: The number of steps to take, or the new length of the run.
    """

    action: Action
    name: str = ""
    value: float = 0.0
    lane: int | None = None
    at: int | None = None
    steps: int = 1

    def line(self) -> bytes:
        """The line in requests.jsonl."""
        return _line(self)


@frozen(kw_only=True)
class Change:
    """The outcome of a request to set a hyperparameter.

    Attributes:
        step: The step after which the change applies; for a refused request, the step that training had reached.
        name: The hyperparameter.
        new: The requested value.
        old: The previous value; None if it was a schedule or differed between lanes.
        lane: The only lane affected; None for all.
        request: The line number of the request; -1 for a change that was known when the run began.
        refused: Why the request was refused; empty if it was not.
    """

    step: int
    name: str
    new: float
    old: float | None = None
    lane: int | None = None
    request: int = -1
    refused: str = ""

    def line(self) -> bytes:
        """The line in changes.jsonl."""
        return _line(self)


_LANE = optional(whole(0, schema.LANES - 1))
_REQUEST = typed(Request, lane=_LANE, at=optional(whole(0, schema.STEPS)), steps=whole(1, schema.STEPS))
_CHANGE = typed(Change, step=whole(0, schema.STEPS), lane=_LANE, request=whole(-1, schema.STEPS))


def ask(folder: Path, request: Request) -> int:
    """Append a request to a folder and return its line number.

    Raises:
        DynvizError: The request cannot be written.
    """
    line = request.line()
    answered = 1 + max((change.request for change in load(folder)), default=-1)
    # Simultaneous requests must get different numbers.
    with disk.locked(folder, layout.REQUESTS, LONGEST + 1) as (descriptor, data):
        end, number = len(data), data.count(b"\n")
        if data and not data.endswith(b"\n"):
            # A process was stopped in the middle of a line: terminate it; it will be ignored.
            line, number = b"\n" + line, number + 1
        if number < answered:
            # The file was lost. Reusing a number would pair this request with the answer to an older one, so pad with
            # empty lines, which are ignored.
            line, number = b"\n" * min(answered - number, LONGEST) + line, answered
        if end + len(line) > LONGEST:
            path = folder / layout.REQUESTS
            raise DynvizError(f"{path} would be longer than {LONGEST >> 20} MiB: remove it to ask for more")
        try:
            disk.write_at(descriptor, line, end)
        except OSError:
            os.ftruncate(descriptor, end)
            raise
    return number


class RequestReader:
    """Reads the requests in a folder as they are appended."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / layout.REQUESTS
        self._size = -1
        self._lines: list[bytes] = []
        self.count = 0

    def new(self) -> list[tuple[int, Request]]:
        """The requests since the last call, with their line numbers; invalid lines are skipped."""
        try:
            size = os.stat(self._path).st_size  # noqa: PTH116 - between any two blocks of steps
        except OSError:
            size = -1
        if size == self._size:
            return []
        shorter, self._size = size < self._size, size
        try:
            lines = files.read(self._path, LONGEST).split(b"\n")[:-1]
        except FileNotFoundError:
            # Whatever is in a file that is made later is new.
            self.count, self._lines = 0, []
            return []
        except OSError:
            return []
        if shorter:
            # Another file has taken its place: what both begin with was heard already.
            both = zip(lines, self._lines, strict=False)
            self.count = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], both))
        self._lines = lines
        fresh = [(number, _read(line)) for number, line in enumerate(lines) if number >= self.count]
        self.count = max(self.count, len(lines))
        return [(number, request) for number, request in fresh if request is not None]


def load(folder: Path) -> tuple[Change, ...]:
    """The changes of a recording, in the order of decision.

    Raises:
        DynvizError: The file is damaged.
    """
    return parse(folder / layout.CHANGES)


def read(path: Path) -> tuple[Change, ...]:
    """The changes in a file that must exist.

    Raises:
        DynvizError: It is not, or it is damaged.
    """
    if not path.exists():
        raise DynvizError(f"there is no file {path}")
    return parse(path)


def parse(path: Path) -> tuple[Change, ...]:
    """The changes in a file; empty if there is no file."""
    changes = []
    for number, line in enumerate(lines(path).split(b"\n")[:-1], 1):
        try:
            changes.append(_CHANGE(json.loads(line)))
        except (Misfit, ValueError, RecursionError) as error:
            raise DynvizError(f"{path} is damaged: line {number} is not a change: {error}") from error
    return tuple(changes)


def lines(path: Path) -> bytes:
    """The complete lines of a file; empty if there is no file."""
    try:
        return whole_lines(files.read(path))
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise disk.unreadable(path, error) from error


def effective(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes that were not refused, sorted by step."""
    return tuple(sorted((change for change in changes if not change.refused), key=lambda change: change.step))


def _line(about: "Request | Change") -> bytes:
    return json.dumps(encode(about, "change"), allow_nan=False).encode() + b"\n"


def _read(line: bytes) -> Request | None:
    try:
        return _REQUEST(json.loads(line))
    except (Misfit, ValueError, RecursionError):
        return None


def value_at(changes: Sequence[Change], name: str, lane: int, step: int) -> float | None:
    """The value to which a hyperparameter of a lane had been changed by a step; None if it had not been changed."""
    made = [change for change in changes if change.name == name and change.step <= step and change.lane in (None, lane)]
    return made[-1].new if made else None


def of_lanes(changes: Sequence[Change], lanes: Sequence[int] | None) -> tuple[Change, ...]:
    """The changes that affect the chosen lanes, with lanes renumbered among them."""
    if lanes is None:
        return tuple(changes)
    place = {lane: index for index, lane in enumerate(lanes)}
    kept = (change for change in changes if change.lane is None or change.lane in place)
    return tuple(replace(change, lane=None if change.lane is None else place[change.lane]) for change in kept)
