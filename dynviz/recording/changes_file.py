"""changes.jsonl in a recording: written, read again as it grows, and compared with what checkpoints know of it."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording import changes, checkpoint, disk, files, layout
from dynviz.recording.changes import Change
from dynviz.recording.checksums import Checksum
from dynviz.recording.disk import Folder
from dynviz.recording.events import whole_lines
from dynviz.recording.syncing import sync_file, sync_folder


class ChangeLog:
    """changes.jsonl, open for writing; a line is on the disk before `append` returns."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def append(self, change: Change) -> None:
        """Write one down; a torn line that a kill has left is written over."""
        path = self._folder.path / layout.CHANGES
        line = change.line()
        try:
            descriptor = self._folder.open(layout.CHANGES, os.O_RDWR | os.O_CREAT)
            try:
                end = len(whole_lines(os.pread(descriptor, os.fstat(descriptor).st_size, 0)))
                os.ftruncate(descriptor, end)
                if end + len(line) > files.JSON_BYTES:
                    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
                disk.write_at(descriptor, line, end)
                sync_file(descriptor)
            finally:
                os.close(descriptor)
            sync_folder(self._folder.fd)
        except OSError as error:
            raise disk.unwritable(path, error) from error


def checksum(folder: Path) -> Checksum:
    """Of all changes that a recording has so far.

    Raises:
        DynvizError: The file cannot be read.
    """
    return Checksum.of(changes.lines(folder / layout.CHANGES))


def check_intact(folder: Path) -> None:
    """See that no change is lost or altered that a checkpoint stands on, before anything is made that rests on it.

    They were asked for while the run trained: unlike samples and events nothing makes them again.

    Raises:
        DynvizError: One is.
    """
    changes.load(folder)
    for step in reversed(checkpoint.steps(folder)):
        try:
            known = checkpoint.checksums(folder, step).get(layout.CHANGES)
        except DynvizError:
            # It is damaged itself; those before know the changes that came before them.
            continue
        path = folder / layout.CHANGES
        if known is not None and not known.begins(changes.lines(path)):
            raise DynvizError(
                f"{path} is not what was written: a change from before step {step} is lost or altered; put back a copy"
            )
        if known is not None:
            # Lines are only ever added: what the newest checkpoint knows, those before it know too.
            return


def come_late(folder: Path, known: Checksum, step: int) -> bool:
    """Whether a change was added since a checkpoint that counts from before it: its state is of a run without it."""
    added = changes.lines(folder / layout.CHANGES)[known.covered :].count(b"\n")
    return bool(added) and any(change.step < step for change in changes.effective(changes.load(folder)[-added:]))


class ChangeReader:
    """changes.jsonl, read again when it has changed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / layout.CHANGES
        self._seen: tuple[int, int] = (-1, -1)
        self._changes: tuple[Change, ...] = ()

    def read(self, count: int, lanes: Sequence[int] | None) -> tuple[Change, ...]:
        """Those that took effect, by step.

        Args:
            count: How many lanes the recording has.
            lanes: Those that are looked at, which then are counted from 0; None for all.

        Raises:
            DynvizError: The file is damaged.
        """
        try:
            file = self._path.stat()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise disk.unreadable(self._path, error) from error
        now = (file.st_ino, file.st_size)
        if now != self._seen:
            self._changes = changes.effective(changes.parse(self._path))
            self._seen = now
        for change in self._changes:
            if change.lane is not None and change.lane >= count:
                raise DynvizError(
                    f"{self._path} is damaged: it has a change of lane {change.lane}, "
                    f"and the recording has lanes 0 to {count - 1}"
                )
        return changes.of_lanes(self._changes, lanes)
