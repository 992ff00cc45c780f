"""The state of a recording after any of its steps, replayed from a checkpoint and compared with the recording."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.trust import Trusted
from dynviz.recording import Recording, changes, changes_file, checking, files, layout, runjson
from dynviz.recording.changes import Change
from dynviz.recording.metadata import Metadata, Status
from dynviz.training.preparation import PreparedRecording, rebuild
from dynviz.training.trainer import Trainer


class Comparison:
    """Substitute for a recording's writer: compares samples with the recorded ones, and writes nothing.

    Attributes:
        folder: The recording's.
        metadata: The metadata of the recording.
        difference: The first difference, in words; empty if there is none.
    """

    def __init__(self, recording: Recording, at: int) -> None:
        """Compare with a recording, from its last checkpoint at or before a step."""
        self.folder = recording.folder
        self.metadata: Metadata = recording.metadata
        self.difference = ""
        self._recording = recording
        self._at = at

    def begin(self) -> None:
        """Do nothing."""

    def samples(self, name: str) -> int:
        """The number of samples of a channel."""
        return len(self._recording[name])

    def write(self, name: str, index: int, block: NDArray[Any]) -> None:
        """Compare samples index, index + 1, ... with those recorded so far."""
        recorded = np.asarray(self._recording[name][index : index + len(block)])
        replayed = block[: len(recorded)]
        if self.difference or replayed.tobytes() == recorded.tobytes():
            return
        different = (replayed != recorded) & ~(np.isnan(replayed) & np.isnan(recorded))
        row = int(np.argmax(different.reshape(len(replayed), -1).any(axis=1))) if different.any() else 0
        step = int(self._recording.steps(name)[index + row])
        with np.errstate(invalid="ignore", over="ignore"):
            size = np.nanmax(np.abs(replayed[row].astype(np.float64) - recorded[row]), initial=0.0)
        self.difference = f"{name} differs at step {step}, by up to {size:.3g}"

    def event(self, step: int, lane: int, kind: str, value: float | None = None) -> None:
        """Do nothing, since events are recorded already."""

    def change(self, change: Change) -> None:
        """Do nothing, since changes are recorded already."""

    def changes(self) -> tuple[Change, ...]:
        """The changes of the recording."""
        return changes.load(self.folder)

    def drop_events(self, after: int) -> None:
        """Drop nothing."""

    def checkpoints(self) -> tuple[int, ...]:
        """The steps from which the replay may begin."""
        return tuple(step for step in self._recording.checkpoints() if step <= self._at)

    def load_checkpoint(self, step: int) -> dict[str, NDArray[Any]]:
        """The state of training at a checkpoint; the data before it will be copied, so it must be intact."""
        checking.check_checkpoint(self._recording, step)
        return self._recording.checkpoint(step)

    def checkpoint(
        self, step: int, arrays: Mapping[str, NDArray[Any]], covered: Mapping[str, int] | None = None
    ) -> None:
        """Store nothing."""

    def amend(self, metadata: Metadata) -> None:
        """Nothing is changed."""

    def status(self, status: Status, error: str = "") -> None:
        """Report nothing."""

    def close(self) -> None:
        """Release nothing."""


@frozen(kw_only=True)
class Replay:
    """The state of a recording's training after a step.

    Attributes:
        recording: The recording, with all of its lanes.
        prepared: Its lanes, in that state.
        step: The step; if blocks of steps are compiled, the last boundary of a block up to the requested step.
        state: Everything that the next step depends on, as a tree; see `Trainer.state`.
        covered: The number of samples of each channel from before that state.
        difference: Where the replay differed from the recording, in words; empty if it did not.
        sha256: The hash of the recording's run.json.
    """

    recording: Recording
    prepared: PreparedRecording
    step: int
    state: dict[str, Any]
    covered: Mapping[str, int]
    difference: str
    sha256: str


def replay(folder: Path, at: int, trusted: Trusted = (), *, inexact: bool = False) -> Replay:
    """Train again from the newest checkpoint up to a step, in memory. The recording may still be written meanwhile.

    Args:
        folder: The recording's.
        at: The step.
        trusted: Code that may run besides bundled code, see `dynviz.plugins.trust`.
        inexact: Whether to continue even if the replay differs from the recording.

    Raises:
        DynvizError: The step is not recorded yet, a lane has diverged before it, or the replay differs: it was trained
            with another torch, processor or file.
    """
    recording = Recording(folder)
    sha256 = hashlib.sha256(files.read(folder / layout.METADATA)).hexdigest()
    if not 0 <= at <= recording.recorded:
        raise DynvizError(f"step {at} of {folder} is not recorded; there are steps 0 to {recording.recorded}")
    for file in (runjson, changes_file):
        file.check_intact(folder)
    prepared = rebuild(recording, None, trusted)
    comparison = Comparison(recording, at)
    trainer = Trainer(prepared.lanes, comparison, prepared.blocks)
    trainer.rewind()
    edge = trainer.edge(at)
    if trainer.step > edge:
        raise DynvizError(f"{folder} has no checkpoint from which step {edge} could be reached")
    while trainer.step < edge:
        trainer.advance(edge - trainer.step)
        if comparison.difference and not inexact:
            raise DynvizError(
                f"{folder} cannot be continued from step {edge} exactly: {comparison.difference} when it is trained "
                f"again here; --inexact continues anyway, and records that it did"
            )
    covered = trainer.covered()
    late = [name for name, count in covered.items() if len(recording[name]) < count]
    if late:
        raise DynvizError(f"{late[0]} of {folder} is not recorded up to step {edge} yet")
    return Replay(
        recording=recording,
        prepared=prepared,
        step=edge,
        state=trainer.state(),
        covered=covered,
        difference=comparison.difference,
        sha256=sha256,
    )
