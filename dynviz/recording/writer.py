"""Writing a recording, exclusively."""

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.recording import changes, changes_file, checkpoint, disk, inputs, layout, runjson
from dynviz.recording.arrays import write_npz
from dynviz.recording.changes import Change
from dynviz.recording.changes_file import ChangeLog
from dynviz.recording.events import Event
from dynviz.recording.held import HeldFiles
from dynviz.recording.metadata import Metadata, Status
from dynviz.recording.syncing import Background


class Writer:
    """The exclusive writer of a recording; obtained from `create`, `resume` or `claim`.

    A killed process leaves a readable recording with every sample for which `write` returned. After a power loss,
    everything that a checkpoint covers is there: channels and events are synced before the checkpoint gets its name.

    Every method raises DynvizError if the disk is full, gone or read-only; earlier data stays readable.

    Attributes:
        folder: The recording's folder.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from dynviz.recording.metadata import ChannelInfo, Lane, Metadata, Named
        >>> channels = {"loss": ChannelInfo(every=1, dtype="<f4")}
        >>> metadata = Metadata(Named("bowl"), Named("sgd"), "sgd", 0, {}, (), (Lane(0), Lane(1)), 3, channels)
        >>> folder = Path(tempfile.mkdtemp(), "sgd")
        >>> with Writer.create(folder, metadata) as writer:
        ...     writer.write("loss", 0, np.array([[4, 4], [2, 1], [1, 0.25]], np.float32))
        ...     writer.event(2, 1, "converged", 0.25)
        >>> with Writer.resume(folder) as writer:
        ...     writer.write("loss", 3, np.array([[0.5, 0]], np.float32))
        ...     writer.status("finished")
        >>> np.load(folder / "channels" / "loss.npy").tolist()
        [[4.0, 4.0], [2.0, 1.0], [1.0, 0.25], [0.5, 0.0]]
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._metadata: Metadata
        # Of a claimed recording: the metadata on disk, and the number of samples that channels keep on `begin`.
        self._stored: Metadata
        self._kept: dict[str, int] = {}
        self._files = HeldFiles(folder)
        self._background = Background()

    @classmethod
    def create(cls, folder: Path | str, metadata: Metadata) -> "Writer":
        """Create a recording in a folder that must not exist yet; missing parents are created.

        run.json is written last, so that a folder with it is a complete recording. On failure, nothing is left behind.
        """
        writer = cls(Path(folder))
        disk.make_folder(writer.folder)
        try:
            writer._files.acquire(make=True)
            writer._files.open(metadata, new=True)
            inputs.keep(writer._files.folders[0], metadata.inputs)
            writer._sync()
            writer._files.sync_folders()
            writer._save(metadata)
        except BaseException:
            writer.close()
            shutil.rmtree(writer.folder, ignore_errors=True)
            raise
        return writer

    @classmethod
    def resume(cls, folder: Path | str, *, steps: int | None = None) -> "Writer":
        """Continue a recording: `claim` it, then `begin`."""
        writer = cls.claim(folder, steps=steps)
        try:
            writer.begin()
        except BaseException:
            writer.close()
            raise
        return writer

    @classmethod
    def claim(cls, folder: Path | str, *, steps: int | None = None) -> "Writer":
        """Lock a recording in order to continue it; nothing is written before `begin`.

        Until then, queries already return what they will return after `begin`.

        Args:
            folder: The recording's folder.
            steps: The new length of the run, if longer than before. The last sample of a channel is dropped if it was
                taken at the former end rather than at a multiple of its `every`.

        Raises:
            DynvizError: There is no recording, another writer has it, it is damaged or cannot be written, or `steps`
                is less than before.
        """
        writer = cls(Path(folder))
        runjson.load(writer.folder)
        try:
            writer._files.acquire(make=False)
            metadata = runjson.load(writer.folder)
            runjson.check_intact(writer.folder)
            changes_file.check_intact(writer.folder)
            disk.check_writable(writer.folder, layout.CHANNELS, layout.CHECKPOINTS)
            writer._files.open(metadata, new=False)
            writer._stored = writer._metadata = metadata
            if steps is not None and steps != metadata.steps:
                writer._kept = writer._shortened(metadata, steps)
                writer._metadata = replace(metadata, steps=steps)
        except BaseException:
            writer.close()
            raise
        return writer

    def begin(self) -> None:
        """Start writing to a claimed recording; its status becomes `running`.

        The recording can be resumed even if this is interrupted at any point.
        """
        longer = self._metadata
        for channel in self._files.channels.values():
            channel.count_all()
        if self._kept:
            # While the last samples are removed, the recording is no longer finished, but not yet longer either.
            self._save(self._stored.with_status("running"))
            for name, count in self._kept.items():
                self._files.channels[name].cut(count)
            self._kept = {}
        self._save(longer.with_status("running"))

    def _shortened(self, metadata: Metadata, steps: int) -> dict[str, int]:
        """The number of samples to keep, for channels that lose the last one when the run is extended."""
        if steps < metadata.steps:
            raise DynvizError(
                f"{self.folder} is a run of {metadata.steps} steps and cannot be shortened to {steps}: "
                f"give {metadata.steps} or more"
            )
        last = {name: info.samples(metadata.steps) for name, info in metadata.channels.items()}
        return {
            name: last[name] - 1
            for name, info in metadata.channels.items()
            if info.every and metadata.steps % info.every and self._files.channels[name].count >= last[name]
        }

    def amend(self, metadata: Metadata) -> None:
        """Replace the metadata: another planned length, or more channels, whose files are made."""
        self._files.add(metadata)
        self._save(metadata)

    def _save(self, metadata: Metadata) -> None:
        runjson.save(self._files.folders[0], metadata)
        self._metadata = metadata

    @property
    def metadata(self) -> Metadata:
        """The metadata of the recording."""
        return self._metadata

    def write(self, name: str, index: int, block: NDArray[Any]) -> None:
        """Write samples index, index + 1, ... of a channel, overwriting existing ones.

        Args:
            name: The channel.
            index: The index of the first sample in the block, at most `samples(name)`.
            block: The samples [samples, lanes, ...], C-contiguous, of the channel's dtype.

        Raises:
            ValueError: The block is of another type or shape, or would leave a gap.
        """
        self._files.channels[name].write(index, block)

    def samples(self, name: str) -> int:
        """The number of samples of a channel."""
        count = self._files.channels[name].count
        return min(count, self._kept.get(name, count))

    def event(self, step: int, lane: int, kind: str, value: float | None = None) -> None:
        """Record an event; a value that is not finite is written as null."""
        self._files.events.append(Event(step, lane, kind, value))

    def change(self, change: Change) -> None:
        """Record a change of a hyperparameter durably, before it takes effect."""
        ChangeLog(self._files.folders[0]).append(change)

    def changes(self) -> tuple[Change, ...]:
        """The changes recorded so far, see `dynviz.recording.changes`."""
        return changes.load(self.folder)

    def drop_events(self, after: int) -> None:
        """Remove the events after a step, which training will reach again."""
        self._files.events.drop(after)

    def checkpoint(
        self, step: int, arrays: Mapping[str, NDArray[Any]], covered: Mapping[str, int] | None = None
    ) -> None:
        """Save the state of training after a step, atomically.

        The file is put in place in the background, once everything it covers is on the disk; an error there is raised
        by the next call of `checkpoint`, `status` or `close`.

        Args:
            step: The step.
            arrays: The state.
            covered: The number of samples that it covers, by channel; by default all.
        """
        known = covered or {}
        sums = {
            name: channel.checksum(known.get(name, channel.count)) for name, channel in self._files.channels.items()
        }
        sums[layout.EVENTS] = self._files.events.checksum()
        with contextlib.suppress(DynvizError):
            # A file of changes that cannot be read ends no training; resuming will say what is wrong with it.
            sums[layout.CHANGES] = changes_file.checksum(self.folder)
        packed = write_npz(
            {**arrays, **{f"{checkpoint.SUMS}{name}": checksum.to_array() for name, checksum in sums.items()}}
        )

        def keep() -> None:
            self._sync()
            checkpoint.save(self._files.folders[2], step, packed)

        self._background.start(keep)

    def _sync(self) -> None:
        """Flush channels and events to the disk."""
        try:
            self._background.sync(self._files.changed())
        except OSError as error:
            raise disk.unwritable(self.folder, error) from error

    def load_checkpoint(self, step: int) -> dict[str, NDArray[Any]]:
        """The arrays that were passed to `checkpoint` at a step.

        Raises:
            DynvizError: There is none, it is damaged, or samples or events that it stands on are not there.
        """
        self._background.wait()
        sums = checkpoint.checksums(self.folder, step)
        known = sums.pop(layout.CHANGES, None)
        if known is not None and changes_file.come_late(self.folder, known, step):
            raise DynvizError(f"{self.folder}: {layout.CHANGES} has gained changes from before step {step}")
        for name, checksum in sums.items():
            part = self._files.events if name == layout.EVENTS else self._files.channels.get(name)
            if part is not None and not part.holds(checksum):
                raise DynvizError(f"{self.folder}: {name} is not what it was at step {step}")
        return checkpoint.load(self.folder, step)

    def checkpoints(self) -> tuple[int, ...]:
        """The steps with a checkpoint, in ascending order."""
        self._background.wait()
        return checkpoint.steps(self.folder)

    def status(self, status: Status, error: str = "") -> None:
        """Set the status of the recording, once everything written is on the disk."""
        self._background.wait()
        self._sync()
        self._save(self._metadata.with_status(status, error))

    def close(self) -> None:
        """Close all files, and release the lock last. Closing twice is harmless."""
        try:
            self._background.close()
        finally:
            self._files.close()

    def __enter__(self) -> "Writer":
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the writer without changing the status: a block that fails must set it, or counts as killed."""
        self.close()
