"""A model of what a power loss leaves: what was written, named and synced, and every state of a disk that it allows.

Data that was not synced may be there, missing, zeros, or torn at the borders of blocks; names that their folder was
not synced after may be missing, from some operation on. What was synced is there.
"""

import itertools
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

BLOCK = 512


@dataclass(frozen=True)
class Write:
    """Bytes that a file got."""

    file: int
    offset: int
    data: bytes


@dataclass(frozen=True)
class Name:
    """A name in a folder that got another meaning: a file or folder, or None where it was removed."""

    folder: int
    name: str
    node: int | None
    # Where it had been, of a name that was moved.
    before: tuple[int, str] | None = None


@dataclass(frozen=True)
class Sync:
    """A file or folder of which all operations before a place in the list are on the disk."""

    node: int
    until: int


@dataclass
class Disk:
    """Records what a process does below a folder."""

    root: Path
    log: list[Write | Name | Sync] = field(default_factory=list)
    folders: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._ids = itertools.count(1)
        # Numbers of inodes are used again, ours are not.
        self._nodes = {self.root.stat().st_ino: 0}
        self.folders.add(0)

    def record(self, monkeypatch) -> None:
        """Listen to the functions of `os` that change a disk."""
        for name in ("open", "mkdir", "pwrite", "replace", "rename", "unlink", "rmdir", "fsync", "fdatasync"):
            monkeypatch.setattr(os, name, getattr(self, f"_{name.replace('fdata', 'f')}")(getattr(os, name)))

    def _open(self, real):
        def call(path, flags, mode=0o777, *, dir_fd=None):
            with self._lock:
                place = self._place(path, dir_fd) if flags & os.O_CREAT else None
                there = place is None or self._stat(path, dir_fd) is not None
                fd = real(path, flags, mode, dir_fd=dir_fd)
                if place and not there:
                    self._name(place, os.fstat(fd).st_ino)
                return fd

        return call

    def _mkdir(self, real):
        def call(path, mode=0o777, *, dir_fd=None):
            with self._lock:
                real(path, mode, dir_fd=dir_fd)
                if place := self._place(path, dir_fd):
                    self.folders.add(self._name(place, self._stat(path, dir_fd).st_ino))

        return call

    def _pwrite(self, real):
        def call(fd, data, offset):
            with self._lock:
                done = real(fd, data, offset)
                if (node := self._nodes.get(os.fstat(fd).st_ino)) is not None:
                    self.log.append(Write(node, offset, bytes(memoryview(data).cast("B")[:done])))
                return done

        return call

    def _rename(self, real):
        def call(source, target, *, src_dir_fd=None, dst_dir_fd=None):
            with self._lock:
                before, after = self._place(source, src_dir_fd), self._place(target, dst_dir_fd)
                if before:
                    node = self._nodes[self._stat(source, src_dir_fd).st_ino]
                    self._flush(node, source, src_dir_fd)
                real(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
                if before:
                    self.log.append(Name(*after, node, before))

        return call

    _replace = _rename

    def _unlink(self, real):
        def call(path, *, dir_fd=None):
            with self._lock:
                place, stat = self._place(path, dir_fd), self._stat(path, dir_fd)
                real(path, dir_fd=dir_fd)
                if place:
                    self._nodes.pop(stat.st_ino, None)
                    self.log.append(Name(*place, None))

        return call

    _rmdir = _unlink

    def _fsync(self, real):
        def call(fd):
            with self._lock:
                node = self._nodes.get(os.fstat(fd).st_ino)
                if node is not None and node not in self.folders:
                    self._flush(node, f"/proc/self/fd/{fd}", None)
                until = len(self.log)
            real(fd)
            with self._lock:
                if node is not None:
                    self.log.append(Sync(node, until))

        return call

    def _flush(self, node, path, dir_fd) -> None:
        """Note what was written to a file past `os`, as Python's own files do."""
        if node in self.folders or any(isinstance(each, Write) and each.file == node for each in self.log):
            return
        fd = os.open(path, os.O_RDONLY, dir_fd=dir_fd)
        self.log.append(Write(node, 0, os.pread(fd, 1 << 30, 0)))
        os.close(fd)

    def _stat(self, path, dir_fd):
        try:
            return os.stat(path, dir_fd=dir_fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _place(self, path, dir_fd):
        stat = os.stat(Path(path).parent, dir_fd=dir_fd)
        folder = self._nodes.get(stat.st_ino)
        return None if folder is None else (folder, Path(path).name)

    def _name(self, place, inode) -> int:
        node = self._nodes[inode] = next(self._ids)
        self.log.append(Name(*place, node))
        return node

    def synced(self, end: int, path: str) -> bool:
        """Whether a name that ends like this is on the disk after so many operations."""
        synced = {each.node: each.until for each in self.log[:end] if isinstance(each, Sync)}
        return any(
            isinstance(each, Name)
            and each.name == path
            and each.node is not None
            and index < synced.get(each.folder, 0)
            for index, each in enumerate(self.log[:end])
        )

    def crash(self, end: int, place: Path, random: Random | None) -> None:
        """Make what may be on the disk after so many operations; the least that may be where nothing is random."""
        synced: dict[int, int] = {}
        for each in self.log[:end]:
            if isinstance(each, Sync):
                synced[each.node] = max(each.until, synced.get(each.node, 0))
        entries = self._entries(end, synced, random)
        self._make(
            0, place, entries, {node: self._bytes(node, end, synced.get(node, 0), random) for node in self._files()}
        )

    def _files(self) -> set[int]:
        return {each.file for each in self.log if isinstance(each, Write)}

    def _entries(self, end, synced, random) -> dict[int, dict[str, int]]:
        reach = {}
        for folder in self.folders:
            least = synced.get(folder, 0)
            reach[folder] = end if random and random.random() < 0.4 else random.randint(least, end) if random else least
        entries: dict[int, dict[str, int]] = {folder: {} for folder in self.folders}
        for index, each in enumerate(self.log[:end]):
            if not isinstance(each, Name) or index >= reach[each.folder]:
                continue
            if each.before:
                entries[each.before[0]].pop(each.before[1], None)
            if each.node is None:
                entries[each.folder].pop(each.name, None)
            else:
                entries[each.folder][each.name] = each.node
        return entries

    def _bytes(self, node, end, synced, random) -> bytes:
        old = bytearray()
        new = bytearray()
        writes = [(i, w) for i, w in enumerate(self.log[:end]) if isinstance(w, Write) and w.file == node]
        late = [i for i, _ in writes if i >= synced]
        # Of what was not synced a part may have been written back, up to some moment.
        last = random.choice([*late, end]) if random and late else end
        for index, write in writes:
            for data in (old,) * (index < synced) + (new,) * (index < synced or index <= last):
                if len(data) < write.offset + len(write.data):
                    data.extend(bytes(write.offset + len(write.data) - len(data)))
                data[write.offset : write.offset + len(write.data)] = write.data
        if random is None or not late:
            return bytes(old)
        kind = random.choice(["old", "new", "zeros", "torn"])
        if kind in {"old", "new"}:
            return bytes(old if kind == "old" else new)
        size = random.choice([len(new), random.randint(min(len(old), len(new)), len(new))])
        mixed = bytearray(max(size, len(old)))
        mixed[: len(old)] = old
        for start in range(0, len(mixed), BLOCK):
            if kind == "torn" and random.random() < 0.5:
                mixed[start : start + BLOCK] = new[start : min(start + BLOCK, len(mixed))].ljust(
                    min(BLOCK, len(mixed) - start), b"\0"
                )
        return bytes(mixed)

    def _make(self, folder, place, entries, content) -> None:
        place.mkdir(parents=True, exist_ok=True)
        for name, node in entries[folder].items():
            if node in self.folders:
                self._make(node, place / name, entries, content)
            else:
                (place / name).write_bytes(content.get(node, b""))
