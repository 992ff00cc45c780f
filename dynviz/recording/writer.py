"""The only one who writes a recording."""

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
    """Writes a recording, as the only one; made by `create`, `resume` or `claim`.

    A process that is killed leaves a readable recording with every sample that `write` returned from. After a power
    loss all that a checkpoint stands on is there: channels and events are synced before it gets its name.

    Every method raises DynvizError where the disk is full, gone or read-only; what was written before stays readable.

    Attributes:
        folder: The recording's.

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
        # What run.json says of a recording that is claimed, and the samples that channels keep when it begins.
        self._stored: Metadata
        self._kept: dict[str, int] = {}
        self._files = HeldFiles(folder)
        self._background = Background()

    @classmethod
    def create(cls, folder: Path | str, metadata: Metadata) -> "Writer":
        """Begin a recording in a folder that must not exist; its parents are made.

        run.json comes last: a folder that has it is a whole recording. When it cannot be made, nothing is left.
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
        """Go on with a recording: `claim` it, and `begin`."""
        writer = cls.claim(folder, steps=steps)
        try:
            writer.begin()
        except BaseException:
            writer.close()
            raise
        return writer

    @classmethod
    def claim(cls, folder: Path | str, *, steps: int | None = None) -> "Writer":
        """Take a recording that is to be gone on with, as the only one; nothing is written before `begin`.

        What is asked of the writer meanwhile is answered as it will be afterwards.

        Args:
            folder: The recording's.
            steps: How long the run is meant to be now, if longer than before. The last sample of a channel is lost
                where it sat at the former end and not at a multiple of its `every`.

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
        """Make a claimed recording one that is written; its status becomes `running`.

        Whenever this is interrupted, the recording can be gone on with.
        """
        longer = self._metadata
        for channel in self._files.channels.values():
            channel.count_all()
        if self._kept:
            # Without its last samples it is not finished any more, and not yet longer either.
            self._save(self._stored.with_status("running"))
            for name, count in self._kept.items():
                self._files.channels[name].cut(count)
            self._kept = {}
        self._save(longer.with_status("running"))

    def _shortened(self, metadata: Metadata, steps: int) -> dict[str, int]:
        """How many samples remain, by channel, of those that lose the last one when the run becomes longer."""
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

    def _save(self, metadata: Metadata) -> None:
        runjson.save(self._files.folders[0], metadata)
        self._metadata = metadata

    @property
    def metadata(self) -> Metadata:
        """What run.json says."""
        return self._metadata

    def write(self, name: str, index: int, block: NDArray[Any]) -> None:
        """Write samples index, index + 1, ... of a channel; those that are there already are overwritten.

        Args:
            name: The channel.
            index: Of the first sample of the block, at most `samples(name)`.
            block: [samples, lanes, ...], C-contiguous, of the channel's dtype.

        Raises:
            ValueError: The block is of another type or shape, or would leave a gap.
        """
        self._files.channels[name].write(index, block)

    def samples(self, name: str) -> int:
        """How many samples of a channel there are."""
        count = self._files.channels[name].count
        return min(count, self._kept.get(name, count))

    def event(self, step: int, lane: int, kind: str, value: float | None = None) -> None:
        """Write down that something happened; a value that is not finite is written as null."""
        self._files.events.append(Event(step, lane, kind, value))

    def change(self, change: Change) -> None:
        """Write down that a hyperparameter changes, on the disk before it does."""
        ChangeLog(self._files.folders[0]).append(change)

    def changes(self) -> tuple[Change, ...]:
        """What was written down so far, see `dynviz.recording.changes`."""
        return changes.load(self.folder)

    def drop_events(self, after: int) -> None:
        """Remove the events of steps after this one, which training will come to again."""
        self._files.events.drop(after)

    def checkpoint(
        self, step: int, arrays: Mapping[str, NDArray[Any]], covered: Mapping[str, int] | None = None
    ) -> None:
        """Keep the state of training after a step; it is there whole or not at all.

        It is named in the background, when all that it stands on is on the disk; an error there is raised by the next
        call of `checkpoint`, `status` or `close`.

        Args:
            step: The step.
            arrays: The state.
            covered: How many samples of each channel it stands on; all of them where it is not said.
        """
        known = covered or {}
        sums = {
            name: channel.checksum(known.get(name, channel.count)) for name, channel in self._files.channels.items()
        }
        sums[layout.EVENTS] = self._files.events.checksum()
        sums[layout.CHANGES] = changes_file.checksum(self.folder)
        packed = write_npz({**arrays, **{f"{checkpoint.SUMS}{name}": each.to_array() for name, each in sums.items()}})

        def keep() -> None:
            self._sync()
            checkpoint.save(self._files.folders[2], step, packed)

        self._background.start(keep)

    def _sync(self) -> None:
        """Force channels and events to the disk."""
        try:
            self._background.sync(self._files.changed())
        except OSError as error:
            raise disk.unwritable(self.folder, error) from error

    def load_checkpoint(self, step: int) -> dict[str, NDArray[Any]]:
        """The arrays that `checkpoint` was given at that step.

        Raises:
            DynvizError: There is none, it is damaged, or samples or events that it stands on are not there.
        """
        self._background.wait()
        sums = checkpoint.checksums(self.folder, step)
        known = sums.pop(layout.CHANGES, None)
        if known is not None and changes_file.come_late(self.folder, known, step):
            raise DynvizError(f"{self.folder}: {layout.CHANGES} has got changes from before step {step}")
        for name, checksum in sums.items():
            part = self._files.events if name == layout.EVENTS else self._files.channels.get(name)
            if part is not None and not part.holds(checksum):
                raise DynvizError(f"{self.folder}: {name} is not what it was at step {step}")
        return checkpoint.load(self.folder, step)

    def checkpoints(self) -> tuple[int, ...]:
        """The steps that have a checkpoint, ascending."""
        self._background.wait()
        return checkpoint.steps(self.folder)

    def status(self, status: Status, error: str = "") -> None:
        """Say how the recording stands, when all that it says is on the disk."""
        self._background.wait()
        self._sync()
        self._save(self._metadata.with_status(status, error))

    def close(self) -> None:
        """Let go of all files, and of the lock last. Closing twice is harmless."""
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
        """Close it. The status stays what it was: a block that fails says so itself, or counts as killed."""
        self.close()
