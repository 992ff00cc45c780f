"""The files that a writer holds open: locked, opened and closed together."""

import os
from pathlib import Path

from dynviz.recording import layout, lock
from dynviz.recording.channel import GrowingChannel
from dynviz.recording.disk import Folder
from dynviz.recording.events import EventLog
from dynviz.recording.metadata import Metadata
from dynviz.recording.syncing import sync_folder


class HeldFiles:
    """The lock, folders, channels and events of a recording.

    Attributes:
        folder: The recording's folder.
        folders: The recording's folder and its subfolders for channels and checkpoints; empty unless held.
        channels: The channels, by name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folders: list[Folder] = []
        self.channels: dict[str, GrowingChannel] = {}
        self._lock = -1
        self._events: EventLog | None = None

    def acquire(self, *, make: bool) -> None:
        """Take the lock and open the folders, creating the subfolders if `make` is set.

        Raises:
            DynvizError: Another writer holds the lock, or the folders cannot be written.
        """
        root = Folder(self.folder)
        self.folders.append(root)
        self._lock = lock.acquire(root)
        self.folders += [root.folder(name, make=make) for name in (layout.CHANNELS, layout.CHECKPOINTS)]

    def open(self, metadata: Metadata, *, new: bool) -> None:
        """Open the channels listed in the metadata, and the events."""
        root = self.folders[0]
        self._open(metadata, new=new)
        if new or os.path.lexists(self.folder / layout.EVENTS):
            self._events = EventLog(root)
            self._events.check()

    def add(self, metadata: Metadata) -> None:
        """Create the channels that are not held yet."""
        self._open(metadata, new=True)

    def _open(self, metadata: Metadata, *, new: bool) -> None:
        lanes = len(metadata.lanes)
        for name, info in metadata.channels.items():
            if name in self.channels:
                continue
            self.channels[name] = GrowingChannel(self.folders[1], name, info.dtype, (lanes, *info.shape), new=new)

    @property
    def events(self) -> EventLog:
        """The event log; its file is created if there is none yet."""
        if self._events is None and self._lock >= 0:
            self._events = EventLog(self.folders[0])
        if self._events is None:
            raise ValueError(f"the writer of {self.folder} is closed")
        return self._events

    def changed(self) -> list[int]:
        """The descriptors of channels written since the last call, and of the events."""
        changed = [channel for channel in self.channels.values() if channel.changed]
        for channel in changed:
            # Cleared before the sync, because training may write during it.
            channel.changed = False
        return [channel.fd for channel in changed] + ([self._events.fd] if self._events else [])

    def sync_folders(self) -> None:
        """Flush the directory entries of the files to the disk."""
        for folder in self.folders:
            sync_folder(folder.fd)

    def close(self) -> None:
        """Close everything, the lock last. Closing twice is harmless."""
        for channel in self.channels.values():
            channel.close()
        self.channels.clear()
        if self._events is not None:
            self._events.close()
            self._events = None
        for folder in self.folders:
            folder.close()
        self.folders.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
