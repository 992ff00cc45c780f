"""Training once more what a picture shows: runs, the forks of runs, and what was measured around their parameters."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dynviz.animation.recipe import RecordedFork, RecordedMeasurement, RecordedRun
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.trust import Trusted
from dynviz.projection import curvature
from dynviz.projection.project import Wish, project
from dynviz.recording import Recording, Writer, schema
from dynviz.recording.schema import list_of, number, optional, record, text, whole
from dynviz.recording.values import encode
from dynviz.remaking.crew import DEVICE, train_together
from dynviz.remaking.needed import needed
from dynviz.remaking.shared import SharedRecordings
from dynviz.training import devices
from dynviz.training.forking import fork
from dynviz.training.launch import begin, lay_out
from dynviz.training.preparation import PreparedRecording, changed, planned
from dynviz.training.session import Progress, train

MANY = 8
"""From so many runs on they are trained in several processes, each of which takes seconds to start."""
_COUNT, _LANE = whole(1, 1 << 12), whole(0, schema.LANES)
_WISH = record(
    Wish,
    directions=text,
    dimensions=_COUNT,
    grid=_COUNT,
    extent=optional(number),
    at=optional(whole(0, schema.STEPS)),
    losses=list_of(text),
    lane=_LANE,
    seed=whole(0, 2**64),
    batches=_COUNT,
)
_LOOK = record(
    curvature.Look,
    samples=_COUNT,
    eigenvalues=_COUNT,
    loss=text,
    ways=_COUNT,
    reach=optional(number),
    radii=_COUNT,
    lane=_LANE,
    batches=_COUNT,
)


@frozen
class TrainingAgain:
    """What is trained, folder by folder.

    Attributes:
        folders: The recordings of each folder, by its name, in the order in which they are trained.
        ready: Those that are no forks as they were before their first steps, by folder and label.
        trust: Code that may run besides bundled code.
    """

    folders: dict[str, list[RecordedRun]]
    ready: dict[tuple[str, str], PreparedRecording]
    trust: Trusted

    @classmethod
    @devices.reproducible()
    def of(cls, recorded: Sequence[RecordedRun], trust: Trusted) -> "TrainingAgain":
        """Prepare some recordings and all that they need.

        Raises:
            DynvizError: Code is not trusted or has changed, or there is no such device.
        """
        folders: dict[str, list[RecordedRun]] = {}
        for one in needed(recorded):
            for measured in one.measured:
                _asked(measured)
            folders.setdefault(one.folder, []).append(one)
        ready = {
            (one.folder, one.metadata.label): _prepared(one, trust)
            for runs in folders.values()
            for one in runs
            if one.fork is None
        }
        return cls(folders, ready, trust)

    @property
    def prepared(self) -> list[PreparedRecording]:
        """All that are no forks."""
        return list(self.ready.values())

    def train(self, out: Path, progress: Progress, *, yes: bool, shared: SharedRecordings | None = None) -> None:
        """Train them in folders of this one; what was trained for another picture is taken from there."""
        if shared is None:
            self._train(out, progress, yes=yes)
            return
        missing = shared.take([one for runs in self.folders.values() for one in runs], out)
        apart = {one.folder for one in missing}
        folders = {name: runs for name, runs in self.folders.items() if name in apart}
        replace(self, folders=folders)._train(out, progress, yes=yes)
        shared.keep(missing, out)

    def _train(self, out: Path, progress: Progress, *, yes: bool) -> None:
        together = self._independent()
        for one in together:
            lay_out([out / one.folder], [self.ready[one.folder, one.metadata.label]])
        if together:
            train_together(out, together, self.trust, progress)
        trained = {one.folder for one in together}
        for name, runs in self.folders.items():
            if name in trained:
                continue
            folder = out / name
            forks = [one for one in runs if one.fork is not None]
            if forks:
                self._fork(out, forks, progress, yes=yes)
                continue
            ready = [self.ready[name, one.metadata.label] for one in runs]
            lay_out([folder], ready)
            for one in runs:
                with Writer.resume(folder / one.metadata.label) as writer:
                    for change in one.changes:
                        writer.change(change)
            train(folder, begin(folder, ready), progress)

    def _independent(self) -> list[RecordedRun]:
        """Runs that are trained at the same time, if there are many: the jobs of a sweep."""
        alone = [runs[0] for runs in self.folders.values() if len(runs) == 1]
        jobs = [one for one in alone if one.fork is None and not one.changes and one.metadata.device == DEVICE]
        return jobs if len(jobs) >= MANY else []

    def _fork(self, out: Path, runs: Sequence[RecordedRun], progress: Progress, *, yes: bool) -> None:
        """Fork one recording, or all of a run at once."""
        first = runs[0].fork
        assert first is not None
        options = {name: first.changes[name] for name in ("state", "schedule", "steps") if name in first.changes}
        values = {name: value for name, value in first.changes.items() if name not in options}
        fork(
            _source(out, first) if len(runs) == 1 else out / first.parent.folder,
            at=first.step,
            optimizer=first.optimizer or None,
            out=out / runs[0].folder,
            trust=self.trust,
            yes=yes,
            progress=progress,
            set=values,
            **options,
        )


def measure_again(
    recorded: Sequence[RecordedRun],
    recordings: Sequence[Recording],
    others: Sequence[Recording],
    trust: Trusted,
    progress: Progress,
) -> None:
    """Measure around the parameters of recordings what was measured there.

    Args:
        recorded: What is known of the recordings.
        recordings: The recordings, trained again.
        others: What directions lead to.
        trust: Code that may run besides bundled code.
        progress: Told what is measured.

    Raises:
        DynvizError: It cannot be measured.
    """
    for one, recording in zip(recorded, recordings, strict=True):
        for measured in one.measured:
            progress.does(f"{one.metadata.label}: measuring {measured.name}")
            # Lanes are counted over all that there are.
            whole_recording = Recording(recording.folder)
            wish = _asked(measured)
            if isinstance(wish, curvature.Look):
                curvature.evaluate(whole_recording, replace(wish, trust=trust)).save()
            else:
                goals = [others[place] for place in measured.goals]
                project(whole_recording, replace(wish, trust=trust), goals).save(recording.folder, measured.name)


def _asked(measured: RecordedMeasurement) -> Wish | curvature.Look:
    """What was asked for.

    Raises:
        DynvizError: It is not understood.
    """
    reader: schema.Reader[Wish | curvature.Look] = _LOOK if measured.kind == "sharpness" else _WISH
    return schema.check(reader, encode(measured.asked, "asked"), f"what {measured.name} was asked for")


def _source(out: Path, forked: RecordedFork) -> str:
    """The recording that a fork goes on from, or its lanes."""
    parent = forked.parent
    lanes = "" if len(forked.lanes) == len(parent.metadata.lanes) else f"@{','.join(map(str, forked.lanes))}"
    return f"{out / parent.folder / parent.metadata.label}{lanes}"


def _prepared(recorded: RecordedRun, trust: Trusted) -> PreparedRecording:
    """A recording as it was before its first step."""
    metadata = recorded.metadata
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "recording"
        with Writer.create(place, metadata):
            pass
        prepared = changed(planned(Recording(place), None, trust), metadata)
    for one in prepared.metadata.inputs:
        known = recorded.files.get(Path(one.path).name)
        if known is not None and known != one.sha256:
            raise DynvizError(f"{one.path} is not the file that the picture was made with")
    prepared.lanes.check(recorded.changes, place, steps=metadata.steps)
    return prepared
