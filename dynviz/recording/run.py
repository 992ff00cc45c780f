"""A run: one scenario's recordings, by name."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dynviz import errors
from dynviz.errors import DynvizError
from dynviz.plugins import grammar
from dynviz.recording import disk, layout
from dynviz.recording.actions import Actions
from dynviz.recording.reader import Recording
from dynviz.text import clean

SWEEP = "sweep.json"
"""The file that a sweep's folder has; the folders of its runs stand beside it."""


class Run(Actions, Mapping[str, Recording]):
    """A run's folder, read: its recordings by label, in the order in which they were asked for.

    Attributes:
        folder: Where it is.
        problems: What is wrong with recordings in it that cannot be read; the others are there all the same.

    Example:
        >>> import tempfile
        >>> from dynviz.recording import Writer, open
        >>> from dynviz.recording.metadata import ChannelInfo, Lane, Metadata, Named
        >>> folder = Path(tempfile.mkdtemp(), "bowl-sgd-adam-1")
        >>> loss = {"loss": ChannelInfo(every=1, dtype="<f4")}
        >>> for order, name in enumerate(("sgd", "adam")):
        ...     metadata = Metadata(Named("bowl"), Named(name), name, order, {}, (), (Lane(0),), 10, loss)
        ...     Writer.create(folder / name, metadata).close()
        >>> run = open(folder)
        >>> list(run)
        ['sgd', 'adam']
        >>> run["adam"].status
        'killed'
    """

    def __init__(self, folder: Path | str, lanes: Sequence[int] | None = None) -> None:
        """Read its recordings, of each all lanes or those that are asked for.

        Raises:
            DynvizError: It is no run, or none of its recordings can be read or has such a lane.
        """
        self.folder = Path(folder)
        found: list[Recording] = []
        problems: list[DynvizError] = []
        for path in _recording_folders(self.folder):
            try:
                found.append(Recording(path, lanes))
            except DynvizError as error:
                problems.append(error)
        if not found:
            raise problems[0]
        self.problems = tuple(map(str, problems))
        self._recordings: dict[str, Recording] = {}
        for recording in sorted(found, key=lambda each: each.metadata.order):
            # A copy of a recording has its label too; then the folder's name tells them apart.
            taken = recording.label in self._recordings
            self._recordings[recording.folder.name if taken else recording.label] = recording

    def __repr__(self) -> str:
        """What is in it, in one line."""
        unread = f"; {len(self.problems)} cannot be read" if self.problems else ""
        return clean(f"<Run {self.folder.name}: {', '.join(self)}{unread}>")

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """All of them, in order."""
        return tuple(self._recordings.values())

    def __getitem__(self, name: str) -> Recording:
        """A recording by its label.

        Raises:
            DynvizError: There is none of that name.
        """
        if name not in self._recordings:
            raise errors.unknown("recording", name, self._recordings)
        return self._recordings[name]

    def __contains__(self, name: object) -> bool:
        """Whether there is a recording of that label."""
        return name in self._recordings

    def get(self, name: str, default: Any = None) -> Any:
        """A recording by its label, or the default."""
        return self._recordings.get(name, default)

    def __iter__(self) -> Iterator[str]:
        """The labels, in order."""
        return iter(self._recordings)

    def __len__(self) -> int:
        """How many recordings there are."""
        return len(self._recordings)


def open(source: Path | str) -> Run | Recording:
    """Read a folder: a run's gives a Run, a recording's a Recording.

    Args:
        source: The folder; `FOLDER@LANES` for some lanes only, `runs/bowl-sgd-1@0:4`, written like seeds.

    Raises:
        DynvizError: It is neither, or what is in it cannot be read, or there are no such lanes.
    """
    folder, lanes = _source(source)
    return Recording(folder, lanes) if (folder / layout.METADATA).exists() else Run(folder, lanes)


def open_all(sources: Iterable[Path | str], told: Callable[[str], None] | None = None) -> list[Recording]:
    """The recordings of several sources, those of runs in their order; a sweep's folder stands for all of its runs.

    Args:
        sources: Folders, as for `open`.
        told: Hears what is wrong with recordings of a run, and runs of a sweep, that are left out.

    Raises:
        DynvizError: As for `open`; or of a sweep no run can be read.
    """
    return [recording for source in sources for recording in _recordings(source, told or (lambda _: None))]


def _recordings(source: Path | str, told: Callable[[str], None]) -> list[Recording]:
    found: list[Recording] = []
    problem: DynvizError | None = None
    for member in _members(source):
        try:
            opened = open(member)
        except DynvizError as error:
            if member is source:
                raise
            problem = error
            told(f"left out: {error}")
            continue
        if isinstance(opened, Run):
            for words in opened.problems:
                told(f"left out: {words}")
        found += opened.values() if isinstance(opened, Run) else [opened]
    if problem and not found:
        raise problem
    return found


def is_sweep(folder: Path | str) -> bool:
    """Whether a folder is a sweep's: open_all takes it, and gives the recordings of its runs."""
    return (Path(folder) / SWEEP).is_file()


def _members(source: Path | str) -> list[Path | str]:
    """The source itself; of a sweep its runs, as far as they have begun, or the lanes of each that are named."""
    folder, lanes = _source(source)
    if not is_sweep(folder):
        return [source]
    runs = sorted(run for run in folder.iterdir() if any(run.glob(f"*/{layout.METADATA}")))
    if not runs:
        raise DynvizError(f"{folder} is a sweep of which no run has begun")
    return list(runs) if lanes is None else [f"{run}@{','.join(map(str, lanes))}" for run in runs]


def _source(source: Path | str) -> tuple[Path, tuple[int, ...] | None]:
    """The folder and the lanes that a source names."""
    folder, sign, lanes = str(source).rpartition("@")
    # A folder may have the sign in its name.
    if not sign or Path(source).exists():
        return Path(source), None
    return Path(folder), grammar.lanes(lanes)


def _recording_folders(folder: Path) -> list[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if (path / layout.METADATA).is_file())
    except FileNotFoundError as error:
        raise DynvizError(f"there is no folder {folder}") from error
    except NotADirectoryError as error:
        raise DynvizError(f"{folder} is a file: give the folder of a run or of a recording") from error
    except OSError as error:
        raise disk.unreadable(folder, error) from error
    if not found:
        raise DynvizError(
            f"{folder} is neither a run nor a recording: there is no {layout.METADATA} in it, nor in a folder inside it"
        )
    return found
