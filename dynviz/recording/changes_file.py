"""changes.jsonl in a recording: writing it, following its growth, and checking it against checkpoints."""

import contextlib
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
        """Append a change, overwriting any torn line left by a killed process."""
        path = self._folder.path / layout.CHANGES
        line = change.line()
        try:
            descriptor = self._folder.open(layout.CHANGES, os.O_RDWR | os.O_CREAT)
            try:
                self._append(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise disk.unwritable(path, error) from error

    def _append(self, descriptor: int, line: bytes) -> None:
        data = os.pread(descriptor, files.JSON_BYTES + 1, 0)
        end = len(whole_lines(data))
        if len(data) > files.JSON_BYTES or end + len(line) > files.JSON_BYTES:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        try:
            os.ftruncate(descriptor, end)
            disk.write_at(descriptor, line, end)
            sync_file(descriptor)
            sync_folder(self._folder.fd)
        except OSError:
            # A line that may not have reached the disk must not count later.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, end)
            raise


def checksum(folder: Path) -> Checksum:
    """The checksum of all changes so far.

    Raises:
        DynvizError: The file cannot be read.
    """
    return Checksum.of(changes.lines(folder / layout.CHANGES))


def check_intact(folder: Path) -> None:
    """Check that no change covered by a checkpoint is lost or altered, before building on it.

    Changes were requested during training: unlike samples and events, they cannot be reproduced.

    Raises:
        DynvizError: One is.
    """
    changes.load(folder)
    for step in reversed(checkpoint.steps(folder)):
        try:
            known = checkpoint.checksums(folder, step).get(layout.CHANGES)
        except DynvizError:
            # The checkpoint itself is damaged; earlier ones still cover the changes before them.
            continue
        path = folder / layout.CHANGES
        if known is not None and not known.begins(changes.lines(path)):
            raise DynvizError(
                f"{path} is not what was written: a change from before step {step} is lost or altered; put back a copy"
            )
        if known is not None:
            # Lines are only ever appended, so the newest checkpoint covers those of all earlier ones.
            return


def come_late(folder: Path, known: Checksum, step: int) -> bool:
    """Whether a change added after a checkpoint applies from before it, so that the state lacks its effect."""
    added = changes.lines(folder / layout.CHANGES)[known.covered :].count(b"\n")
    return bool(added) and any(change.step < step for change in changes.effective(changes.load(folder)[-added:]))


class ChangeReader:
    """Reads changes.jsonl again whenever it has changed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / layout.CHANGES
        self._seen: tuple[int, int] = (-1, -1)
        self._changes: tuple[Change, ...] = ()

    def read(self, count: int, lanes: Sequence[int] | None) -> tuple[Change, ...]:
        """The changes that took effect, sorted by step.

        Args:
            count: The number of lanes in the recording.
            lanes: The chosen lanes, renumbered from 0 in the result; None for all.

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
