"""Notes that people make at steps of a recording, one line of JSON each in notes.jsonl.

Anybody may append a line, while it is trained or later. The last line of a step counts; an empty text takes its note
away. A line that a crash cut off is ignored.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.recording import disk, files, layout, schema
from dynviz.recording.events import whole_lines
from dynviz.recording.schema import Misfit, typed, whole

LONGEST_TEXT = 500
"""Characters of a note."""
LONGEST = 1 << 22
"""Bytes of notes.jsonl."""


@frozen(kw_only=True)
class Note:
    """A text at a step; without one, there is none."""

    step: int
    text: str


_NOTE = typed(Note, step=whole(0, schema.STEPS))


def load(folder: Path) -> tuple[Note, ...]:
    """The notes of a recording, by step.

    Raises:
        DynvizError: The file cannot be read.
    """
    path = folder / layout.NOTES
    try:
        data = files.read(path, LONGEST)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise disk.unreadable(path, error) from error
    latest = {note.step: note for note in map(_read, whole_lines(data).split(b"\n")) if note is not None}
    return tuple(latest[step] for step in sorted(latest) if latest[step].text)


def load_all(folders: Iterable[Path]) -> tuple[Note, ...]:
    """The notes of several recordings, by step; those that are alike are one.

    Raises:
        DynvizError: A file cannot be read.
    """
    return tuple(sorted({note for folder in folders for note in load(folder)}, key=lambda note: (note.step, note.text)))


def write(folder: Path, note: Note) -> None:
    """Make a note, in place of one at the same step.

    Raises:
        DynvizError: It is too long, or cannot be written.
    """
    if len(note.text) > LONGEST_TEXT:
        raise DynvizError(f"a note has at most {LONGEST_TEXT} characters, not {len(note.text)}")
    line = json.dumps(asdict(note)).encode() + b"\n"
    # Two players may write at once.
    with disk.locked(folder, layout.NOTES, LONGEST + 1) as (descriptor, data):
        # What a crash cut off, or left as zeros, ends there.
        end = len(whole_lines(data))
        if end + len(line) > LONGEST:
            raise DynvizError(f"{folder / layout.NOTES} would be longer than {LONGEST >> 20} MiB")
        disk.write_at(descriptor, line, end)
        os.ftruncate(descriptor, end + len(line))
        os.fsync(descriptor)


def _read(line: bytes) -> Note | None:
    try:
        return _NOTE(json.loads(line))
    except (Misfit, ValueError, RecursionError):
        return None
