"""Recordings of the first samples of others: small, and enough to show what a run begins with."""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dynviz.errors import DynvizError
from dynviz.recording.metadata import Metadata
from dynviz.recording.reader import Recording
from dynviz.recording.writer import Writer

LARGEST = 4 << 20
"""Bytes of first samples that are kept of a run."""


def copy(recording: Recording, folder: Path, **changed: Any) -> None:
    """Make a recording of the first sample of each channel that has one.

    Args:
        recording: The recording.
        folder: That of the new one, which must not exist.
        changed: Fields of its metadata that differ.
    """
    metadata = replace(recording.metadata, **changed)
    with Writer.create(folder, metadata) as writer:
        for name in metadata.channels:
            writer.write(name, 0, recording[name][:1].copy())


def pack(recordings: Sequence[Recording], target: Path) -> None:
    """Write the first samples of a run's recordings as a zip file, as a whole or not at all.

    Raises:
        DynvizError: They are too large, depend on files, or cannot be written.
    """
    if sum(_first_bytes(recording) for recording in recordings) > LARGEST:
        raise DynvizError("the first samples are too large to be kept")
    if any(recording.metadata.inputs for recording in recordings):
        raise DynvizError("first samples of runs that depend on files are not kept")
    with tempfile.TemporaryDirectory(prefix="dynviz-first-") as made:
        for recording in recordings:
            copy(recording, Path(made, recording.folder.name), created="")
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
                for path in sorted(Path(made).rglob("*")):
                    if path.is_file():
                        # Always of the same time, so that the same samples are the same bytes.
                        entry = zipfile.ZipInfo(path.relative_to(made).as_posix())
                        archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
            beside.replace(target)
        except OSError as error:
            raise DynvizError(f"cannot write {target}: {error.strerror}") from error
        finally:
            beside.unlink(missing_ok=True)


def unpack(source: Path, folder: Path, change: Mapping[str, Mapping[str, Any]] | None = None) -> list[Recording]:
    """The recordings of a file that `pack` wrote, as folders in a folder.

    Args:
        source: The file.
        folder: The folder, which is empty.
        change: If given, for each recording that is wanted the fields of its metadata, all else being that of the
            file's first recording.

    Raises:
        DynvizError: It is no such file.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > 2 * LARGEST + (1 << 20):
                raise DynvizError(f"{source} is too large for first samples")
            archive.extractall(folder)
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, ValueError) as error:
        raise DynvizError(f"{source} cannot be read: {error}") from error
    recordings = sorted((Recording(path.parent) for path in folder.glob("*/run.json")), key=_order)
    if not recordings:
        raise DynvizError(f"{source} holds no recording")
    if change is None:
        return recordings
    model, made = recordings[0], folder / "changed"
    for name, changed in change.items():
        copy(model, made / name, **changed)
    shutil.rmtree(model.folder)
    return [Recording(made / name) for name in change]


def _order(recording: Recording) -> int:
    metadata: Metadata = recording.metadata
    return metadata.order


def _first_bytes(recording: Recording) -> int:
    return sum(recording[name][:1].nbytes for name in recording.metadata.channels)
