"""A run: one scenario's recordings, by name."""

import json
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
"""The file that marks a sweep's folder; the folders of its runs are beside it."""


class Run(Actions, Mapping[str, Recording]):
    """A run, read from its folder: its recordings by label, in the order in which they were requested.

    Attributes:
        folder: The path of the folder.
        problems: Why recordings could not be read; the others are available nevertheless.

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
        """Read the recordings, with all lanes or the given ones of each.

        Raises:
            DynvizError: The folder is not a run, or none of its recordings can be read with these lanes.
        """
        self.folder = Path(folder)
        recordings: list[Recording] = []
        problems: list[DynvizError] = []
        for path in _recording_folders(self.folder):
            try:
                recordings.append(Recording(path, lanes))
            except DynvizError as error:
                problems.append(error)
        if not recordings:
            raise problems[0]
        self.problems = tuple(map(str, problems))
        self._recordings: dict[str, Recording] = {}
        for recording in sorted(recordings, key=lambda recording: recording.metadata.order):
            # A copy of a recording has the same label; use the folder's name to distinguish it.
            taken = recording.label in self._recordings
            self._recordings[recording.folder.name if taken else recording.label] = recording

    def __repr__(self) -> str:
        """A one-line summary."""
        unread = f"; {len(self.problems)} cannot be read" if self.problems else ""
        return clean(f"<Run {self.folder.name}: {', '.join(self)}{unread}>")

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """All recordings, in order."""
        return tuple(self._recordings.values())

    def __getitem__(self, name: str) -> Recording:
        """A recording by its label.

        Raises:
            DynvizError: There is no such recording.
        """
        if name not in self._recordings:
            raise errors.unknown("recording", name, self._recordings)
        return self._recordings[name]

    def __contains__(self, name: object) -> bool:
        """Whether there is a recording with this label."""
        return name in self._recordings

    def get(self, name: str, default: Any = None) -> Any:
        """A recording by its label, or the default."""
        return self._recordings.get(name, default)

    def __iter__(self) -> Iterator[str]:
        """The labels, in order."""
        return iter(self._recordings)

    def __len__(self) -> int:
        """The number of recordings."""
        return len(self._recordings)


def open(source: Path | str) -> Run | Recording:
    """Open the folder of a run or of a recording.

    Args:
        source: The folder, or `FOLDER@LANES` for some lanes only, written like seeds: `runs/bowl-sgd-1@0:4`.

    Raises:
        DynvizError: The folder is neither, its contents cannot be read, or a lane does not exist.
    """
    folder, lanes = split_source(source)
    return Recording(folder, lanes) if (folder / layout.METADATA).exists() else Run(folder, lanes)


def open_all(sources: Iterable[Path | str], report_omission: Callable[[str], None] | None = None) -> list[Recording]:
    """Open all recordings of several sources, in order; a sweep's folder stands for all its runs.

    Args:
        sources: Folders, as for `open`.
        report_omission: Called with the reason for each recording of a run, or run of a sweep, that is left out.

    Raises:
        DynvizError: As for `open`, or no run of a sweep can be read.
    """
    report, whole = report_omission or (lambda _: None), dict[Path, Recording]()
    return [recording for source in sources for recording in _recordings(source, report, whole)]


def _recordings(
    source: Path | str, report_omission: Callable[[str], None], whole: dict[Path, Recording]
) -> list[Recording]:
    """The recordings of a source; `whole` holds those of which single lanes have been opened, with all lanes."""
    recordings: list[Recording] = []
    problem: DynvizError | None = None
    for member in _members(source):
        try:
            opened = _opened(member, whole)
        except DynvizError as error:
            if member is source:
                raise
            problem = error
            report_omission(f"left out: {error}")
            continue
        if isinstance(opened, Run):
            for words in opened.problems:
                report_omission(f"left out: {words}")
        recordings += opened.values() if isinstance(opened, Run) else [opened]
    if problem and not recordings:
        raise problem
    return recordings


def _opened(source: Path | str, whole: dict[Path, Recording]) -> Run | Recording:
    """Open a source; of a recording whose lanes are opened one by one, run.json is read once."""
    folder, lanes = split_source(source)
    if lanes is None or not (folder / layout.METADATA).exists():
        return open(source)
    if folder not in whole:
        whole[folder] = Recording(folder)
    return whole[folder].only(lanes)


def is_sweep(folder: Path | str) -> bool:
    """Whether a folder is a sweep's, which `open_all` accepts but `open` does not."""
    return (Path(folder) / SWEEP).is_file()


def begun_runs(folder: Path) -> list[Path]:
    """The runs of a sweep that have begun."""
    return sorted(run for run in folder.iterdir() if any(run.glob(f"*/{layout.METADATA}")))


def planned_runs(folder: Path) -> int:
    """The number of runs that a sweep is made of; 0 if its plan cannot be read, which resuming it would say."""
    try:
        tree = json.loads((folder / SWEEP).read_bytes())
    except (OSError, ValueError):
        return 0
    jobs = tree.get("jobs") if isinstance(tree, dict) else None
    return len(jobs) if isinstance(jobs, list) else 0


def _members(source: Path | str) -> list[Path | str]:
    """The source itself, or for a sweep the runs that have begun, each with the named lanes."""
    folder, lanes = split_source(source)
    if not is_sweep(folder):
        return [source]
    runs = begun_runs(folder)
    if not runs:
        raise DynvizError(f"{folder} is a sweep that has no runs yet")
    return list(runs) if lanes is None else [f"{run}@{','.join(map(str, lanes))}" for run in runs]


def split_source(source: Path | str) -> tuple[Path, tuple[int, ...] | None]:
    """The folder of a source and its lanes; None for all of them."""
    folder, sign, lanes = str(source).rpartition("@")
    # The name of a folder may contain an @.
    if not sign or Path(source).exists():
        return Path(source), None
    return Path(folder), grammar.lanes(lanes)


def _recording_folders(folder: Path) -> list[Path]:
    try:
        folders = sorted(path for path in folder.iterdir() if (path / layout.METADATA).is_file())
    except FileNotFoundError as error:
        raise DynvizError(f"there is no folder {folder}") from error
    except NotADirectoryError as error:
        raise DynvizError(f"{folder} is a file: give the folder of a run or of a recording") from error
    except OSError as error:
        raise disk.unreadable(folder, error) from error
    if not folders:
        raise DynvizError(
            f"{folder} is neither a run nor a recording: there is no {layout.METADATA} in it, nor in a folder inside it"
        )
    return folders
